"""Two recordings in, by how many seconds one clock is ahead of the other out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Activity
from stadion.core.arrays import Array, FloatArray
from stadion.science.resample import interpolate

__all__ = [
    "CHANNELS",
    "Pace",
    "common",
    "copied_share",
    "metres_apart",
    "near_shift",
    "pace_of",
    "wide_shifts",
]

CHANNELS = (
    "position_lat",
    "position_long",
    "power",
    "speed",
    "altitude",
    "heart_rate",
    "cadence",
)
_ROUNDING = {
    "position_lat": 1e-5,
    "position_long": 1e-5,
    "power": 0.5,
    "speed": 0.02,
    "altitude": 0.3,
    "heart_rate": 0.5,
    "cadence": 0.5,
}
_MAX_GAP_S = 10.0
"""Longer gaps are not bridged when two recordings are compared."""
_NEAR_S = 30
"""Clocks of two devices that are both set differ by less."""
_WIDE_S = 600
"""Clocks that somebody set by hand differ by less."""
_QUARTER_S = 900
_MOST_ZONES_S = 15 * 3600
_LONGEST_S = 100_000
_LOOKED_AT = 600
_METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What was recorded, as it was: milliseconds since 1970, and channels of as many values."""

    time_ms: Array
    channels: Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Pace:
    """A recording at one value per second of its own clock.

    Parameters
    ----------
    start
        Seconds since 1970 of the first value: a whole number.
    values
        Channel -> (n,) float64, NaN = not known; `y` and `x` are latitude and longitude in
        metres along the equator.
    """

    start: int
    values: dict[str, FloatArray]
    samples: Samples

    @property
    def seconds(self) -> int:
        """How many values each channel has."""
        return len(next(iter(self.values.values()), ()))


def pace_of(activity: Activity) -> Pace:
    """What of a dated recording's main track is compared with others."""
    held = activity.tracks[0]
    assert activity.start is not None  # noqa: S101  # the caller's promise
    begin = activity.start.timestamp() + (float(held.time_s[0]) if len(held) else 0.0)
    start = int(np.ceil(begin - 1e-6))
    last = float(held.time_s[-1] - held.time_s[0]) if len(held) else -1.0
    count = max(0, min(int(begin + last - start + 1e-6) + 1, _LONGEST_S))
    at_s = np.arange(count) + (start - activity.start.timestamp())
    values = {
        name: interpolate(held.time_s, held.channels[name].astype(np.float64), at_s, _MAX_GAP_S)
        for name in CHANNELS
        if name in held.channels
    }
    lat, long = values.pop("position_lat", None), values.pop("position_long", None)
    if lat is not None and long is not None:
        values["y"] = lat * _METRES_PER_DEGREE
        values["x"] = long * _METRES_PER_DEGREE
    if not values:
        values["time"] = np.full(count, np.nan)
    time_ms = np.round((activity.start.timestamp() + held.time_s) * 1000).astype(np.int64)
    return Pace(start, values, Samples(time_ms, held.channels))


def copied_share(one: Pace, other: Pace) -> float:
    """Share of the smaller recording's samples that the other has too, at the same moments.

    A sample counts as the same when position, or else all other shared channels, agree as far
    as the rounding of file formats goes. This tells copies of a few samples as well.
    """
    a, b = one.samples, other.samples
    shared = [name for name in _ROUNDING if name in a.channels and name in b.channels]
    names = [name for name in shared if name.startswith("position")] or shared
    _, mine, theirs = np.intersect1d(a.time_ms, b.time_ms, return_indices=True)
    smaller = min(len(a.time_ms), len(b.time_ms))
    if not names or len(mine) < max(2, 0.5 * smaller):
        return 0.0
    same = np.ones(len(mine), np.bool_)
    known = np.zeros(len(mine), np.bool_)
    for name in names:
        left, right = a.channels[name][mine], b.channels[name][theirs]
        is_known = np.isfinite(left) & np.isfinite(right)
        known |= is_known
        same &= (np.abs(left - right) <= _ROUNDING[name]) | (np.isnan(left) & np.isnan(right))
    moves = (
        max(float(np.ptp(a.channels[n][mine][known])) > _ROUNDING[n] for n in names)
        if known.any()
        else False
    )
    return float((same & known).sum() / smaller) if moves else 0.0


def common(one: Pace, other: Pace, shift: int) -> tuple[slice, slice]:
    """The rows of both at the same moments, when `shift` is added to the other's clock."""
    first = max(one.start, other.start + shift)
    last = min(one.start + one.seconds, other.start + shift + other.seconds)
    count = max(0, last - first)
    mine, theirs = first - one.start, first - other.start - shift
    return slice(mine, mine + count), slice(theirs, theirs + count)


