"""What the archive holds, as rows of a SQLite file: added, found and struck out."""

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

from stadion.archive.rows import (
    ActivityRow,
    ActivitySummary,
    Base,
    ChannelRow,
    LabelRow,
    microseconds,
    row_of,
    summary_of,
)
from stadion.core.activity import Activity
from stadion.core.errors import Code, StadionError

__all__ = ["Catalogue", "Question"]

_BUSY_S = 30
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Question:
    """Which activities are looked for; None = any. `since` counts, `until` does not."""

    athlete: str | None = None
    sport: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    channel: str | None = None
    label_kind: str | None = None
    limit: int | None = None


class Catalogue:
    """Rows about activities. Every call is one short transaction of its own connection.

    The journal is rolled back, not a write-ahead log (SQLite before 3.51.3 can lose commits
    when a log is reset), and a commit returns when it is on the disk. No connection outlives a
    call, so processes may fork and share the file.
    """

    def __init__(self, path: Path) -> None:
        self._engine = sa.create_engine(
            f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": _BUSY_S}
        )
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        self._writing = self._engine.execution_options(immediate=True)

    def create(self) -> None:
        """Make the tables where they are missing; UNSUPPORTED for those of a later Stadion."""
        with _mapped(), self._writing.begin() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if version > _SCHEMA:
                raise StadionError(
                    Code.UNSUPPORTED, f"the archive has schema {version}; expected {_SCHEMA}"
                )
            Base.metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {_SCHEMA}")

    @contextmanager
    def writing(self) -> Iterator[orm.Session]:
        """The one writer at a time: commits at the end, or rolls back."""
        with _mapped(), orm.Session(self._writing) as session, session.begin():
            yield session

    def ids(self, session: orm.Session | None = None) -> set[str]:
        """Ids of all activities."""
        with self._reading(session) as reading:
            return set(reading.scalars(sa.select(ActivityRow.id)))

    def known(self, ids: Sequence[str], session: orm.Session | None = None) -> set[str]:
        """Those of the ids that are there."""
        with self._reading(session) as reading:
            return set(reading.scalars(sa.select(ActivityRow.id).where(ActivityRow.id.in_(ids))))

    def count(self) -> int:
        """How many activities there are."""
        with self._reading(None) as session:
            return session.scalar(sa.select(sa.func.count()).select_from(ActivityRow)) or 0

    def resolve(self, prefix: str) -> str:
        """The one id that begins so; NOT_FOUND for none, CONFLICT for several."""
        query = sa.select(ActivityRow.id).where(
            ActivityRow.id >= prefix, ActivityRow.id < prefix + "g"
        )
        with self._reading(None) as session:
            found = list(session.scalars(query.limit(2)))
        if len(found) == 1:
            return found[0]
        if found:
            raise StadionError(
                Code.CONFLICT, f"several activities begin with {prefix!r}; give more of the id"
            )
        raise StadionError(Code.NOT_FOUND, f"there is no activity {prefix[:80]!r}")

    def find(self, question: Question) -> list[ActivitySummary]:
        """Activities by start; those without a date come last, as their files hold them."""
        row = ActivityRow
        added: sa.ColumnClause[int] = sa.literal_column("activities.rowid")
        query = sa.select(row).order_by(row.start_us.is_(None), row.start_us, row.name, added)
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
        if question.limit is not None:
            query = query.limit(question.limit)
        query = query.options(orm.selectinload(row.channels), orm.selectinload(row.labels))
        with self._reading(None) as session:
            return [summary_of(found) for found in session.scalars(query)]

    def file_digest(self, activity_id: str) -> str | None:
        """SHA-256 of an activity's file; None when there is no such activity."""
        with self._reading(None) as session:
            query = sa.select(ActivityRow.file_digest).where(ActivityRow.id == activity_id)
            return session.scalar(query)

    def insert(self, activity: Activity, file_digest: str, session: orm.Session) -> None:
        """Add the row of an activity that is not there yet."""
        session.add(row_of(activity, file_digest))

    def delete(self, activity_id: str, session: orm.Session) -> bool:
        """Strike out an activity; False when it is not there."""
        row = session.get(ActivityRow, activity_id)
        if row is not None:
            session.delete(row)
        return row is not None

    @contextmanager
    def _reading(self, session: orm.Session | None) -> Iterator[orm.Session]:
        if session is not None:
            yield session
            return
        with _mapped(), orm.Session(self._engine) as own:
            yield own


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says
    for setting in (
        "journal_mode = DELETE",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",  # what is erased is overwritten
    ):
        connection.execute(f"PRAGMA {setting}").close()


def _begin(connection: sa.Connection) -> None:
    is_writing = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


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
