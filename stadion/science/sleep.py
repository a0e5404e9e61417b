"""A night's stages in; how long, how soon and how broken it was, and over many how regular, out.

Stages are codes, one per epoch (30 s or 60 s): `AWAKE` 0, `ASLEEP` 1 where no more is known,
`LIGHT` 2, `DEEP` 3, `REM` 4, NaN unknown. Whoever only knows asleep from awake gives 1 and 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import positive, same_length, series
from stadion.science.rhythm import clock_h, mean_clock_h, regularity, social_jet_lag_h

__all__ = [
    "ASLEEP",
    "AWAKE",
    "DEEP",
    "LIGHT",
    "REM",
    "STAGES",
    "Night",
    "clock_h",
    "epochs_of",
    "mean_clock_h",
    "night_of",
    "regularity",
    "social_jet_lag_h",
]

AWAKE, ASLEEP, LIGHT, DEEP, REM = range(5)
STAGES = {"light": LIGHT, "deep": DEEP, "rem": REM}
"""Name -> code of the stages of sleep."""
_MOST_EPOCHS = 10_000_000


@dataclass(frozen=True, slots=True)
class Night:
    """What one time in bed was like; seconds unless the name says otherwise, NaN = not told.

    Parameters
    ----------
    in_bed_s
        The whole series: `latency_s + asleep_s + awake_s + awake_after_s + unknown_s` where sleep
        came at all.
    asleep_s
        Total sleep time.
    latency_s
        Until the first epoch asleep (sleep onset latency).
    awake_s
        Awake between falling asleep and the final awakening (WASO).
    awake_after_s
        Awake in bed after the final awakening.
    unknown_s
        Without a stage, from falling asleep on.
    efficiency
        Percent of the time in bed asleep.
    awakenings
        Times awake between falling asleep and the final awakening.
    asleep_at, awake_at, middle
        Falling asleep, the final awakening and the moment half way between, in the zone of the
        night's start; None without a start or without sleep.
    shares
        `light`, `deep`, `rem`: percent of the time asleep; empty where no stages are known.
    """

    in_bed_s: float
    asleep_s: float
    latency_s: float
    awake_s: float
    awake_after_s: float
    unknown_s: float
    efficiency: float
    awakenings: int
    asleep_at: datetime | None = None
    awake_at: datetime | None = None
    middle: datetime | None = None
    shares: dict[str, float] = field(default_factory=dict)


def night_of(
    stages: npt.ArrayLike,
    epoch_s: float = 30.0,
    start: datetime | None = None,
    least_awake_s: float = 0.0,
) -> Night:
    """Measures of one time in bed.

    Parameters
    ----------
    stages
        (n,) codes from going to bed to getting up.
    start
        Start of the first epoch with its time zone. The clock times of the result are in that
        zone, right also in the night in which the clocks change.
    least_awake_s
        Shorter times awake are no awakening; they count as time awake nevertheless.

    References
    ----------
    D. L. Reed, W. P. Sacco, Measuring sleep efficiency: what should the denominator be?, J. Clin.
    Sleep Med. 12 (2016) 263-266. C. E. Carney et al., The consensus sleep diary, Sleep 35 (2012)
    287-302 (WASO ends with the final awakening).

    Examples
    --------
    >>> night = night_of([0, 0, 2, 3, 0, 4, 4, 0], epoch_s=60)
    >>> night.asleep_s, night.latency_s, night.awake_s, night.awake_after_s, night.efficiency
    (240.0, 120.0, 60.0, 60.0, 50.0)
    >>> night.awakenings, night.shares
    (1, {'light': 25.0, 'deep': 25.0, 'rem': 50.0})
    """
    codes = _codes(stages)
    epoch_s = positive("epoch_s", epoch_s, "s")
    if start is not None and start.tzinfo is None:
        raise StadionError(
            Code.INVALID, f"start is {start} without a time zone; expected one, such as UTC"
        )
    is_asleep = codes > AWAKE
    in_bed = len(codes) * epoch_s
    if not is_asleep.any():
        awake = float((codes == AWAKE).sum()) * epoch_s
        nothing = float("nan")
        efficiency = 0.0 if awake > 0 else nothing
        return Night(in_bed, 0.0, nothing, nothing, awake, in_bed - awake, efficiency, 0)
    first, last = int(is_asleep.argmax()), len(codes) - int(is_asleep[::-1].argmax())
    within, after = codes[first:last], codes[last:]
    asleep = float(is_asleep.sum()) * epoch_s
    return Night(
        in_bed_s=in_bed,
        asleep_s=asleep,
        latency_s=first * epoch_s,
        awake_s=float((within == AWAKE).sum()) * epoch_s,
        awake_after_s=float((after == AWAKE).sum()) * epoch_s,
        unknown_s=float(np.isnan(codes[first:]).sum()) * epoch_s,
        efficiency=100.0 * asleep / in_bed,
        awakenings=_awakenings(within, least_awake_s / epoch_s),
        **_moments(start, first * epoch_s, last * epoch_s),
        shares=_stage_shares(codes),
    )


def _codes(stages: npt.ArrayLike) -> npt.NDArray[np.float64]:
    codes = series("stages", stages)
    wrong = np.flatnonzero(np.isfinite(codes) & ~np.isin(codes, range(REM + 1)))
    if len(wrong):
        at = int(wrong[0])
        told = f"stages[{at}] is {codes[at]:g}; expected 0 awake, 1 asleep, 2 light, 3 deep, 4 REM"
        raise StadionError(Code.INVALID, f"{told} or NaN")
    return codes


def _awakenings(within: FloatArray, least: float) -> int:
    is_awake = np.concatenate([[False], within == AWAKE, [False]])
    edges = np.flatnonzero(np.diff(is_awake.astype(np.int8)))
    return int(((edges[1::2] - edges[::2]) >= least).sum())


def _moments(start: datetime | None, asleep_s: float, awake_s: float) -> dict[str, datetime]:
    """Clock times are added in UTC: wall clocks jump when summer time begins or ends."""
    if start is None:
        return {}
    utc = start.astimezone(UTC)
    seconds = {"asleep_at": asleep_s, "awake_at": awake_s, "middle": (asleep_s + awake_s) / 2.0}
    return {
        name: (utc + timedelta(seconds=late)).astimezone(start.tzinfo)
        for name, late in seconds.items()
    }


def _stage_shares(codes: FloatArray) -> dict[str, float]:
    staged = (codes >= LIGHT).sum()
    if not staged:
        return {}
    return {name: 100.0 * float((codes == code).sum() / staged) for name, code in STAGES.items()}


def epochs_of(
    start_s: npt.ArrayLike,
    end_s: npt.ArrayLike,
    stages: npt.ArrayLike,
    epoch_s: float = 30.0,
    length_s: float | None = None,
) -> FloatArray:
    """(n,) stage of every epoch from intervals; NaN where there is none.

    Parameters
    ----------
    start_s, end_s, stages
        (k,) intervals, seconds since the first epoch begins. Where two overlap the later one in
        the list counts: trackers put short awakenings on top of the stages.
    length_s
        Of the series; without it up to the last end.

    Examples
    --------
    >>> epochs_of([0, 60], [120, 90], [2, 0])
    array([2., 2., 0., 2.])
    """
    starts, ends, codes = series("start_s", start_s), series("end_s", end_s), _codes(stages)
    same_length(start_s=starts, end_s=ends, stages=codes)
    positive("epoch_s", epoch_s, "s")
    if not np.all(ends >= starts) or (len(starts) and starts.min() < 0):
        at = int(np.flatnonzero(~((ends >= starts) & (starts >= 0)))[0])
        raise StadionError(
            Code.INVALID,
            f"interval {at} is from {starts[at]:g} s to {ends[at]:g} s; expected 0 <= start <= end",
        )
    length = length_s if length_s is not None else float(ends.max(initial=0.0))
    epochs = round(length / epoch_s)
    if not 0 <= epochs <= _MOST_EPOCHS:
        raise StadionError(
            Code.INVALID, f"length_s is {length:g}; expected at most {_MOST_EPOCHS} epochs"
        )
    series_of = np.full(epochs, np.nan)
    firsts, lasts = np.rint(starts / epoch_s).astype(int), np.rint(ends / epoch_s).astype(int)
    for first, last, code in zip(firsts, lasts, codes, strict=True):
        series_of[first:last] = code
    return series_of
