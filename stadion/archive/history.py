"""Changes made by hand in, an append-only history and the changed activity out."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from stadion.archive.rows import EditRow, moment
from stadion.core.activity import Activity, Lap
from stadion.core.errors import Code, StadionError

__all__ = [
    "EDITABLE",
    "Change",
    "changed",
    "checked",
    "current_edits",
    "history_of",
    "note",
    "value_of",
]

EDITABLE = ("title", "sport", "sub_sport", "athlete", "laps")
"""What of a workout may be changed by hand."""
_LONGEST = 500
_MOST_LAPS = 10_000
_LAP_KEYS = frozenset(("start_s", "end_s", "kind", "label", "values"))


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a workout's history.

    Parameters
    ----------
    field
        One of `EDITABLE`, or `join` and `part` with the ids that were one workout before and
        after.
    before, after
        As plain values; laps as a list of mappings.
    """

    at: datetime
    who: str
    field: str
    before: Any
    after: Any


def checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes as plain values.

    Raises
    ------
    StadionError
        INVALID for a field that is not `EDITABLE`, or a value that is none of its.
    """
    if not changes:
        raise StadionError(Code.INVALID, f"no change is given; expected {', '.join(EDITABLE)}")
    for name in changes:
        if name not in EDITABLE:
            raise StadionError(
                Code.INVALID, f"{name[:80]!r} cannot be edited; expected {', '.join(EDITABLE)}"
            )
    return {
        name: _laps(value) if name == "laps" else _text(name, value)
        for name, value in changes.items()
    }


def note(
    session: orm.Session, recording: str, who: str, field: str, before: object, after: object
) -> None:
    """Add a line to the history; nothing is ever taken from it but with its recording."""
    session.add(
        EditRow(
            recording=recording,
            at_us=time.time_ns() // 1000,
            who=who,
            field=field,
            before=json.dumps(before),
            after=json.dumps(after),
        )
    )


def history_of(session: orm.Session, recordings: Sequence[str]) -> list[Change]:
    """All lines about the recordings of a workout, the oldest first."""
    query = sa.select(EditRow).where(EditRow.recording.in_(recordings)).order_by(EditRow.number)
    return [
        Change(moment(row.at_us), row.who, row.field, json.loads(row.before), json.loads(row.after))
        for row in session.scalars(query)
    ]


def current_edits(session: orm.Session, recordings: Sequence[str]) -> dict[str, Any]:
    """Field -> the value it was changed to last."""
    lines = history_of(session, recordings)
    return {line.field: line.after for line in lines if line.field in EDITABLE}


def changed(activity: Activity, edits: Mapping[str, Any]) -> Activity:
    """The activity with what was changed by hand."""
    if not edits:
        return activity
    values = dict(edits)
    if "laps" in values:
        values["laps"] = tuple(Lap(**lap) for lap in values["laps"])
    return replace(activity, **values)


def _plain_laps(laps: Sequence[Lap]) -> list[dict[str, Any]]:
    """Laps as mappings."""
    return [
        {
            "start_s": lap.start_s,
            "end_s": lap.end_s,
            "kind": lap.kind,
            "label": lap.label,
            "values": dict(lap.values),
        }
        for lap in laps
    ]


def value_of(activity: Activity, field: str) -> object:
    """What a field holds now, as a plain value."""
    return _plain_laps(activity.laps) if field == "laps" else getattr(activity, field)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise StadionError(
            Code.INVALID,
            f"{name} is {str(value)[:80]!r}; expected a text of at most {_LONGEST} characters",
        )
    return value


def _laps(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > _MOST_LAPS:
        raise StadionError(Code.INVALID, "laps is no list; expected laps with start_s and end_s")
    return [_lap(k, lap) for k, lap in enumerate(value)]


def _lap(place: int, value: object) -> dict[str, Any]:
    if isinstance(value, Lap):
        return _plain_laps([value])[0]
    if not isinstance(value, Mapping) or not {"start_s", "end_s"} <= value.keys() <= _LAP_KEYS:
        raise StadionError(
            Code.INVALID,
            f"laps[{place}] is no lap; expected the keys {', '.join(sorted(_LAP_KEYS))}",
        )
    try:
        start_s, end_s = float(value["start_s"]), float(value["end_s"])
        values = {str(k): float(v) for k, v in dict(value.get("values", {})).items()}
    except (TypeError, ValueError):
        raise StadionError(
            Code.INVALID, f"laps[{place}] holds text where numbers are expected"
        ) from None
    if not start_s <= end_s < float("inf"):
        raise StadionError(
            Code.INVALID, f"laps[{place}] goes from {start_s} to {end_s}; expected start <= end"
        )
    kind, label = (
        _text(f"laps[{place}].{n}", value.get(n, d)) for n, d in (("kind", "lap"), ("label", ""))
    )
    return {"start_s": start_s, "end_s": end_s, "kind": kind, "label": label, "values": values}
