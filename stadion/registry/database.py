"""A path in, short transactions out: one writer at a time, whatever the number of processes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, text
from sqlalchemy.orm import Session

from stadion.core.errors import Code, StadionError
from stadion.registry.durable import make_folder
from stadion.registry.faults import storage_faults
from stadion.registry.schema import create_schema, has_schema

__all__ = ["Database", "copy_database"]

_WAIT_S = 30.0  # for a lock; a writer holds it for one commit


class Database:
    """SQLite with a rollback journal.

    No connection outlives its transaction, so nothing is ever shared across a fork, threads need
    no care, and a folder that was swapped underneath is seen at the next call. TRUNCATE rather
    than DELETE because with synchronous=FULL only a truncated journal is synced after the commit;
    an unlinked one could come back after a power cut and undo an acknowledged write. Never WAL:
    its reset bug (fixed in SQLite 3.51.3) loses commits.
    """

    def __init__(self, path: Path) -> None:
        self._readers = _engine(path)
        self._writers = self._readers.execution_options(writes=True)
        with storage_faults("open the registry"):
            make_folder(path.parent)
            self._ensure_schema()

    @contextmanager
    def read(self, doing: str) -> Iterator[Session]:
        """One consistent view; changes nothing."""
        with (
            storage_faults(doing),
            Session(self._readers, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def write(self, doing: str) -> Iterator[Session]:
        """Hold the write lock from here to the commit at the end; on an error, change nothing."""
        with (
            storage_faults(doing),
            Session(self._writers, expire_on_commit=False) as session,
            session.begin(),
        ):
            session.connection()  # begins now: what is looked up on disk must stay true
            yield session

    def faults(self) -> list[str]:
        """What SQLite finds wrong with its own pages and references; empty when sound."""
        with self.read("check the database") as session:
            pages = session.execute(text("PRAGMA integrity_check")).scalars().all()
            orphans = session.execute(text("PRAGMA foreign_key_check")).all()
        return [line for line in pages if line != "ok"] + [
            f"row {row[1]} of {row[0]} refers to nothing" for row in orphans
        ]

    def close(self) -> None:
        """Let go of everything; there is nothing open between calls."""
        self._readers.dispose()

    def _ensure_schema(self) -> None:
        with self._readers.begin() as connection:
            if has_schema(connection):
                return
        with self._writers.begin() as connection:
            if not has_schema(connection):  # another process may have been first
                create_schema(connection)


def copy_database(session: Session, target: Path) -> None:
    """Write what `session` sees, and nothing later, as a database of its own at `target`."""
    proxied = session.connection().connection
    with closing(sqlite3.connect(target)) as copy:
        cast(sqlite3.Connection, proxied.driver_connection).backup(copy)


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path.absolute())),
        poolclass=NullPool,
        connect_args={"timeout": _WAIT_S},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says, not the driver
    (mode,) = connection.execute("PRAGMA journal_mode = TRUNCATE").fetchone()
    if mode != "truncate":
        raise StadionError(
            Code.UNAVAILABLE, f"the registry's journal is {mode!r}; expected 'truncate'"
        )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
