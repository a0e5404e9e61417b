"""A file or folder in, the same one safe on disk: whole and lasting, or not there at all."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = [
    "DAY_S",
    "TEMPORARY",
    "durable_file",
    "make_folder",
    "sync_folder",
    "sync_tree",
    "temporary_beside",
    "tidy",
]

TEMPORARY = ".tmp-"
"""What the name of everything unfinished begins with."""

DAY_S = 86_400.0
"""No backup or restore takes longer; what it left unfinished goes after this."""


@contextmanager
def durable_file(target: Path, mode: int | None = None) -> Iterator[BinaryIO]:
    """Write to a temporary neighbour; rename it to `target` once its bytes are on disk.

    `mode` None leaves the permissions to the process's umask. Leaving the block by an error
    removes the temporary file and leaves `target` as it was.
    """
    temporary = temporary_beside(target)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)


def temporary_beside(target: Path) -> Path:
    """A free name in the folder of `target`, so that a rename never crosses file systems."""
    return target.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last: a rename is on disk only after this."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, each one lasting."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_tree(folder: Path) -> None:
    """Make the names of a whole tree last; the files in it must have been synced before."""
    for path, _, _ in os.walk(folder):
        sync_folder(Path(path))


def tidy(folder: Path, grace_s: float) -> int:
    """Remove what killed processes left unfinished in a folder; how many things went.

    What was touched less than `grace_s` seconds ago may belong to a living process and stays.
    """
    removed = 0
    for left in folder.glob(f"{TEMPORARY}*"):
        with suppress(FileNotFoundError):  # another process tidies too, or has just finished
            if left.stat().st_mtime > time.time() - grace_s:
                continue
            shutil.rmtree(left) if left.is_dir() else left.unlink()
            removed += 1
    return removed
