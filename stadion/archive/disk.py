"""What the archive asks of the disk: names that outlive a power cut, refusals in words."""

from __future__ import annotations

import os
from pathlib import Path

from stadion.core.errors import Code, StadionError

__all__ = ["disk_error", "sync_file", "sync_folder"]


def sync_file(path: Path) -> None:
    """Return when a file's bytes are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Return when the names of the folder's files are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def disk_error(error: OSError) -> StadionError:
    """The disk's refusal as an error of the house."""
    return StadionError(Code.UNAVAILABLE, f"the archive's disk refuses: {error.strerror}")
