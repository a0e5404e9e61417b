"""Where a recording was made in, whether that was indoors or on a shifted map out."""

from __future__ import annotations

import numpy as np

from stadion.core.activity import Activity, Flag, Track
from stadion.science.gcj02 import is_in_china
from stadion.science.quality.ground import known_fixes, metres_apart
from stadion.science.quality.limits import INDOOR_WORDS

__all__ = ["crs_of", "indoor_flags", "is_virtual", "shift_flags"]

_STAYS_M, _STAYS_SHARE = 25.0, 0.95
_GOES_M = 1000.0
_HILLS_M = 20.0
_VIRTUAL_MAKERS = ("zwift", "rouvy", "bkool", "kinomap", "trainerroad", "fulgaz")
"""What these write was ridden at home, wherever the positions lie."""
_STRAIGHT_WAYS = frozenset({"", "running", "cycling", "walking", "fitness_equipment", "generic"})
_EFFORTS = ("heart_rate", "power", "speed", "cadence", "distance")
_SHIFTING = {
    "keep": "known for", "codoon": "known for", "joyrun": "known for", "咕咚": "known for",
    "悦跑": "known for", "huawei": "in China at times", "xiaomi": "in China at times",
    "mi fitness": "in China at times",
}  # fmt: skip
"""Makers whose exports carry GCJ-02, told by what their owners found on their maps."""
_SAYS_SO = ("gcj-02", "gcj02", "gcj_02")


def indoor_flags(activity: Activity, track: Track) -> list[Flag]:
    """One flag over the whole track when it was made under a roof, with how that is told."""
    why = _roof(activity, track)
    if not why or not len(track):
        return []
    start, end = float(track.time_s[0]), float(track.time_s[-1])
    return [Flag("indoor", start, end, "", track.subject, why)]


def shift_flags(activity: Activity, track: Track) -> list[Flag]:
    """A flag on positions in mainland China whose maker shifts them; possible, not certain."""
    maker = f"{activity.device} {activity.title}".lower()
    if crs_of(activity) == "GCJ02":
        why = "the file says that it is GCJ-02"
    else:
        names = [name for name in _SHIFTING if name in activity.device.lower()]
        if not names:
            return []
        why = f"possible: {names[0]} exports are {_SHIFTING[names[0]]} it"
    fixes = np.flatnonzero(known_fixes(track))
    if not len(fixes) or not maker.strip():
        return []
    lat, long = track.channels["position_lat"][fixes], track.channels["position_long"][fixes]
    inside = fixes[is_in_china(lat, long)]
    if len(inside) < 0.5 * len(fixes):
        return []
    start, end = float(track.time_s[inside[0]]), float(track.time_s[inside[-1]])
    return [Flag("gcj02", start, end, "position_lat", track.subject, why)]


def crs_of(activity: Activity) -> str:
    """The coordinate system where it is certain: what the activity has, or the file says."""
    words = f"{activity.device} {activity.title}".lower()
    return "GCJ02" if any(word in words for word in _SAYS_SO) else activity.crs


def is_virtual(activity: Activity) -> bool:
    """True when the positions are those of a made-up world, or of a film."""
    return "virtual" in activity.sub_sport or bool(_virtual_makers(activity))


def _virtual_makers(activity: Activity) -> list[str]:
    return [maker for maker in _VIRTUAL_MAKERS if maker in activity.device.lower()]


def _roof(activity: Activity, track: Track) -> str:
    words = [word for word in INDOOR_WORDS if word in activity.sub_sport]
    if words:
        return f"the sport is {activity.sub_sport}"
    if is_virtual(activity):
        return f"made by {_virtual_makers(activity)[0]}"
    fixes = known_fixes(track)
    if not fixes.any():
        return _without_place(track)
    return _on_the_spot(activity, track, fixes.nonzero()[0])


def _without_place(track: Track) -> str:
    """Indoors, unless the heights change: then it is an old device without a receiver."""
    is_effort = any(name in track.channels for name in _EFFORTS)
    if not is_effort or "position_x" in track.channels:
        return ""
    altitude = track.channels.get("altitude")
    known = np.empty(0) if altitude is None else altitude[np.isfinite(altitude)]
    is_hilly = len(known) > 0 and float(known.max()) - float(known.min()) > _HILLS_M
    return "" if is_hilly else "no position, and no hills"


def _on_the_spot(activity: Activity, track: Track, fixes: np.ndarray) -> str:
    distance = track.channels.get("distance")
    if activity.sport not in _STRAIGHT_WAYS or distance is None or len(fixes) < 30:
        return ""
    known = distance[np.isfinite(distance)]
    if not len(known) or known[-1] - known[0] < _GOES_M:
        return ""
    lat, long = track.channels["position_lat"][fixes], track.channels["position_long"][fixes]
    # A few fixes tell that it moves at all, which spares the medians of most recordings.
    few = slice(None, None, max(len(fixes) // 64, 1))
    middle = np.median(lat[few]), np.median(long[few])
    apart = metres_apart(lat[few], long[few], *(np.full(len(lat[few]), m) for m in middle))
    if np.mean(apart <= _STAYS_M) < _STAYS_SHARE:
        return ""
    return f"{known[-1] - known[0]:.0f} m covered within {_STAYS_M:.0f} m of one place"
