"""Words and numbers of other makers for a sport in, FIT's word for it out."""

from __future__ import annotations

__all__ = ["fit_sport", "sport_named", "sub_sport_named"]

_FIT: dict[int, str] = {
    0: "generic", 1: "running", 2: "cycling", 3: "transition", 4: "fitness_equipment",
    5: "swimming", 6: "basketball", 7: "soccer", 8: "tennis", 9: "american_football",
    10: "training", 11: "walking", 12: "cross_country_skiing", 13: "alpine_skiing",
    14: "snowboarding", 15: "rowing", 16: "mountaineering", 17: "hiking", 18: "multisport",
    19: "paddling", 20: "flying", 21: "e_biking", 22: "motorcycling", 23: "boating",
    24: "driving", 25: "golf", 26: "hang_gliding", 27: "horseback_riding", 28: "hunting",
    29: "fishing", 30: "inline_skating", 31: "rock_climbing", 32: "sailing", 33: "ice_skating",
    34: "sky_diving", 35: "snowshoeing", 36: "snowmobiling", 37: "stand_up_paddleboarding",
    38: "surfing", 39: "wakeboarding", 40: "water_skiing", 41: "kayaking", 42: "rafting",
    43: "windsurfing", 44: "kitesurfing", 45: "tactical", 46: "jumpmaster", 47: "boxing",
    48: "floor_climbing", 49: "baseball", 53: "diving", 62: "hiit", 64: "racket",
    65: "wheelchair_push_walk", 66: "wheelchair_push_run", 67: "meditation", 69: "disc_golf",
    71: "cricket", 72: "rugby", 73: "hockey", 74: "lacrosse", 75: "volleyball",
    76: "water_tubing", 77: "wakesurfing", 80: "mixed_martial_arts", 82: "snorkeling",
    83: "dance", 84: "jump_rope",
}  # fmt: skip

_WORDS: dict[str, str] = {
    "run": "running", "trail_running": "running", "treadmill_running": "running",
    "virtual_run": "running", "virtualrun": "running", "jogging": "running",
    "track_running": "running", "street_running": "running", "indoor_running": "running",
    "ride": "cycling", "bike": "cycling", "biking": "cycling", "road_biking": "cycling",
    "mountain_biking": "cycling", "indoor_cycling": "cycling", "virtual_ride": "cycling",
    "virtualride": "cycling", "gravel_cycling": "cycling", "cyclocross": "cycling",
    "swim": "swimming", "lap_swimming": "swimming", "open_water_swimming": "swimming",
    "walk": "walking", "hike": "hiking", "row": "rowing", "indoor_rowing": "rowing",
    "nordic_ski": "cross_country_skiing", "alpine_ski": "alpine_skiing",
    "kayak": "kayaking", "golfing": "golf", "football": "soccer", "e_bike_ride": "e_biking",
    # Numbers that Strava writes into the type of a GPX track.
    "1": "cycling", "9": "running", "16": "swimming", "17": "cycling",
}  # fmt: skip


def fit_sport(number: float) -> str:
    """FIT's word for its number; a number it gained later keeps its digits: `sport_99`."""
    return _FIT.get(int(number), f"sport_{int(number)}")


def sport_named(word: str) -> str:
    """FIT's word for another maker's; empty when it is unknown.

    Examples
    --------
    >>> sport_named("Road Biking"), sport_named("Running"), sport_named("Other")
    ('cycling', 'running', '')
    """
    key = "_".join(word.strip().lower().replace("-", " ").split())
    if key in _WORDS:
        return _WORDS[key]
    return key if key in _FIT.values() else ""


_SUB_SPORTS: dict[str, str] = {
    "trail_running": "trail", "treadmill_running": "treadmill", "track_running": "track",
    "street_running": "street", "indoor_running": "indoor_running",
    "virtual_run": "virtual_activity", "virtual_ride": "virtual_activity",
    "virtualride": "virtual_activity", "virtualrun": "virtual_activity",
    "road_biking": "road", "mountain_biking": "mountain", "indoor_cycling": "indoor_cycling",
    "gravel_cycling": "gravel_cycling", "cyclocross": "cyclocross",
    "lap_swimming": "lap_swimming", "open_water_swimming": "open_water",
    "indoor_rowing": "indoor_rowing", "17": "virtual_activity",
}  # fmt: skip


def sub_sport_named(word: str) -> str:
    """FIT's word for the kind of sport in another maker's word for it; empty when unknown.

    Examples
    --------
    >>> sub_sport_named("Road Biking"), sub_sport_named("Running")
    ('road', '')
    """
    return _SUB_SPORTS.get("_".join(word.strip().lower().replace("-", " ").split()), "")
