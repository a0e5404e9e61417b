"""What the archive holds, as rows of a SQLite file: found, counted and written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc, orm
from sqlalchemy.pool import NullPool

from stadion.archive.rows import ActivityRow, ChannelRow, LabelRow, microseconds
from stadion.archive.schema import bring_up_to_date, is_up_to_date
from stadion.archive.summary import ActivitySummary, summary_of
from stadion.core.errors import Code, StadionError

__all__ = ["Catalogue", "Question"]

_BUSY_S = 30
_SOME = 500
"""Ids in one question to the database."""
_ADDED: sa.ColumnClause[int] = sa.literal_column("activities.rowid")


@dataclass(frozen=True, slots=True)
class Question:
    """Which workouts are looked for; None = any. `since` counts, `until` does not.

    `after` is the workout that the page before ended with.
    """

    athlete: str | None = None
    sport: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    channel: str | None = None
    label_kind: str | None = None
    limit: int | None = None
    after: str | None = None
    is_newest_first: bool = False


class Catalogue:
    """Rows about recordings. Every call is one short transaction of its own connection.

    The journal is rolled back, not a write-ahead log (SQLite before 3.51.3 can lose commits
    when a log is reset), and a commit returns when it is on the disk. No connection outlives a
    call, so processes may fork and share the file.
    """

    def __init__(self, path: Path) -> None:
        self._reading, self._writing = (
            sa.create_engine(
                f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": _BUSY_S}
            )
            for _ in range(2)
        )
        event.listen(self._reading, "connect", _no_transactions)
        event.listen(self._reading, "begin", _begin)
        event.listen(self._writing, "connect", _prepare)
        event.listen(self._writing, "begin", _begin_writing)

    def create(self) -> None:
        """Make or renew the tables; UNSUPPORTED for those of a later Stadion."""
        with _mapped():
            with self._reading.connect() as connection:
                if is_up_to_date(connection):
                    return  # whoever opens an archive need not wait for who writes
            with self._writing.begin() as connection:
                bring_up_to_date(connection)

    @contextmanager
    def writing(self) -> Iterator[orm.Session]:
        """The one writer at a time: commits at the end, or rolls back."""
        with _mapped(), orm.Session(self._writing) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[orm.Session]:
        """A look at one state of the rows."""
        with _mapped(), orm.Session(self._reading) as session:
            yield session

    def ids(self, session: orm.Session) -> set[str]:
        """Ids of all recordings."""
        return set(session.scalars(sa.select(ActivityRow.id)))

    def known(self, ids: Sequence[str], session: orm.Session) -> set[str]:
        """Those of the ids that are there."""
        return set(session.scalars(sa.select(ActivityRow.id).where(ActivityRow.id.in_(ids))))

    def leads(self, ids: Sequence[str]) -> dict[str, str]:
        """Recording -> the one that leads its workout, of those that are there."""
        leads: dict[str, str] = {}
        with self.reading() as session:
            for at in range(0, len(ids), _SOME):
                row = ActivityRow
                query = sa.select(row.id, row.workout).where(row.id.in_(ids[at : at + _SOME]))
                leads |= {found.id: found.workout for found in session.execute(query)}
        return leads

    def count(self) -> int:
        """How many recordings there are, twins included."""
        with self.reading() as session:
            return session.scalar(sa.select(sa.func.count()).select_from(ActivityRow)) or 0

    def resolve(self, prefix: str) -> str:
        """The one recording that begins so; NOT_FOUND for none, CONFLICT for several.

        Several recordings of one workout are one answer: the leading one.
        """
        query = sa.select(ActivityRow.id, ActivityRow.workout).where(
            ActivityRow.id >= prefix, ActivityRow.id < prefix + "g"
        )
        with self.reading() as session:
            found = list(session.execute(query.limit(9)))
        if len(found) == 1:
            return found[0][0]
        if found and len(workouts := {workout for _, workout in found}) == 1:
            return workouts.pop()
        if found:
            raise StadionError(
                Code.CONFLICT, f"several activities begin with {prefix!r}; give more of the id"
            )
        raise StadionError(Code.NOT_FOUND, f"there is no activity {prefix[:80]!r}")

    def members(self, recording: str, session: orm.Session) -> list[ActivityRow]:
        """All recordings of the workout that one belongs to, the leading one first."""
        workout = session.scalar(sa.select(ActivityRow.workout).where(ActivityRow.id == recording))
        query = sa.select(ActivityRow).where(ActivityRow.workout == workout)
        rows = session.scalars(query.order_by(ActivityRow.id != workout, ActivityRow.id))
        return list(rows)

    def find(self, question: Question) -> tuple[list[ActivitySummary], list[str]]:
        """Workouts by start, undated ones last as their files hold them; and the stale ones' ids.

        Parameters
        ----------
        question
            Newest first, undated ones come last all the same.
        """
        row = ActivityRow
        start = row.start_us.desc() if question.is_newest_first else row.start_us
        query = _asked(sa.select(row), question).order_by(
            row.start_us.is_(None), start, row.name, _ADDED
        )
        if question.limit is not None:
            query = query.limit(question.limit)
        query = query.options(orm.selectinload(row.channels), orm.selectinload(row.labels))
        with self.reading() as session:
            if question.after is not None:
                query = query.where(_behind(session, question.after, question.is_newest_first))
            found = list(session.scalars(query))
            twins = _twins(session)
            summaries = [summary_of(row, (row.id, *twins.get(row.id, ()))) for row in found]
            return summaries, [row.id for row in found if row.is_stale]

    def stale(self, athlete: str) -> list[str]:
        """Workouts of an athlete whose metrics no longer hold."""
        row = ActivityRow
        query = sa.select(row.id).where(row.athlete == athlete, row.workout == row.id, row.is_stale)
        with self.reading() as session:
            return list(session.scalars(query))

    def lone(self) -> list[str]:
        """Dated recordings that are a workout by themselves, by start."""
        row, other = ActivityRow, orm.aliased(ActivityRow)
        twins = sa.select(other.id).where(other.workout == row.id, other.id != row.id)
        query = sa.select(row.id).where(
            row.workout == row.id, row.start_us.is_not(None), ~twins.exists()
        )
        with self.reading() as session:
            return list(session.scalars(query.order_by(row.start_us, row.id)))

    def summary(self, recording: str) -> ActivitySummary:
        """What is known of the workout of a recording."""
        with self.reading() as session:
            rows = self.members(recording, session)
            if not rows:
                raise StadionError(Code.NOT_FOUND, f"there is no activity {recording[:12]!r}")
            return summary_of(rows[0], tuple(row.id for row in rows))

    def how_many(self, question: Question) -> int:
        """How many workouts a question finds, whatever its limit."""
        query = _asked(sa.select(sa.func.count()).select_from(ActivityRow), question)
        with self.reading() as session:
            return session.scalar(query) or 0


def _asked(query: Any, question: Question) -> Any:
    row = ActivityRow
    query = query.where(row.workout == row.id)
    if question.athlete is not None:
        query = query.where(row.athlete == question.athlete)
    if question.sport is not None:
        query = query.where(row.sport == question.sport)
    if question.since is not None:
        query = query.where(row.start_us >= microseconds(question.since))
    if question.until is not None:
        query = query.where(row.start_us < microseconds(question.until))
    if question.channel is not None:
        query = query.where(row.channels.any(ChannelRow.name == question.channel))
    if question.label_kind is not None:
        query = query.where(row.labels.any(LabelRow.kind == question.label_kind))
    return query


def _behind(session: orm.Session, after: str, is_newest_first: bool) -> Any:
    """What `find` lists behind a workout."""
    row = ActivityRow
    query = sa.select(row.start_us, row.name, _ADDED).where(row.id == after)
    start, name, added = session.execute(query).one()
    same = sa.tuple_(row.name, _ADDED) > sa.tuple_(sa.literal(name), sa.literal(added))
    if start is None:
        return row.start_us.is_(None) & same
    later = row.start_us < start if is_newest_first else row.start_us > start
    return later | ((row.start_us == start) & same) | row.start_us.is_(None)


def _twins(session: orm.Session) -> dict[str, list[str]]:
    """Leading recording -> the others of its workout."""
    row = ActivityRow
    query = sa.select(row.workout, row.id).where(row.workout != row.id).order_by(row.id)
    twins: dict[str, list[str]] = {}
    for workout, recording in session.execute(query):
        twins.setdefault(workout, []).append(recording)
    return twins


def _no_transactions(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says


def _prepare(connection: Any, record: Any) -> None:
    _no_transactions(connection, record)
    for setting in (
        "journal_mode = DELETE",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",  # what is erased is overwritten
    ):
        connection.execute(f"PRAGMA {setting}").close()


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def _mapped() -> Iterator[None]:
    """Errors of the database as errors of the house."""
    try:
        yield
    except exc.OperationalError as error:
        raise StadionError(
            Code.UNAVAILABLE, f"the archive's catalogue does not answer: {error.orig}", "try again"
        ) from error
    except exc.DatabaseError as error:
        raise StadionError(
            Code.INTERNAL, f"the archive's catalogue is damaged: {error.orig}"
        ) from error
