"""A sport in, how fast it can be and when it counts as moving out."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FOOT_SPORTS", "INDOOR_WORDS", "Pace", "pace_of"]


@dataclass(frozen=True, slots=True)
class Pace:
    """Speeds of a sport in m/s.

    Parameters
    ----------
    moving_mps
        Slower than this is standing: shuffling at a light, drift of the fixes.
    top_mps
        Nobody is faster; the fastest seen, and a little for the error of a second.
    jolt_mps
        Speed cannot rise and fall again by this within a few seconds.
    """

    moving_mps: float
    top_mps: float
    jolt_mps: float


FOOT_SPORTS = frozenset({"running", "walking", "hiking", "snowshoeing", "mountaineering"})

INDOOR_WORDS = (
    "indoor", "treadmill", "virtual", "spin", "trainer", "lap_swimming", "elliptical",
    "stair_climbing", "strength_training", "floor_climbing",
)  # fmt: skip
"""Parts of FIT's sub-sports that are made under a roof."""

_PACES: dict[str, Pace] = {
    # Top: sprinters reach 12.4 m/s, descents on bicycles 36 m/s, world-class eights 6.3 m/s.
    "running": Pace(0.6, 13.0, 5.0),
    "walking": Pace(0.4, 9.0, 4.0),
    "hiking": Pace(0.3, 9.0, 4.0),
    "mountaineering": Pace(0.2, 40.0, 8.0),  # some come down on skis
    "snowshoeing": Pace(0.3, 9.0, 4.0),
    "cycling": Pace(1.0, 37.0, 9.0),
    "e_biking": Pace(1.0, 37.0, 9.0),
    "swimming": Pace(0.2, 4.0, 2.5),
    "rowing": Pace(0.5, 10.0, 5.0),
    "paddling": Pace(0.4, 12.0, 5.0),
    "kayaking": Pace(0.4, 12.0, 5.0),
    "stand_up_paddleboarding": Pace(0.4, 12.0, 5.0),
    "cross_country_skiing": Pace(0.6, 30.0, 8.0),
    "inline_skating": Pace(0.8, 37.0, 8.0),
    "ice_skating": Pace(0.8, 25.0, 8.0),
    "alpine_skiing": Pace(0.8, 70.0, 12.0),
    "snowboarding": Pace(0.8, 60.0, 12.0),
    "flying": Pace(1.0, 400.0, 60.0),
    "hang_gliding": Pace(1.0, 60.0, 30.0),
    "sky_diving": Pace(1.0, 400.0, 60.0),
    "driving": Pace(1.0, 110.0, 20.0),
    "motorcycling": Pace(1.0, 110.0, 20.0),
}
_ANY = Pace(0.4, 110.0, 20.0)  # nobody said what it is: a car is possible too


def pace_of(sport: str) -> Pace:
    """Speeds of a sport; of an unknown one those of anything on the ground.

    Examples
    --------
    >>> pace_of("cycling").moving_mps, pace_of("").top_mps
    (1.0, 110.0)
    """
    return _PACES.get(sport, _ANY)
