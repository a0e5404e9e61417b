"""kloppy's events in, a table of them out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from stadion.core.activity import Repair, Source, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest._texts import texts_of
from stadion.ingest.teamsport.pitch import Pitch

__all__ = ["EVENTS", "table_of"]

EVENTS: dict[str, str] = {
    "period": "1",  # 1 and 2 are the halves, 3 and 4 extra time, 5 the shoot-out
    "time_s": "s",  # since the period began
    "team": "",
    "ground": "",  # home or away
    "player": "",
    "type": "",  # pass, shot, carry, duel, ...
    "result": "",  # complete, incomplete, goal, saved, won, ...
    "x_m": "m",  # from the lower left corner of the pitch
    "y_m": "m",
    "end_x_m": "m",
    "end_y_m": "m",
    "direction": "",  # which way is up the pitch: the acting team's, or one for the match
}
"""Columns of a table `events` and their units ('' for texts)."""

_ENDS = ("end_coordinates", "receiver_coordinates", "result_coordinates")


def table_of(datasets: Iterable[Any], source: Source, family: str) -> Table:
    """The table of kind `events`, in the order of the file."""
    rows: list[tuple[Any, ...]] = []
    told = True
    for dataset in datasets:
        pitch = Pitch.of(dataset.metadata.coordinate_system)
        told &= pitch.is_told
        direction = str(getattr(dataset.metadata.orientation, "value", ""))
        rows += [_row(event, pitch, direction) for event in dataset.records]
    if not rows:
        raise StadionError(Code.INVALID, f"files of {family} without any event")
    columns = {
        name: np.array(values, np.float64) if EVENTS[name] else texts_of([str(v) for v in values])
        for name, values in zip(EVENTS, zip(*rows, strict=True), strict=True)
    }
    repairs = (
        *source.repairs,
        *(() if told else (Repair("pitch of unknown size taken as 105 x 68 m"),)),
    )
    mended = Source(source.reader, source.digest, source.name, repairs)
    return Table("events", columns, EVENTS, mended)


def _row(event: Any, pitch: Pitch, direction: str) -> tuple[Any, ...]:
    ends = (getattr(event, name, None) for name in _ENDS)
    end = next((point for point in ends if hasattr(point, "x")), None)
    team, player = event.team, event.player
    return (
        float(event.period.id) if event.period else math.nan,
        event.timestamp.total_seconds(),
        str(team.name or team.team_id) if team else "",
        str(getattr(team.ground, "value", "")) if team else "",
        str(player.full_name or player.player_id) if player else "",
        _type(event),
        str(event.result.name).lower() if event.result is not None else "",
        *pitch.point(event.coordinates),
        *pitch.point(end),
        direction,
    )


def _type(event: Any) -> str:
    kind = str(event.event_type.name).lower()
    named = str(event.event_name or kind) if kind == "generic" else kind
    return "_".join(named.strip(" *").lower().split())
