"""Heart beats that a chest strap stored under water in, their times and a heart rate out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stadion.core.arrays import Array, FloatArray
from stadion.ingest.fitfile.messages import Messages, OctetArray, clock_of
from stadion.ingest.fitfile.profile import Message
from stadion.ingest.fitfile.walk import Definition

__all__ = ["StoredBeats", "stored_beats"]

_TICKS_PER_S = 1024
_ROLL = 1 << 12  # beat times are stored as the low 12 bits of a tick count: they roll over
_HOLDS_S = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class StoredBeats:
    """(m,) seconds on FIT's clock, rising; the strap's (m,) heart rate in bpm at each beat.

    `rr_ms` is the time since the beat before; NaN for the first of each stretch.
    """

    times: FloatArray
    rates: FloatArray
    rr_ms: FloatArray

    def rate_at(self, clock: FloatArray) -> FloatArray:
        """(n,) float32 bpm, the last beat of the 5 s before each time; NaN = none."""
        last = np.searchsorted(self.times, clock, side="right") - 1
        age = clock - self.times[last.clip(min=0)]
        fresh = (last >= 0) & (age <= _HOLDS_S)
        return np.where(fresh, self.rates[last.clip(min=0)], np.nan).astype(np.float32)


def stored_beats(data: bytes, definitions: Sequence[Definition]) -> StoredBeats | None:
    """All beats that a strap delivered after the swim; None when there are none.

    Some messages hold the whole count of ticks beside a time, the others only the low bits of
    each beat's count.
    """
    messages = Messages.of(data, definitions, Message.HR)
    whole = messages.values(9)
    fraction = np.fmax(messages.values(0) / 32768, messages.values(1) / 256)
    zero = clock_of(data, definitions, messages) + np.nan_to_num(fraction)
    anchors = np.flatnonzero(np.isfinite(whole) & np.isfinite(zero))
    rates = messages.lists(6)
    if not len(anchors) or not rates.shape[1]:
        return None
    octets = messages.octets(10)
    is_whole = np.isfinite(whole)
    low = np.zeros((len(messages), max(octets.shape[1] // 3 * 2, 1)), np.int64)
    low[:, : octets.shape[1] // 3 * 2] = _unpacked(octets)
    low[is_whole, 0] = whole[is_whole].astype(np.int64) % _ROLL
    rates = rates[:, : low.shape[1]]
    told = is_whole | (octets != 0xFF).any(axis=1)
    told[: anchors[0]] = False
    rows, places = np.nonzero(np.isfinite(rates) & told[:, None])
    return _timed(low[rows, places], rates[rows, places], rows, anchors, zero, whole)


def _timed(
    low: Array, rates: FloatArray, rows: Array, anchors: Array, zero: FloatArray, whole: FloatArray
) -> StoredBeats | None:
    """The beats of each anchor and after it, counted on from the anchor."""
    if not len(rows):
        return None
    mine = np.searchsorted(anchors, rows, side="right") - 1
    is_first = np.diff(mine, prepend=-1) > 0
    before = np.concatenate([[0], low[:-1]])
    start = whole[anchors[mine]].astype(np.int64) % _ROLL
    steps = (low - np.where(is_first, start, before)) % _ROLL
    run = np.cumsum(steps)
    base = (run - steps)[is_first][np.cumsum(is_first) - 1]
    times = zero[anchors[mine]] + (run - base) / _TICKS_PER_S
    rr = np.where(is_first | (steps == 0), np.nan, steps * 1000 / _TICKS_PER_S)
    order = np.argsort(times, kind="stable")
    return StoredBeats(times[order], rates[order], rr[order])


def _unpacked(octets: OctetArray) -> Array:
    """(n, 2k/3) 12-bit numbers in whole triples of (n, k) bytes, least significant first."""
    triples = octets[:, : octets.shape[1] // 3 * 3].reshape(len(octets), -1, 3).astype(np.int64)
    first = triples[..., 0] | (triples[..., 1] & 0x0F) << 8
    second = triples[..., 1] >> 4 | triples[..., 2] << 4
    return np.stack([first, second], axis=-1).reshape(len(octets), -1)
