"""Bytes in, a SHA-256 out; the SHA-256 in, the same bytes out or an error, never other bytes."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from stadion.core.errors import Code, StadionError
from stadion.registry.durable import (
    durable_file,
    make_folder,
    sync_folder,
    tidy,
)
from stadion.registry.faults import storage_faults

__all__ = ["BlobStore", "checked_digest", "copied"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20


def checked_digest(value: str, field: str) -> str:
    """Return `value` if it is a SHA-256 in small hexadecimal letters; INVALID otherwise."""
    if not _DIGEST.fullmatch(value):
        raise StadionError(
            Code.INVALID, f"{field} is {value[:80]!r}; expected 64 digits of 0-9 and a-f"
        )
    return value


class BlobStore:
    """Immutable blobs in a local folder, `ab/cdef...`, named by the SHA-256 of their content.

    Callers know blobs by digest alone; only `local_path` says where one lies, so that a store
    elsewhere can answer it with a copy it fetched.

    Parameters
    ----------
    folder
        Made when the first blob comes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, source: BinaryIO, sha256: str, size: int, what: str) -> None:
        """Keep the bytes of `source`, which must have this digest and size.

        A blob that is there already is not written again, and is young again for the sweep; a
        damaged one is replaced. When this returns, the blob outlives a power cut.

        Parameters
        ----------
        source
            Read once, in pieces: it may be larger than memory.
        what
            What the bytes are, for the error: "file 'model.onnx'".

        Raises
        ------
        StadionError
            INVALID when the bytes differ from what was claimed; UNAVAILABLE when the disk fails.
        """
        target = self.local_path(sha256)
        with storage_faults(f"keep {what}"):
            if self._renewed(target) and not self.fault(sha256, size):
                _same(copied(source, None), (sha256, size), what)
                self._sync(target)
                return
            make_folder(target.parent)
            with durable_file(target, mode=0o444) as file:
                _same(copied(source, file), (sha256, size), what)
            self._sync(target)

    def has(self, sha256: str) -> bool:
        """True when a blob of that name is there; says nothing about its bytes."""
        return self.local_path(sha256).is_file()

    def local_path(self, sha256: str) -> Path:
        """Where on this machine the blob lies, absolute; it need not be there."""
        checked_digest(sha256, "digest")
        return self._folder.absolute() / sha256[:2] / sha256[2:]

    def read(self, sha256: str, what: str) -> bytes:
        """All bytes of a small blob, verified.

        Raises
        ------
        StadionError
            UNAVAILABLE when it is missing, damaged or cannot be read.
        """
        with storage_faults(f"read {what}"):
            data = self.local_path(sha256).read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StadionError(
                Code.UNAVAILABLE, f"{what} is damaged: blob {sha256} holds other bytes", _MEND
            )
        return data

    def fault(self, sha256: str, size: int) -> str:
        """What is wrong with a blob: 'missing', 'damaged', 'unreadable', or '' when it is sound."""
        try:
            with self.local_path(sha256).open("rb") as file:
                return "" if copied(file, None) == (sha256, size) else "damaged"
        except FileNotFoundError:
            return "missing"
        except OSError:
            return "unreadable"

    def older_than(self, moment_s: float) -> Iterator[str]:
        """Digests of the blobs last added before a moment (seconds of the epoch)."""
        for path in self._folder.glob("??/*"):
            digest = path.parent.name + path.name
            if _DIGEST.fullmatch(digest) and _modified_s(path) < moment_s:
                yield digest

    def remove_older_than(self, sha256: str, moment_s: float) -> bool:
        """Remove a blob unless it was added, or added again, since that moment."""
        path = self.local_path(sha256)
        if _modified_s(path) >= moment_s:
            return False
        path.unlink(missing_ok=True)
        return True

    def tidy(self, grace_s: float) -> int:
        """Remove unfinished files older than the grace; how many went."""
        return sum(tidy(shelf, grace_s) for shelf in self._folder.glob("??") if shelf.is_dir())

    def _renewed(self, target: Path) -> bool:
        with suppress(FileNotFoundError):
            os.utime(target)
            return True
        return False

    def _sync(self, target: Path) -> None:
        # Also for a blob found in place: the writer that renamed it may not have synced yet.
        sync_folder(target.parent)
        sync_folder(self._folder)


_MEND = "restore a backup, or delete the version"


def copied(source: BinaryIO, target: BinaryIO | None) -> tuple[str, int]:
    """Read `source` to its end, writing to `target` where given: SHA-256 and number of bytes."""
    state, size = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        state.update(chunk)
        size += len(chunk)
        if target is not None:
            target.write(chunk)
    return state.hexdigest(), size


def _same(found: tuple[str, int], claimed: tuple[str, int], what: str) -> None:
    if found != claimed:
        raise StadionError(
            Code.INVALID,
            f"{what} has {found[1]} bytes with SHA-256 {found[0]}; "
            f"expected {claimed[1]} bytes with {claimed[0]}",
        )


def _modified_s(path: Path) -> float:
    """When it was last touched; a vanished one counts as just touched."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
