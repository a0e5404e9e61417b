"""A registry and further folders in, one file out that holds all of them."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import msgspec

from stadion.core.errors import Code, StadionError
from stadion.core.names import checked_name
from stadion.registry.database import copy_database
from stadion.registry.durable import DAY_S, TEMPORARY, durable_file, tidy
from stadion.registry.faults import storage_faults
from stadion.registry.folders import files_to_copy
from stadion.registry.manifest import (
    DATABASE,
    FORMAT,
    MANIFEST,
    MANIFEST_DIGEST,
    Entry,
    Manifest,
    checked_member,
)
from stadion.registry.registration import blobs_of
from stadion.registry.storage import Storage, live_versions

__all__ = ["write_backup"]

_TRIES = 3


def write_backup(storage: Storage, target: Path, extra: Mapping[str, Path]) -> Manifest:
    """Write everything to one file; see `Registry.backup`."""
    _check(target, extra)
    with storage_faults("write the backup"):
        tidy(target.parent, DAY_S)
        for _ in range(_TRIES):
            with suppress(_BlobGone):
                return _write_once(storage, target, extra)
    raise StadionError(
        Code.UNAVAILABLE,
        "cannot write the backup: a version's file is missing",
        "verify the registry and delete what cannot be served",
    )


class _BlobGone(Exception):  # noqa: N818  # no error yet: the version may just have been deleted
    """A blob that the copied database needs is not there any more."""


def _check(target: Path, extra: Mapping[str, Path]) -> None:
    if not target.parent.is_dir() or target.is_dir():
        raise StadionError(
            Code.INVALID,
            f"backup is to be written to {str(target)[:200]!r}; expected a file in a folder that "
            "is there",
        )
    for name, folder in extra.items():
        checked_name(name, "extra folder")
        if target.resolve().is_relative_to(folder.resolve()):
            raise StadionError(
                Code.INVALID, f"the backup would lie in the folder {name!r} that it is to hold"
            )


def _write_once(storage: Storage, target: Path, extra: Mapping[str, Path]) -> Manifest:
    with (
        TemporaryDirectory(prefix=TEMPORARY, dir=target.parent) as scratch,
        durable_file(target, mode=0o600) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        archive = _Archive(tar)
        archive.add_registry(storage, Path(scratch))
        for name, folder in extra.items():
            for inside, path in files_to_copy(folder, Path(scratch)):
                with suppress(FileNotFoundError):  # erased, or unfinished, while we walked
                    archive.add_file(f"extra/{name}/{inside}", path)
        return archive.finish(tuple(extra))


class _Archive:
    """A tar in the making, and the digests of what went into it."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._files: dict[str, Entry] = {}

    def add_registry(self, storage: Storage, scratch: Path) -> None:
        copy = scratch / "registry.sqlite"
        with storage.database.read("copy the database") as session:
            rows = session.scalars(live_versions()).all()
            copy_database(session, copy)
        self.add_file(DATABASE, copy)
        copy.unlink()
        for row in rows:
            for digest in blobs_of(row):
                name = f"registry/blobs/{digest[:2]}/{digest[2:]}"
                if name not in self._files:
                    self._add_blob(name, storage.blobs.local_path(digest), digest)

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as source:
            self._add(name, source, os.fstat(source.fileno()).st_size)

    def finish(self, extra: tuple[str, ...]) -> Manifest:
        """Write what makes the backup whole: the list of its files, and the list's own digest."""
        manifest = Manifest(FORMAT, datetime.now(UTC), extra, dict(self._files))
        data = msgspec.json.encode(manifest)
        line = f"{hashlib.sha256(data).hexdigest()}  {MANIFEST}\n".encode()
        for name, content in ((MANIFEST, data), (MANIFEST_DIGEST, line)):
            self._add(name, io.BytesIO(content), len(content))
        return manifest

    def _add_blob(self, name: str, path: Path, digest: str) -> None:
        try:
            self.add_file(name, path)
        except FileNotFoundError:
            raise _BlobGone from None
        if self._files[name].sha256 != digest:
            raise StadionError(
                Code.UNAVAILABLE,
                f"cannot write the backup: blob {digest} is damaged",
                "verify the registry and delete what cannot be served",
            )

    def _add(self, name: str, source: BinaryIO, size: int) -> None:
        member = tarfile.TarInfo(checked_member(name))
        member.size, member.mode = size, 0o600
        reader = _HashingReader(source)
        self._tar.addfile(member, reader)
        self._files[name] = Entry(size, reader.state.hexdigest())


class _HashingReader(io.RawIOBase):
    """Passes bytes on and digests them on the way."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.state = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.state.update(data)
        return data
