"""A folder in, its files one by one out: databases first, each as of one moment."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from stadion.core.errors import Code, StadionError

__all__ = ["files_to_copy"]

_SQLITE = {".sqlite", ".sqlite3", ".db"}
_JOURNALS = ("-journal", "-wal", "-shm")
_WAIT_S = 30.0


def files_to_copy(folder: Path, scratch: Path) -> Iterator[tuple[str, Path]]:
    """Name inside the folder, and where to read the bytes; a folder that is not there has none.

    SQLite files come first, as copies made in `scratch` by SQLite itself: what a catalogue refers
    to was written before its row, so it is still met by the walk that follows. They are known by
    their suffix, never by a look inside: closing a plain file handle would drop the locks that
    this process holds on a database it has open.

    Raises
    ------
    StadionError
        INVALID for a link, a socket or anything else that is neither file nor folder.
    """
    for path in _walk(folder):
        if path.suffix in _SQLITE:
            copy = scratch / "copy.sqlite"
            yield path.relative_to(folder).as_posix(), copy if _copied(path, copy) else path
            copy.unlink(missing_ok=True)
    for path in _walk(folder):
        if path.suffix not in _SQLITE and not _is_journal(path):
            yield path.relative_to(folder).as_posix(), path


def _walk(folder: Path) -> list[Path]:
    found = []
    for path, folders, files in os.walk(folder, onerror=_refuse):
        for name in (*folders, *files):
            mode = (Path(path) / name).lstat().st_mode
            if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
                raise StadionError(
                    Code.INVALID,
                    f"{name!r} is neither a file nor a folder",
                    "a backup holds files only; move it elsewhere",
                )
        found += [Path(path) / name for name in files]
    return sorted(found)


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _is_journal(path: Path) -> bool:
    return any(
        path.name.endswith(ending) and Path(path.name.removesuffix(ending)).suffix in _SQLITE
        for ending in _JOURNALS
    )


def _copied(path: Path, copy: Path) -> bool:
    """True when it was a database and `copy` now holds what it held at one moment."""
    source = f"{path.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(source, uri=True, timeout=_WAIT_S)) as database,
        closing(sqlite3.connect(copy)) as target,
    ):
        try:
            database.execute("BEGIN")  # the first read waits for a writer, but not for ever
            database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                return False
            raise
        database.backup(target)
        return True
