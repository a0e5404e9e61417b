"""Intervals between heart beats as a file lists them in, a track of beats on its clock out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from stadion.core.activity import Track
from stadion.core.arrays import FloatArray, IntArray
from stadion.ingest.fitfile.heart import StoredBeats
from stadion.ingest.fitfile.messages import Messages
from stadion.ingest.fitfile.profile import Message
from stadion.ingest.fitfile.walk import Definition

__all__ = ["beat_track"]

_SLACK_S = 3.0  # a beat is written with the record after it, some makers a few seconds late
_AT_ONCE = 256  # messages whose bounds are looked at together
_APART_S = 0.001  # beats that the clock would put at one moment stay in their order


def beat_track(
    data: bytes,
    definitions: Sequence[Definition],
    records: tuple[IntArray, FloatArray],
    strap: StoredBeats | None,
    zero: float,
) -> Track | None:
    """Each beat's end and the interval before it; None when the file has no beats.

    Parameters
    ----------
    records
        Offset in the file and time of each record, on FIT's clock; NaN = no time.
    strap
        Beats that came with times of their own; they count where the file lists no intervals.
    zero
        The recording's start on FIT's clock.
    """
    messages = Messages.of(data, definitions, Message.HRV)
    lists = messages.lists(0)
    rows, places = np.nonzero(np.isfinite(lists))
    if len(rows):
        rr_ms = lists[rows, places]
        times = _clocked(rr_ms / 1000, rows, messages.positions, records)
        rr_ms, times = rr_ms[np.isfinite(times)], times[np.isfinite(times)]
    elif strap is not None:
        # A strap also delivers what it measured before the start.
        known = np.isfinite(strap.rr_ms) & (strap.times >= zero)
        rr_ms, times = strap.rr_ms[known], strap.times[known]
    else:
        return None
    if not len(times):
        return None
    order = np.arange(len(times)) * _APART_S
    rising = np.maximum.accumulate(times - zero - order) + order
    return Track("beats", np.round(rising, 6), {"rr": rr_ms.astype(np.float32)})


def _clocked(
    rr_s: FloatArray, rows: IntArray, messages: IntArray, records: tuple[IntArray, FloatArray]
) -> FloatArray:
    """(m,) when each beat ended, on FIT's clock; NaN where no record tells.

    Intervals add up to a clock of their own. It is shifted only where it would leave the
    records between which its message was written: there the device has lost beats, or paused.
    """
    positions, clock = records
    timed = np.isfinite(clock)
    positions, clock = positions[timed], clock[timed]
    if not len(clock):
        return np.full(len(rr_s), np.nan)
    since = np.cumsum(rr_s)
    last = np.flatnonzero(np.diff(rows, append=rows[-1] + 1))  # the last beat of each message
    after = np.searchsorted(positions, messages[rows[last]])
    earliest = clock[(after - 1).clip(min=0)] - _SLACK_S
    latest = clock[after.clip(max=len(clock) - 1)] + _SLACK_S
    shifts = _shifts(earliest - since[last], latest - since[last])
    return since + np.repeat(shifts, np.diff(last, prepend=-1))


def _shifts(lowest: FloatArray, highest: FloatArray) -> FloatArray:
    """Between the bounds, changing as seldom as can be: only when a bound is met."""
    shifts = np.empty(len(lowest))
    shift = -math.inf
    for start in range(0, len(lowest), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        if (lowest[part] > shift).any() or (highest[part] < shift).any():
            found = []
            for low, high in zip(lowest[part].tolist(), highest[part].tolist(), strict=True):
                if shift < low:  # beats are lost: the next ends with the record before it
                    shift = low + _SLACK_S
                elif shift > high:
                    shift = high
                found.append(shift)
            shifts[part] = found
        else:
            shifts[part] = shift
    return shifts
