"""Intervals between heart beats in; the same without artefacts, and how many there were, out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import positive, same_length, series

__all__ = ["Corrected", "beat_times", "correct"]

_Floats = npt.NDArray[np.float64]
_WINDOW, _MEDIAN = 91, 11  # beats
_ALPHA, _SLOPE, _OFFSET = 5.2, 0.13, 0.17
_DEVIATES = 3.0  # thresholds that an interval may lie from its median
_LEAST = 3  # intervals
_AT_ONCE = 8_192  # windows sorted together: bounds the memory
_ROUNDS = 100
_LOST_MS = 1_000.0  # more time than the interval: at least one beat is lost
_NORMAL, _EXTRA, _MISSED, _LONG_SHORT = 0, 1, 2, 3


@dataclass(frozen=True, slots=True, eq=False)
class Corrected:
    """Intervals without artefacts.

    Parameters
    ----------
    rr_ms
        (m,) corrected intervals; NaN stands for a hole in the recording.
    time_s
        (m,) end of each interval, seconds since the first one began, or on the clock that was
        given; holes keep their length.
    is_mended
        (m,) True where the correction changed, made or joined the interval.
    ectopic, missed, extra, long_short
        Artefacts of each kind as they were recorded; what the mending itself uncovers is mended
        too, but not counted twice.
    holes
        Stretches without beats: NaN or an interval above `hole_ms`.
    share
        Artefacts per recorded interval, 0 to 1; NaN without any interval.
    """

    rr_ms: FloatArray
    time_s: FloatArray
    is_mended: Array
    ectopic: int
    missed: int
    extra: int
    long_short: int
    holes: int
    share: float


class _Found(NamedTuple):
    """Indices of beats; beat i ends interval i - 1."""

    ectopic: IntArray
    missed: IntArray
    extra: IntArray
    long_short: IntArray

    @property
    def total(self) -> int:
        return sum(map(len, self))


def beat_times(rr_ms: FloatArray) -> FloatArray:
    """(n,) seconds from the first interval's start to each interval's end.

    A NaN has no length: give `time_s` of your own to a function where the recording has holes.
    """
    return np.asarray(np.cumsum(np.nan_to_num(rr_ms)) / 1000.0)


def correct(
    rr_ms: npt.ArrayLike, hole_ms: float = 3_000.0, time_s: npt.ArrayLike | None = None
) -> Corrected:
    """Beats that were missed, invented, misplaced or ectopic, found and mended.

    A missed beat is put in the middle, an extra one dropped, an ectopic, long or short one moved
    to the middle between its neighbours, so that the recording keeps its length. This is repeated
    while it makes the artefacts fewer.

    Parameters
    ----------
    rr_ms
        (n,) intervals in the order of recording, NaN = unknown.
    hole_ms
        A longer interval is no interval between two beats: the sensor or the clock had stopped.
        What lies on either side is looked at by itself.
    time_s
        (n,) end of each interval on the recording's clock, rising. Where more time passed between
        two than the interval, beats were lost: a hole. The corrected beats are on this clock.

    Raises
    ------
    StadionError
        INVALID where an interval is not above 0, or where time does not rise.

    References
    ----------
    J. A. Lipponen, M. P. Tarvainen, A robust algorithm for heart rate variability time series
    artefact correction using novel beat classification, J. Med. Eng. Technol. 43 (2019) 173-181:
    thresholds of 5.2 quartile deviations over 91 beats, medians over 11, c1 = 0.13, c2 = 0.17.

    Examples
    --------
    >>> rr = 800.0 + 20.0 * np.sin(np.arange(60) / 3.0)
    >>> whole = correct(np.concatenate([rr[:30], [rr[30] + rr[31]], rr[32:]]))
    >>> whole.missed, len(whole.rr_ms), round(whole.share, 3)
    (1, 60, 0.017)
    """
    rr = series("rr_ms", rr_ms)
    positive("hole_ms", hole_ms, "ms")
    wrong = np.flatnonzero(rr <= 0.0)
    if len(wrong):
        at = int(wrong[0])
        told = f"rr_ms[{at}] is {rr[at]:g}; expected more than 0 ms, or NaN where unknown"
        raise StadionError(Code.INVALID, told)
    rr, lengths, clock_s = _on_clock(rr, time_s)
    is_hole = ~(rr <= hole_ms)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], is_hole, [True]]).astype(np.int8)))
    pieces = [_hole(lengths[: edges[0]] if len(edges) else lengths)]
    counts = np.zeros(4, np.int64)
    afters = np.append(edges[2::2], len(rr))
    for start, end, after in zip(edges[::2], edges[1::2], afters, strict=False):
        mended, found = _mended(rr[start:end])
        pieces += [mended, _hole(lengths[end:after])]
        counts += [len(kind) for kind in found]
    whole = np.concatenate(pieces)
    known = int((~is_hole).sum())
    share = float(counts.sum() / known) if known else np.nan
    length, is_mended, at_hole = whole.T
    ectopic, missed, extra, long_short = (int(count) for count in counts)
    return Corrected(
        rr_ms=np.where(at_hole > 0, np.nan, length),
        time_s=_clocked(length, lengths, clock_s),
        is_mended=is_mended > 0,
        ectopic=ectopic,
        missed=missed,
        extra=extra,
        long_short=long_short,
        holes=int(at_hole.sum()),
        share=share,
    )


def _on_clock(rr: _Floats, time_s: npt.ArrayLike | None) -> tuple[_Floats, _Floats, _Floats]:
    """Intervals with a NaN where beats were lost, the ms each takes, the time each ends."""
    lengths = np.nan_to_num(rr)
    if time_s is None:
        return rr, lengths, np.cumsum(lengths) / 1000.0
    times = series("time_s", time_s)
    same_length(rr_ms=rr, time_s=times)
    falls = np.flatnonzero(~(np.diff(times) > 0))
    if len(falls) or np.isnan(times).any():
        at = int(falls[0]) + 1 if len(falls) else 0
        told = f"time_s[{at}] is {times[at]:g}; expected each beat after the one before"
        raise StadionError(Code.INVALID, told)
    lost = np.flatnonzero(np.diff(times) * 1000.0 - lengths[1:] > _LOST_MS) + 1
    missing = (times[lost] - times[lost - 1]) * 1000.0 - lengths[lost]
    ends = times[lost] - lengths[lost] / 1000.0
    return (
        np.insert(rr, lost, np.nan),
        np.insert(lengths, lost, missing),
        np.insert(times, lost, ends),
    )


def _clocked(length: FloatArray, lengths: FloatArray, clock_s: FloatArray) -> FloatArray:
    """(m,) time at which each corrected interval ends, the recorded ones being on the clock."""
    first = clock_s[:1] - lengths[:1] / 1000.0
    told = np.concatenate([first, clock_s]) if len(first) else np.zeros(1)
    return np.asarray(np.interp(np.cumsum(length), np.cumsum([0.0, *lengths]), told))


def _hole(lengths: FloatArray) -> FloatArray:
    """(0 or 1, 3) one row for a stretch without beats: its length, not mended, a hole."""
    if not len(lengths):
        return np.zeros((0, 3))
    return np.array([[lengths.sum(), 0.0, 1.0]])


def _mended(rr: FloatArray) -> tuple[FloatArray, _Found]:
    """(m, 3) interval, whether mended, 0; and what the first look found."""
    beats = recorded = np.concatenate([[0.0], np.cumsum(rr)])
    nothing = np.zeros(0, np.int64)
    first = found = _find(beats) if len(rr) >= _LEAST else _Found(*[nothing] * 4)
    for _ in range(_ROUNDS):
        if not found.total:
            break
        fewer = _moved(beats, found)
        again = _find(fewer)
        beats, before, found = fewer, found.total, again
        if again.total >= before:
            break
    is_old = np.isin(beats, recorded)
    length = np.diff(beats)
    is_kept = is_old[:-1] & is_old[1:] & (np.diff(np.searchsorted(recorded, beats)) == 1)
    return np.stack([length, (~is_kept).astype(float), np.zeros(len(length))], axis=1), first


def _find(beats: FloatArray) -> _Found:
    """The artefacts among beats: what is odd in the differences, then what kind of odd."""
    rr = np.diff(beats, prepend=beats[0])
    rr[0] = rr[1:].mean()
    step = np.diff(rr, prepend=rr[0])
    step[0] = step[1:].mean()
    odd = _by_threshold(step)[0]
    median = _rolling(rr, _MEDIAN, (0.5,))[0]
    off = rr - median
    off, limit = _by_threshold(np.where(off < 0, 2 * off, off))
    is_suspect = ~(np.abs(odd) <= 1) & ((np.abs(odd) > 1) | (np.abs(off) > _DEVIATES))
    is_suspect[-2:] = False
    return _sorted_out(
        np.flatnonzero(is_suspect), _is_ectopic(odd), _kinds(rr, median, odd, off, limit), odd
    )


def _by_threshold(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Values over 5.2 quartile deviations of their surroundings (NaN where those are 0); both."""
    low, high = _rolling(np.abs(values), _WINDOW, (0.25, 0.75))
    limit = _ALPHA * (high - low) / 2.0
    over = np.full(len(values), np.nan)
    np.divide(values, limit, out=over, where=limit != 0)
    return over, limit


