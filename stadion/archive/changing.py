"""A workout in, changed: edited, joined, taken apart, measured again, erased."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import orm

from stadion.archive.catalogue import Catalogue
from stadion.archive.erasing import erase_athlete, erase_workout
from stadion.archive.history import Change, checked, current_edits, history_of, note, value_of
from stadion.archive.intake import Shelf, workouts_of
from stadion.archive.rows import ActivityRow
from stadion.archive.summary import ActivitySummary
from stadion.archive.workouts import Workouts, merged_activity
from stadion.core.activity import Activity
from stadion.core.errors import Code, StadionError

__all__ = ["ID", "Changing"]

_BATCH = 32
ID = re.compile(r"[0-9a-f]{1,128}")


class Changing:
    """The half of an archive that changes what is in it."""

    def __init__(self, catalogue: Catalogue, shelf: Shelf) -> None:
        self._catalogue = catalogue
        self._shelf = shelf

    def get(self, activity_id: str) -> Activity:
        """The workout of that id, or of the one id that begins so; edits are in it.

        Raises
        ------
        StadionError
            NOT_FOUND; CONFLICT when several ids begin so; INTERNAL when its file is damaged.
        """
        rows, edits = self._rows(activity_id)
        try:
            return merged_activity(rows, self._reader(rows), edits)
        except FileNotFoundError:
            raise self._gone(rows[0].id) from None

    def edit(self, activity_id: str, changes: Mapping[str, Any], who: str = "") -> ActivitySummary:
        """Change title, sport, sub_sport, athlete or laps of a workout; kept in its history.

        Undo it by editing back. What the recordings' files say stays readable (`recording`).

        Raises
        ------
        StadionError
            NOT_FOUND; INVALID names the field and what would be right.
        """
        plain = checked(changes)
        full = self._resolved(activity_id)
        now = self.get(full)
        with self._catalogue.writing() as session:
            members = self._members(full, session)
            for name, value in plain.items():
                if value_of(now, name) != value:
                    note(session, members[0].id, who, name, value_of(now, name), value)
            session.flush()
            self._workouts(session).refresh(members)
        return self._catalogue.summary(full)

    def history(self, activity_id: str) -> list[Change]:
        """What was changed by hand, joined and taken apart, the oldest first."""
        full = self._resolved(activity_id)
        with self._catalogue.reading() as session:
            return history_of(session, [row.id for row in self._members(full, session)])

    def join(self, ids: Sequence[str], who: str = "") -> str:
        """Make one workout of several, whatever was taken apart before; the id it has then."""
        full = [self._resolved(each) for each in ids]
        with self._catalogue.writing() as session:
            rows = [row for each in full for row in self._members(each, session)]
            return self._workouts(session).join(rows, who)

    def part(self, recording_id: str, who: str = "") -> None:
        """Take one recording out of its workout; they are never joined again by themselves."""
        full = self._resolved(recording_id)
        with self._catalogue.writing() as session:
            members = self._members(full, session)
            row = next(row for row in members if row.id == full)
            self._workouts(session).part(row, who)

    def freshen(self, ids: Sequence[str]) -> int:
        """Measure workouts again with what is known of their athletes now; how many could be."""
        done = 0
        for at in range(0, len(ids), _BATCH):
            with self._catalogue.writing() as session:
                workouts = self._workouts(session)
                for each in ids[at : at + _BATCH]:
                    # A damaged or erased one must not hide the others.
                    with suppress(StadionError, FileNotFoundError):
                        workouts.refresh(self._members(each, session))
                        done += 1
        return done

    def recognise(self) -> int:
        """Look for twins among what is kept; how many workouts were joined to others.

        Recordings are looked at when they come in: this is for archives of an earlier Stadion.
        """
        joined = 0
        for recording in self._catalogue.lone():
            with self._catalogue.writing() as session:
                members = self._catalogue.members(recording, session)
                if len(members) == 1:
                    joined += bool(self._workouts(session).recognise(members[0]))
        return joined

    def erase(self, activity_id: str) -> None:
        """Forget a workout, all recordings of it; rows first, then files; NOT_FOUND for none."""
        full = self._resolved(activity_id)
        erase_workout(self._catalogue, self._shelf, full)

    def erase_athlete(self, athlete: str) -> int:
        """Forget all workouts and profiles of an athlete; how many recordings that were."""
        return erase_athlete(self._catalogue, self._shelf, athlete)

    def _freshen_all(self, athlete: str) -> None:
        self.freshen(self._catalogue.stale(athlete))

    def _rows(self, activity_id: str) -> tuple[list[ActivityRow], dict[str, Any]]:
        full = self._resolved(activity_id)
        with self._catalogue.reading() as session:
            rows = self._members(full, session)
            return rows, current_edits(session, [row.id for row in rows])

    def _members(self, full: str, session: orm.Session) -> list[ActivityRow]:
        rows = self._catalogue.members(full, session)
        if not rows:
            raise StadionError(Code.NOT_FOUND, f"there is no activity {full[:12]!r}")
        return rows

    def _reader(self, rows: Iterable[ActivityRow]) -> Callable[[str], Activity]:
        digests = {row.id: row.file_digest for row in rows}
        return lambda recording: self._shelf.read(recording, digests[recording])

    def _workouts(self, session: orm.Session) -> Workouts:
        return workouts_of(self._catalogue, self._shelf, session)

    def _resolved(self, activity_id: str) -> str:
        if not ID.fullmatch(activity_id):
            raise StadionError(
                Code.NOT_FOUND, f"there is no activity {activity_id[:80]!r}; expected a hex id"
            )
        return self._catalogue.resolve(activity_id)

    def _gone(self, recording: str) -> StadionError:
        if self._catalogue.leads([recording]):
            return StadionError(
                Code.INTERNAL,
                f"the file of activity {recording[:12]} is missing",
                "erase it and ingest its file again",
            )
        return StadionError(Code.NOT_FOUND, f"there is no activity {recording[:12]!r}")
