"""What the archive asks of the disk: names that outlive a power cut, refusals in words."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stadion.core.errors import Code, StadionError

__all__ = ["disk_error", "sync_files", "sync_folder"]

_AT_ONCE = 8


def sync_files(paths: Iterable[Path]) -> None:
    """Return when the bytes of files are on the disk; together it takes a fraction of the time."""
    todo = list(paths)
    if not todo:
        return
    with ThreadPoolExecutor(min(_AT_ONCE, len(todo))) as pool:
        list(pool.map(_sync, todo))


def sync_folder(folder: Path) -> None:
    """Return when the names of the folder's files are on the disk."""
    _sync(folder)


def disk_error(error: OSError) -> StadionError:
    """The disk's refusal as an error of the house."""
    return StadionError(Code.UNAVAILABLE, f"the archive's disk refuses: {error.strerror}")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