def _is_ectopic(odd: FloatArray) -> Array:
    """(n,) True where a jump is answered by one the other way: subspace S1 of the reference."""
    around = np.pad(odd, 1, "reflect")
    answer = np.where(odd > 0, np.maximum(around[:-2], around[2:]),
                      np.minimum(around[:-2], around[2:]))  # fmt: skip
    return ((odd > 1) & (answer < -_SLOPE * odd - _OFFSET)) | (
        (odd < -1) & (answer > -_SLOPE * odd + _OFFSET)
    )


def _kinds(
    rr: FloatArray, median: FloatArray, odd: FloatArray, off: FloatArray, limit: FloatArray
) -> IntArray:
    """(n,) what each beat is unless ectopic: subspace S2 and the deviation from the median."""
    after = np.pad(odd, (0, 2), "reflect")
    answer = np.where(odd >= 0, np.minimum(after[1:-1], after[2:]),
                      np.maximum(after[1:-1], after[2:]))  # fmt: skip
    is_long, is_short = (odd > 1) & (answer < -1), (odd < -1) & (answer > 1)
    with_next = rr + np.append(rr[1:], np.nan)
    kinds = np.where(is_long | is_short | (np.abs(off) > _DEVIATES), _LONG_SHORT, _NORMAL)
    kinds[is_long & (np.abs(rr / 2.0 - median) < limit)] = _MISSED
    kinds[is_short & (np.abs(with_next - median) < limit)] = _EXTRA
    return kinds


