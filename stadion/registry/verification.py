"""A registry in, a report of every blob that is not what its version says out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from stadion.core.errors import StadionError
from stadion.registry.packages import package_from_json
from stadion.registry.registration import blobs_of
from stadion.registry.schema import VersionRow
from stadion.registry.storage import Storage, live_versions

__all__ = ["Problem", "Verification", "verify"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One version that cannot be served as it was registered, and which blob is why."""

    model: str
    number: int
    sha256: str
    fault: str


@dataclass(frozen=True, slots=True)
class Verification:
    """How much was compared, and what did not agree."""

    versions: int
    blobs: int
    bytes: int
    problems: tuple[Problem, ...]
    database: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """True when everything agrees."""
        return not self.problems and not self.database


def verify(storage: Storage) -> Verification:
    """Read every blob once and compare it with its digest; see `Registry.verify`."""
    with storage.database.read("list versions") as session:
        rows = session.scalars(live_versions()).all()
    needed = {digest: size for row in rows for digest, size in blobs_of(row).items()}
    faults = {digest: storage.blobs.fault(digest, size) for digest, size in needed.items()}
    problems = tuple(problem for row in rows for problem in _problems(storage, row, faults))
    faulty = tuple(storage.database.faults())
    return Verification(len(rows), len(needed), sum(needed.values()), problems, faulty)


def _problems(storage: Storage, row: VersionRow, faults: dict[str, str]) -> Iterator[Problem]:
    for digest in blobs_of(row):
        if faults[digest]:
            yield Problem(row.model, row.number, digest, faults[digest])
    if not faults[row.package] and not _agrees(storage, row):
        yield Problem(row.model, row.number, row.package, "package and row disagree")


def _agrees(storage: Storage, row: VersionRow) -> bool:
    try:
        package = package_from_json(storage.blobs.read(row.package, "the package"), str)
    except (StadionError, msgspec.MsgspecError):
        return False
    files = {file.sha256: file.bytes for file in package.files.values()}
    return package.digest == row.digest and files | {row.package: row.package_bytes} == blobs_of(
        row
    )
