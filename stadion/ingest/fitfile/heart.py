"""Heart rates that a chest strap stored under water in, a stream on the records' clock out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stadion.core.arrays import Array, FloatArray
from stadion.ingest.fitfile.messages import Messages, clock_of
from stadion.ingest.fitfile.profile import Message
from stadion.ingest.fitfile.walk import Definition

__all__ = ["stored_heart_rate"]

_TICKS_PER_S = 1024
_ROLL = 1 << 12  # beat times are stored as the low 12 bits of a tick count: they roll over
_HOLDS_S = 5.0


def stored_heart_rate(
    data: bytes, definitions: Sequence[Definition], clock: FloatArray
) -> FloatArray | None:
    """Heart rate at the records' times, from the beats the strap delivered after the swim.

    Parameters
    ----------
    clock
        (n,) seconds on FIT's clock.

    Returns
    -------
    (n,) float32 bpm, the last beat of the 5 s before each time; None without such messages.
    """
    times, rates = _beats(data, definitions)
    if not len(times):
        return None
    last = np.searchsorted(times, clock, side="right") - 1
    age = clock - times[last.clip(min=0)]
    fresh = (last >= 0) & (age <= _HOLDS_S)
    return np.where(fresh, rates[last.clip(min=0)], np.nan).astype(np.float32)


def _beats(data: bytes, definitions: Sequence[Definition]) -> tuple[FloatArray, FloatArray]:
    messages = Messages.of(data, definitions, Message.HR)
    fraction = np.nan_to_num(messages.values(0)) / 32768
    full, clock = messages.values(9), clock_of(data, definitions, messages) + fraction
    is_anchor = np.isfinite(full) & np.isfinite(clock)
    anchors = messages.positions[is_anchor]
    if not len(anchors):
        return np.empty(0), np.empty(0)
    packed = [(at, _unpacked(raw)) for at, raw in messages.raw(10)]
    rates = dict(messages.lists(6))
    times: list[FloatArray] = []
    values: list[FloatArray] = []
    bounds = [*anchors.tolist(), len(data)]
    for k, (zero, tick) in enumerate(zip(clock[is_anchor], full[is_anchor], strict=True)):
        mine = [
            (ticks, rates[at])
            for at, ticks in packed
            if bounds[k] < at < bounds[k + 1] and at in rates and len(rates[at]) == len(ticks)
        ]
        if mine:
            ticks = np.concatenate([[int(tick) % _ROLL], *(t for t, _ in mine)])
            times.append(zero + np.cumsum(np.diff(ticks) % _ROLL) / _TICKS_PER_S)
            values.append(np.concatenate([r for _, r in mine]))
    if not times:
        return np.empty(0), np.empty(0)
    time, rate = np.concatenate(times), np.concatenate(values)
    order = np.argsort(time, kind="stable")
    known = order[np.isfinite(rate[order])]
    return time[known], rate[known]


def _unpacked(raw: bytes) -> Array:
    """The 12-bit numbers in whole triples of bytes, least significant nibble first."""
    triples = np.frombuffer(raw, np.uint8, len(raw) // 3 * 3).reshape(-1, 3).astype(np.int64)
    first = triples[:, 0] | (triples[:, 1] & 0x0F) << 8
    second = triples[:, 1] >> 4 | triples[:, 2] << 4
    return np.stack([first, second], axis=1).reshape(-1)