def _sorted_out(suspects: IntArray, is_ectopic: Array, kinds: IntArray, odd: FloatArray) -> _Found:
    """Suspects in order; one that is not ectopic may draw the next beat in with it."""
    bins: tuple[list[int], ...] = ([], [], [], [])
    ectopic, free = [], 0
    for at in suspects.tolist():
        if at < free:
            continue
        if is_ectopic[at]:
            ectopic.append(at)
            continue
        both = abs(odd[at + 1]) < abs(odd[at + 2])
        for beat in (at, at + 1)[: 1 + bool(both)]:
            bins[kinds[beat]].append(beat)
            free = beat + 1
    found = [np.array(each, np.int64) for each in (ectopic, *(bins[k] for k in (2, 1, 3)))]
    return _Found(*found)


def _moved(beats: FloatArray, found: _Found) -> FloatArray:
    """The beats after one round: extra ones out, missed ones in, misplaced ones to the middle."""
    ectopic, missed, extra, long_short = found
    beats = np.delete(beats, extra)
    missed, ectopic, long_short = (
        np.unique(kind - np.searchsorted(extra, kind)) for kind in (missed, ectopic, long_short)
    )
    missed = missed[(missed > 0) & (missed < len(beats))]
    beats = np.insert(beats, missed, (beats[missed - 1] + beats[missed]) / 2.0)
    for kind in (ectopic, long_short):
        shifted = kind + np.searchsorted(missed, kind)
        inner = shifted[(shifted > 0) & (shifted < len(beats) - 1)]
        middles = (beats[inner - 1] + beats[inner + 1]) / 2.0
        beats = np.array(beats)
        beats[inner] = middles
        beats.sort()
    return beats


def _rolling(values: FloatArray, width: int, shares: tuple[float, ...]) -> list[FloatArray]:
    """Quantiles (each (n,)) over `width` values around each one, fewer at the ends."""
    half = width // 2
    padded = np.pad(values, half, constant_values=np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    at = np.arange(len(values))
    known = np.minimum(at, half) + np.minimum(at[::-1], half) + 1
    quantiles: list[FloatArray] = [np.empty(len(values)) for _ in shares]
    for start in range(0, len(values), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        ordered = np.sort(windows[part], axis=1)
        rows = np.arange(len(ordered))
        for share, quantile in zip(shares, quantiles, strict=True):
            place = share * (known[part] - 1)
            low = np.floor(place).astype(np.int64)
            high = np.minimum(low + 1, known[part] - 1)
            below, above = ordered[rows, low], ordered[rows, high]
            quantile[part] = below + (place - low) * (above - below)
    return quantiles
