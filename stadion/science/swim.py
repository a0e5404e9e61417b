"""Lengths, strokes and times of swimming in; pace, economy, threshold speed and sets out.

None of these needs a model of drag: they follow from what a watch or a coach counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stadion.core.activity import Lap
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import above, positive, same_length, series

__all__ = [
    "CriticalSwimSpeed",
    "SwimSet",
    "critical_swim_speed",
    "distance_per_stroke",
    "pace_per_100m",
    "speed_of_pace",
    "stroke_index",
    "stroke_rate",
    "swim_sets",
    "swolf",
]

_SAME_SET_S = 5.0


def pace_per_100m(speed_mps: float) -> float:
    """Seconds for 100 m.

    Examples
    --------
    >>> pace_per_100m(1.25)
    80.0
    """
    return 100.0 / positive("speed_mps", speed_mps, "m/s")


def speed_of_pace(pace_s: float) -> float:
    """m/s of a pace in seconds per 100 m.

    Examples
    --------
    >>> speed_of_pace(80.0)
    1.25
    """
    return 100.0 / positive("pace_s", pace_s, "s per 100 m")


def swolf(time_s: float, strokes: float) -> float:
    """Seconds plus strokes of one length: lower is more economical; compare equal pools only.

    Examples
    --------
    >>> swolf(22.0, 18)
    40.0
    """
    return positive("time_s", time_s, "s") + above("strokes", strokes, -1e-9, "strokes")


def stroke_rate(strokes: float, time_s: float) -> float:
    """Strokes per minute: arm cycles where cycles were counted.

    Examples
    --------
    >>> stroke_rate(15, 30.0)
    30.0
    """
    return 60.0 * above("strokes", strokes, -1e-9, "strokes") / positive("time_s", time_s, "s")


def distance_per_stroke(distance_m: float, strokes: float) -> float:
    """Metres per stroke.

    Examples
    --------
    >>> distance_per_stroke(25.0, 10)
    2.5
    """
    return positive("distance_m", distance_m, "m") / positive("strokes", strokes, "strokes")


def stroke_index(speed_mps: float, distance_per_stroke_m: float) -> float:
    """Speed times distance per stroke, m^2/s: more at one speed is better technique.

    References
    ----------
    D. L. Costill et al., Energy expenditure during front crawl swimming: predicting success in
    middle-distance events, Int. J. Sports Med. 6 (1985) 266-270.

    Examples
    --------
    >>> stroke_index(1.5, 2.0)
    3.0
    """
    length = positive("distance_per_stroke_m", distance_per_stroke_m, "m")
    return positive("speed_mps", speed_mps, "m/s") * length


@dataclass(frozen=True, slots=True)
class CriticalSwimSpeed:
    """The speed that could be held for long, and the metres there are above it.

    `speed_se_mps` is the standard error of the speed: NaN with two trials, which a line always
    fits; `trials` their number.
    """

    speed_mps: float
    reserve_m: float
    speed_se_mps: float
    trials: int

    @property
    def pace_s(self) -> float:
        """Seconds per 100 m."""
        return 100.0 / self.speed_mps


def critical_swim_speed(distance_m: npt.ArrayLike, time_s: npt.ArrayLike) -> CriticalSwimSpeed:
    """Slope of distance over time of best efforts: of two trials, or a line through several.

    Parameters
    ----------
    distance_m, time_s
        (k,) at least two trials of different length, all out: 200 m and 400 m are usual.

    References
    ----------
    K. Wakayoshi et al., Determination and validity of critical velocity as an index of swimming
    performance in the competitive swimmer, Eur. J. Appl. Physiol. 64 (1992) 153-157.

    Examples
    --------
    >>> css = critical_swim_speed([200, 400], [150, 320])
    >>> round(css.speed_mps, 4), round(css.reserve_m, 1), css.pace_s
    (1.1765, 23.5, 85.0)
    """
    distance, time = series("distance_m", distance_m), series("time_s", time_s)
    same_length(distance_m=distance, time_s=time)
    if len(time) < 2 or not (np.diff(np.sort(time)) > 0).any():
        raise StadionError(
            Code.INVALID, f"time_s is {time.tolist()}; expected trials of at least two durations"
        )
    if not ((time > 0) & (distance > 0)).all():
        raise StadionError(Code.INVALID, "distance_m and time_s of each trial must be above 0")
    late = time - time.mean()
    speed = float(late @ distance / (late @ late))
    reserve = float(distance.mean() - speed * time.mean())
    if speed <= 0:
        told = f"the trials give {speed:.3f} m/s; expected a longer distance to take longer"
        raise StadionError(Code.INVALID, told)
    left = distance - reserve - speed * time
    free = len(time) - 2
    error = float(np.sqrt(left @ left / free / (late @ late))) if free else float("nan")
    return CriticalSwimSpeed(speed, reserve, error, len(time))


@dataclass(frozen=True, slots=True)
class SwimSet:
    """Lengths swum without a rest; times in seconds since the activity's start.

    `rest_s` is the rest after it (0 after the last); `strokes` and `swolf` (mean of its lengths)
    are NaN where no strokes were counted; `stroke` is the style, `mixed` where it changed.
    """

    start_s: float
    end_s: float
    lengths: int
    distance_m: float
    moving_s: float
    rest_s: float
    strokes: float
    swolf: float
    stroke: str

    @property
    def pace_s(self) -> float:
        """Seconds per 100 m."""
        return 100.0 * self.moving_s / self.distance_m


def swim_sets(
    laps: Sequence[Lap], pool_m: float, least_rest_s: float = _SAME_SET_S
) -> tuple[SwimSet, ...]:
    """Sets and the rests between them out of the lengths of a pool swim.

    Parameters
    ----------
    laps
        Of the activity; those of kind `length` count, one labelled `idle` is a rest. Their
        `timer_s` or `elapsed_s` is the time, `strokes` the strokes.
    pool_m
        Length of the pool.
    least_rest_s
        A shorter wait at the wall does not end a set. Watches write starts in whole seconds and
        many never write idle lengths, so that a gap between two lengths is a rest too.

    Examples
    --------
    >>> def length(start, end, label="freestyle"):
    ...     return Lap(start, end, "length", label, {"elapsed_s": end - start, "strokes": 9.0})
    >>> laps = [length(0, 20), length(20, 41), length(41, 71, "idle"), length(71, 91)]
    >>> [(one.lengths, one.distance_m, one.rest_s, one.swolf) for one in swim_sets(laps, 25.0)]
    [(2, 50.0, 30.0, 29.5), (1, 25.0, 0.0, 29.0)]
    """
    positive("pool_m", pool_m, "m")
    swum = [lap for lap in laps if lap.kind == "length" and lap.label != "idle"]
    swum = sorted((lap for lap in swum if np.isfinite(lap.start_s)), key=lambda lap: lap.start_s)
    groups: list[list[Lap]] = []
    for lap in swum:
        if groups and lap.start_s - _end(groups[-1][-1]) < least_rest_s:
            groups[-1].append(lap)
        else:
            groups.append([lap])
    starts = [group[0].start_s for group in groups[1:]]
    rests = [start - _end(group[-1]) for start, group in zip(starts, groups, strict=False)] + [0.0]
    return tuple(_set(group, rest, pool_m) for group, rest in zip(groups, rests, strict=False))


def _end(lap: Lap) -> float:
    return lap.start_s + _seconds(lap)


def _seconds(lap: Lap) -> float:
    duration = lap.values.get("timer_s", lap.values.get("elapsed_s", lap.end_s - lap.start_s))
    return float(duration) if np.isfinite(duration) else 0.0


def _set(group: list[Lap], rest_s: float, pool_m: float) -> SwimSet:
    times = np.array([_seconds(lap) for lap in group])
    strokes = np.array([lap.values.get("strokes", np.nan) for lap in group])
    counted = np.isfinite(strokes)
    styles = {lap.label for lap in group}
    return SwimSet(
        start_s=group[0].start_s,
        end_s=_end(group[-1]),
        lengths=len(group),
        distance_m=len(group) * pool_m,
        moving_s=float(times.sum()),
        rest_s=max(rest_s, 0.0),
        strokes=float(strokes[counted].sum()) if counted.any() else float("nan"),
        swolf=float((times + strokes)[counted].mean()) if counted.any() else float("nan"),
        stroke=styles.pop() if len(styles) == 1 else "mixed",
    )