def metres_apart(one: Pace, other: Pace, shift: int) -> FloatArray:
    """Distances between the positions of both at the same moments; NaN = not known."""
    return _metres(one, other, *common(one, other, shift))


def near_shift(one: Pace, other: Pace) -> int:
    """The best shift of at most half a minute, for two clocks that are both set."""
    return _best_within(one, other, 0, _NEAR_S)


def wide_shifts(one: Pace, other: Pace) -> Iterator[int]:
    """Shifts of clocks that are not set: some minutes, or a wrong time zone.

    None for recordings of different length: a clock that far off is no reason to look for one
    within the other.
    """
    longer = max(one.seconds, other.seconds)
    if abs(one.seconds - other.seconds) > max(60, 0.1 * longer):
        return
    begins = one.start - other.start
    ends = begins + one.seconds - other.seconds
    tried: set[int] = set()
    for apart in (begins, ends):
        zone = round(apart / _QUARTER_S) * _QUARTER_S
        for about in (zone, apart):
            if abs(about) <= _MOST_ZONES_S and (about == zone or abs(about) <= _WIDE_S):
                tried.add(_best_within(one, other, about, _NEAR_S))
    channel = _telling(one, other)
    if channel:
        tried |= set(_peaks(one, other, channel))
    yield from sorted(tried, key=abs)


def _best_within(one: Pace, other: Pace, about: int, reach: int) -> int:
    """The shift near `about` at which the most telling channel agrees best."""
    channel = _telling(one, other)
    if not channel:
        return about
    costs = {about: _cost(one, other, channel, about)}
    for within, step in ((reach, 4), (3, 1)):
        centre = min(costs, key=costs.__getitem__)
        for shift in range(centre - within, centre + within + 1, step):
            if shift not in costs:
                costs[shift] = _cost(one, other, channel, shift)
    # The clocks are believed unless another shift is clearly better.
    best = min(costs, key=costs.__getitem__)
    return about if costs[about] <= 1.02 * costs[best] else best


def _telling(one: Pace, other: Pace) -> str:
    """The first of the shared channels that moves, the sharpest in time first."""
    for name in ("x", "power", "speed", "altitude", "heart_rate", "cadence"):
        if name in one.values and name in other.values:
            spread = [_spread(pace.values[name]) for pace in (one, other)]
            if min(spread) > (20.0 if name == "x" else 1.0 if name != "speed" else 0.2):
                return name
    return ""


def _spread(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(np.subtract(*np.percentile(known, (95, 5)))) if len(known) > 20 else 0.0


def _cost(one: Pace, other: Pace, channel: str, shift: int) -> float:
    """Mean difference, over at most `_LOOKED_AT` of the seconds in common."""
    mine, theirs = common(one, other, shift)
    step = max(1, (mine.stop - mine.start) // _LOOKED_AT)
    some = slice(mine.start, mine.stop, step), slice(theirs.start, theirs.stop, step)
    total = (
        _metres(one, other, *some)
        if channel == "x"
        else np.abs(one.values[channel][some[0]] - other.values[channel][some[1]])
    )
    known = total[np.isfinite(total)]
    return float(known.mean()) if len(known) >= 20 else float("inf")


def _metres(one: Pace, other: Pace, mine: slice, theirs: slice) -> FloatArray:
    north = one.values["y"][mine] - other.values["y"][theirs]
    east = one.values["x"][mine] - other.values["x"][theirs]
    narrower = np.cos(np.radians(one.values["y"][mine] / _METRES_PER_DEGREE))
    apart: FloatArray = np.hypot(north, east * narrower)
    return apart


def _peaks(one: Pace, other: Pace, channel: str) -> list[int]:
    """The three shifts up to `_WIDE_S` at which the channel goes along best."""
    # Differences of neighbours: a level that differs by device must not count.
    a, b = (np.diff(pace.values[channel], prepend=np.nan) for pace in (one, other))
    size = 1 << int(np.ceil(np.log2(len(a) + len(b) + 1)))
    product = np.fft.rfft(np.nan_to_num(a), size) * np.conj(np.fft.rfft(np.nan_to_num(b), size))
    along = np.fft.irfft(product, size)
    shifts = np.arange(-_WIDE_S, _WIDE_S + 1)
    # Element k of `along` pairs one's row i + k with the other's row i.
    rows = (other.start + shifts - one.start) % size
    best = np.argsort(along[rows])[::-1][:3]
    return [int(shifts[k]) for k in best]
