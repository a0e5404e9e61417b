"""A finished folder in, the same one in its place; what was there ends where it came from."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

from stadion.registry.durable import sync_folder, temporary_beside

__all__ = ["put_in_place"]

_AT_FDCWD = -100  # linux/fcntl.h
_RENAME_EXCHANGE = 2  # linux/fs.h
_NOT_HERE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


def put_in_place(staged: Path, place: Path) -> None:
    """Put `staged` at `place` in one step; a folder that was there is at `staged` afterwards.

    Both are on one file system. Where the system cannot exchange two names at once, two renames
    follow each other; a kill exactly between them leaves the old folder beside its place, under
    a temporary name.
    """
    if not place.exists() or not any(place.iterdir()):
        staged.replace(place)
    elif not _exchanged(staged, place):
        aside = temporary_beside(place)
        place.rename(aside)
        staged.rename(place)
        aside.rename(staged)
    sync_folder(place.absolute().parent)


def _exchanged(first: Path, second: Path) -> bool:
    """True when the system swapped the two names atomically, False when it has no such call."""
    swap = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if swap is None:
        return False
    done = swap(_AT_FDCWD, bytes(first), _AT_FDCWD, bytes(second), _RENAME_EXCHANGE)
    if done == 0:
        return True
    if ctypes.get_errno() in _NOT_HERE:
        return False
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
