"""What a watch notes all day long in, a table of moments out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stadion.core.activity import Repair, Source, Table
from stadion.core.arrays import Array, FloatArray
from stadion.ingest.fitfile.athlete import FIT_EPOCH
from stadion.ingest.fitfile.messages import RELATIVE_BELOW, Messages, clock_of
from stadion.ingest.fitfile.profile import MONITORING, Message
from stadion.ingest.fitfile.walk import Definition
from stadion.ingest.fitfile.words import ACTIVITY_TYPES

__all__ = ["monitoring_of"]

_UNITS: dict[str, str] = {
    "heart_rate": "bpm", "steps": "1", "cycles": "1", "distance": "m", "energy": "kcal",
    "active_energy": "kcal", "active_time": "s", "duration": "s", "intensity": "1",
    "temperature": "degC", "ascent": "m", "descent": "m", "moderate_activity": "min",
    "vigorous_activity": "min",
}  # fmt: skip
_ON_FOOT = (1, 6)  # running, walking: their cycles are steps
_ROLL = 1 << 16


def monitoring_of(data: bytes, definitions: Sequence[Definition], source: Source) -> Table | None:
    """One row per message with a time; None when there is none.

    Columns: `time` (UTC), `activity_type` in words, and those of the quantities that occur.
    Counts such as steps and distance rise over the day, for each type of activity apart.
    """
    messages = Messages.of(data, definitions, Message.MONITORING)
    clock = _clock(data, definitions, messages)
    rows = np.flatnonzero(np.isfinite(clock) & (clock >= RELATIVE_BELOW))
    if not len(rows):
        return None
    rows = rows[np.argsort(clock[rows], kind="stable")]
    columns = _columns(messages)
    start = np.datetime64(FIT_EPOCH.replace(tzinfo=None), "s")
    kinds = columns.pop("activity_type")[rows]
    found: dict[str, Array] = {
        "time": start + clock[rows].astype("timedelta64[s]"),
        "activity_type": np.array([_word(kind) for kind in kinds.tolist()], "U"),
    }
    found |= {name: values[rows] for name, values in columns.items()}
    found = {k: v for k, v in found.items() if v.dtype.kind != "f" or np.isfinite(v).any()}
    lost = len(messages) - len(rows)
    repairs = (*source.repairs, *([Repair("rows without a time dropped", lost)] if lost else []))
    units = {name: _UNITS.get(name, "") for name in found}
    return Table(
        "monitoring", found, units, Source(source.reader, source.digest, source.name, repairs)
    )


def _word(kind: float) -> str:
    return ACTIVITY_TYPES.get(int(kind), f"type_{int(kind)}") if np.isfinite(kind) else ""


def _columns(messages: Messages) -> dict[str, FloatArray]:
    """Values of all quantities, those of a name in two fields or one joined."""
    found: dict[str, FloatArray] = {}
    for number, quantity in MONITORING.items():
        values = messages.values(number) / quantity.scale
        known = found.get(quantity.name)
        found[quantity.name] = values if known is None else np.where(np.isnan(known), values, known)
    both = messages.values(24)  # five bits of the type, three of the intensity
    bits = np.nan_to_num(both).astype(np.int64)
    for name, part in (("activity_type", bits & 0x1F), ("intensity", bits >> 5)):
        joined = np.where(np.isnan(both), np.nan, part)
        found[name] = np.where(np.isnan(found[name]), joined, found[name])
    on_foot = np.isin(found["activity_type"], _ON_FOOT)
    found["steps"] = np.where(on_foot, found["cycles"] * 2, np.nan)
    found["cycles"] = np.where(on_foot, np.nan, found["cycles"])
    return found


def _clock(data: bytes, definitions: Sequence[Definition], messages: Messages) -> FloatArray:
    """(n,) seconds on FIT's clock; the 16 low bits some messages hold count on from the last."""
    full, low = clock_of(data, definitions, messages), messages.values(26)
    info = Messages.of(data, definitions, Message.MONITORING_INFO)
    at = np.concatenate([info.positions, messages.positions])
    times = np.concatenate([clock_of(data, definitions, info), full])
    shorts = np.concatenate([np.full(len(info), np.nan), low])
    order = np.argsort(at, kind="stable")
    times, shorts = times[order], shorts[order]
    is_short = np.isnan(times) & np.isfinite(shorts)
    counts = np.flatnonzero(is_short | np.isfinite(times))
    clock = np.full(len(at), np.nan)
    stored = np.where(is_short, shorts, times)[counts]
    short = is_short[counts]
    bits = np.nan_to_num(stored).astype(np.int64) % _ROLL
    steps = np.where(short, np.diff(bits, prepend=bits[:1]) % _ROLL, 0)
    run = np.cumsum(steps)
    anchor = np.maximum.accumulate(np.where(short, -1, np.arange(len(counts))))
    reckoned = np.where(anchor >= 0, stored[anchor] + run - run[anchor], np.nan)
    clock[counts] = np.where(short, reckoned, stored)
    found = np.full(len(at), np.nan)
    found[order] = clock
    return found[len(info) :]
