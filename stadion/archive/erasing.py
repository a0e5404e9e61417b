"""Workouts and athletes in, nothing of them left: rows first, then files."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy import orm

from stadion.archive.catalogue import Catalogue
from stadion.archive.intake import Shelf
from stadion.archive.profiles import forget
from stadion.archive.rows import ActivityRow, ApartRow, EditRow
from stadion.archive.streams import write_activity
from stadion.core.errors import Code, StadionError

__all__ = ["erase_athlete", "erase_workout"]


def erase_workout(catalogue: Catalogue, shelf: Shelf, recording: str) -> None:
    """Forget all recordings of the workout that one belongs to; NOT_FOUND when it is gone."""
    with catalogue.writing() as session:
        rows = catalogue.members(recording, session)
        if not rows:
            raise StadionError(Code.NOT_FOUND, f"there is no activity {recording[:12]!r}")
        ids = [row.id for row in rows]
        _strike_out(session, rows)
    _remove(catalogue, shelf, ids)


def erase_athlete(catalogue: Catalogue, shelf: Shelf, athlete: str) -> int:
    """Forget an athlete: recordings, profiles, and the name where a recording had it before.

    Returns
    -------
    How many recordings and lines of profiles went.
    """
    with catalogue.writing() as session:
        workouts = sa.select(ActivityRow.workout).where(ActivityRow.athlete == athlete)
        rows = list(
            session.scalars(sa.select(ActivityRow).where(ActivityRow.workout.in_(workouts)))
        )
        ids = [row.id for row in rows]
        _strike_out(session, rows)
        lines = forget(session, [athlete])
        moved = _forget_name(session, athlete)
        for row in moved:
            _without_name(shelf, row)
    _remove(catalogue, shelf, ids)
    return len(ids) + lines


def _strike_out(session: orm.Session, rows: Sequence[ActivityRow]) -> None:
    ids = [row.id for row in rows]
    for row in rows:
        session.delete(row)
    for at in range(0, len(ids), 500):
        some = ids[at : at + 500]
        session.execute(sa.delete(EditRow).where(EditRow.recording.in_(some)))
        session.execute(
            sa.delete(ApartRow).where(ApartRow.one.in_(some) | ApartRow.other.in_(some))
        )


def _forget_name(session: orm.Session, athlete: str) -> list[ActivityRow]:
    """Take a name out of others' history; the recordings that came with it."""
    name, nobody = json.dumps(athlete), json.dumps("")
    came = sa.select(EditRow.recording).where(EditRow.field == "athlete", EditRow.before == name)
    workouts = sa.select(ActivityRow.workout).where(ActivityRow.id.in_(came))
    rows = list(session.scalars(sa.select(ActivityRow).where(ActivityRow.workout.in_(workouts))))
    for column in (EditRow.before, EditRow.after):
        session.execute(
            sa.update(EditRow)
            .where(EditRow.field == "athlete", column == name)
            .values({column: nobody})
        )
    return rows


def _without_name(shelf: Shelf, row: ActivityRow) -> None:
    """Write the file of another's recording anew without the name it came with."""
    activity = shelf.read(row.id, row.file_digest)
    draft = shelf.folder / f"{uuid.uuid4().hex}.tmp"
    row.file_digest = write_activity(draft, replace(activity, athlete=""))
    draft.replace(shelf.path(row.id))


def _remove(catalogue: Catalogue, shelf: Shelf, ids: Sequence[str]) -> None:
    # Somebody may have added one again meanwhile: its file goes only while no row has it.
    with catalogue.writing() as session:
        for at in range(0, len(ids), 500):
            some = ids[at : at + 500]
            known = catalogue.known(some, session)
            shelf.remove([shelf.path(each) for each in some if each not in known])
