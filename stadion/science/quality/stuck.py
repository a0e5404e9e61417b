"""Streams in, stretches in which a sensor repeats one value while the others go on out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Flag, Track
from stadion.core.arrays import FloatArray, IntArray
from stadion.core.channels import CHANNELS
from stadion.science.quality.gaps import SMART_S
from stadion.science.quality.ground import has_positions, metres_across
from stadion.science.quality.runs import flags_of_runs

__all__ = ["same_runs", "stuck_flags"]


@dataclass(frozen=True, slots=True)
class _Rule:
    """A value that is repeated for `longest_s` while another stream moves is doubtful."""

    longest_s: float
    needs_positions: bool = False
    """Indoors a machine may hold it: a treadmill its speed."""


_RULES = {
    "heart_rate": _Rule(180),
    "power": _Rule(90),
    "cadence": _Rule(300),
    "speed": _Rule(300, needs_positions=True),
}
_WITNESSES = ("power", "speed", "cadence", "heart_rate", "altitude", "position_lat")
_LEAST_RECORDS = 30
_ALONE = 2.0  # times as long when nothing else is there to compare
_FIX_S, _FIX_MPS = 30.0, 2.0


def stuck_flags(track: Track) -> list[Flag]:
    """Repeated values; 0 W while coasting, 0 rpm and standing still are none."""
    flags: list[Flag] = []
    for name, rule in _RULES.items():
        values = track.channels.get(name)
        if values is None or (rule.needs_positions and not has_positions(track)):
            continue
        starts, stops = same_runs(values, track.time_s, rule.longest_s, _LEAST_RECORDS)
        keep = [
            values[a] > 0 and _is_doubtful(track, name, rule, a, b)
            for a, b in zip(starts.tolist(), stops.tolist(), strict=True)
        ]
        flags += _flags(track, name, starts[keep], stops[keep])
    return flags + _fixed_positions(track)


def same_runs(
    values: FloatArray, time_s: FloatArray, longest_s: float, least: int
) -> tuple[IntArray, IntArray]:
    """Stretches [start, stop) of one repeated value that last over `longest_s`.

    A gap of over 25 s ends a stretch: nothing was repeated in it. NaN repeats nothing.

    Examples
    --------
    >>> values = np.array([1.0, 2, 2, 2, 3])
    >>> starts, stops = same_runs(values, np.arange(5.0), 2.0, 3)
    >>> starts.tolist(), stops.tolist()
    ([1], [4])
    """
    changes = (values[1:] != values[:-1]) | (np.diff(time_s) > SMART_S)
    edges = np.concatenate([[0], np.flatnonzero(changes) + 1, [len(values)]])
    starts, stops = edges[:-1], edges[1:]
    long = (stops - starts >= least) & (time_s[stops - 1] - time_s[starts] >= longest_s)
    return starts[long], stops[long]


def _is_doubtful(track: Track, name: str, rule: _Rule, start: int, stop: int) -> bool:
    others = [
        track.channels[other][start:stop]
        for other in _WITNESSES
        if other != name and other in track.channels
    ]
    if any(np.count_nonzero(np.diff(other)) > 3 for other in others if _is_known(other)):
        return True
    took = track.time_s[stop - 1] - track.time_s[start]
    return not others and bool(took > _ALONE * rule.longest_s)


def _is_known(values: FloatArray) -> bool:
    return bool(np.isfinite(values).mean() > 0.5)


def _fixed_positions(track: Track) -> list[Flag]:
    """A fix repeated while speed or distance say that the athlete moves on."""
    if not has_positions(track):
        return []
    lat, long = track.channels["position_lat"], track.channels["position_long"]
    with np.errstate(invalid="ignore", over="ignore"):
        place = lat + 1e3 * long  # one number that changes when either does
    starts, stops = same_runs(place, track.time_s, _FIX_S, 10)
    if not len(starts):
        return []
    took = track.time_s[stops - 1] - track.time_s[starts]
    if "distance" in track.channels:
        speeds = metres_across(track, starts, stops - 1) / took
    elif "speed" in track.channels:
        speed = np.nan_to_num(track.channels["speed"])
        speeds = np.array([speed[a:b].mean() for a, b in zip(starts, stops, strict=True)])
    else:
        return []
    keep = speeds > _FIX_MPS
    if took[keep].sum() > 0.9 * (track.time_s[-1] - track.time_s[0]):
        return []  # never a second place: made indoors, which is told elsewhere
    return _flags(track, "position_lat", starts[keep], stops[keep])


def _flags(track: Track, name: str, starts: IntArray, stops: IntArray) -> list[Flag]:
    values, time_s = track.channels[name], track.time_s

    def detail(a: int, b: int) -> str:
        unit = CHANNELS[name].unit
        return f"{values[a]:.6g} {unit} for {time_s[b - 1] - time_s[a]:.0f} s"

    return flags_of_runs("stuck", (starts, stops), time_s, name, track.subject, detail)
