"""Exceptions of the disk and the database in, a StadionError with a sentence out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from stadion.core.errors import Code, StadionError

__all__ = ["storage_faults"]

_SQLITE = {
    "BUSY": ("another process kept it locked for too long", "try again"),
    "FULL": ("the disk is full", "free some space; what was there before is unharmed"),
    "IOERR": ("the disk reported an error", "check the disk"),
    "READONLY": ("it cannot be written", "check the folder's permissions"),
    "CANTOPEN": ("its file cannot be opened", "check the folder and its permissions"),
    "CORRUPT": ("its database is damaged", "restore a backup"),
    "NOTADB": ("its file is no database", "restore a backup"),
}


@contextmanager
def storage_faults(doing: str) -> Iterator[None]:
    """Turn what disk and database raise into UNAVAILABLE: 'cannot <doing>: <why>'.

    Messages carry no path: they may travel to a client.
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or "the disk reported an error"
        raise StadionError(Code.UNAVAILABLE, f"cannot {doing}: {why}") from error
    except IntegrityError as error:
        raise StadionError(Code.CONFLICT, f"cannot {doing}: {error.orig}") from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _of_database(doing, error) from error
    except msgspec.MsgspecError as error:
        raise StadionError(
            Code.UNAVAILABLE, f"cannot {doing}: a stored record is damaged", "restore a backup"
        ) from error


def _of_database(doing: str, error: Exception) -> StadionError:
    original = error.orig if isinstance(error, DBAPIError) else error
    name: str = getattr(original, "sqlite_errorname", "")
    kind = name.removeprefix("SQLITE_").split("_")[0]
    why, hint = _SQLITE.get(kind, ("its database refused", "see the server's log"))
    return StadionError(Code.UNAVAILABLE, f"cannot {doing} in the registry: {why}", hint)
