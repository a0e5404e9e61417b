"""A package and a name in, the one row that registers it out, or the row that already did."""

from __future__ import annotations

import hashlib
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelFile, ModelPackage
from stadion.registry.schema import VersionRow
from stadion.registry.storage import live_numbers

__all__ = ["blobs_of", "earlier_row", "opened_file", "version_row"]


def blobs_of(row: VersionRow) -> dict[str, int]:
    """Every blob a version needs: SHA-256 -> bytes."""
    files = msgspec.json.decode(row.files, type=dict[str, tuple[str, int]])
    return {row.package: row.package_bytes, **dict(files.values())}


def version_row(model: str, package: ModelPackage, record: bytes, key: str) -> VersionRow:
    """The row of a package, complete but for its number; `record` is the package as JSON."""
    files = {name: (file.sha256, file.bytes) for name, file in sorted(package.files.items())}
    return VersionRow(
        model=model,
        digest=package.digest,
        package=hashlib.sha256(record).hexdigest(),
        package_bytes=len(record),
        files=msgspec.json.encode(files).decode(),
        created=datetime.now(UTC),
        idempotency_key=key or None,
    )


def earlier_row(session: Session, row: VersionRow) -> VersionRow | None:
    """What the same call made before; CONFLICT when its key stands for something else."""
    if row.idempotency_key is None:
        return None
    found = session.scalar(
        select(VersionRow).where(
            VersionRow.model == row.model, VersionRow.idempotency_key == row.idempotency_key
        )
    )
    if found is None:
        return None
    if found.digest != row.digest:
        raise StadionError(
            Code.CONFLICT,
            f"idempotency key {row.idempotency_key!r} was used for another package of {row.model}",
            "use a new key for a new package",
        )
    if found.number not in live_numbers(session, row.model):
        raise StadionError(
            Code.CONFLICT,
            f"idempotency key {row.idempotency_key!r} made {row.model}:{found.number}, "
            "which was deleted since",
            "use a new key to register the package again",
        )
    return found


def opened_file(name: str, file: ModelFile) -> BinaryIO:
    """A package's file for reading; INVALID when it is not there or no ordinary file."""
    try:
        if not stat.S_ISREG(Path(file.path).stat().st_mode):
            raise StadionError(Code.INVALID, f"file {name!r} of the package is no ordinary file")
        return Path(file.path).open("rb")
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the path
        raise StadionError(Code.INVALID, f"file {name!r} of the package is not there") from None
