"""Packages in, versions out: numbered for good, found by number or alias, deleted when unused."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from stadion.core.errors import Code, StadionError
from stadion.core.names import ModelReference, checked_name, parse_reference
from stadion.core.package import ModelPackage, Version
from stadion.registry.aliases import aliases_named, aliases_of, no_alias, number_of
from stadion.registry.faults import storage_faults
from stadion.registry.log import deployed_versions
from stadion.registry.packages import package_from_json, package_to_json
from stadion.registry.registration import blobs_of, earlier_row, opened_file, version_row
from stadion.registry.schema import AliasRow, DeletionRow, VersionRow
from stadion.registry.storage import Storage, checked_text, live_versions, one_version

__all__ = ["ModelSummary", "Versions"]

_TRIES = 3


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """A model in a list: how many versions, the newest, its aliases, what is deployed."""

    model: str
    versions: int
    newest: int
    updated: datetime
    aliases: Mapping[str, int]
    deployed: tuple[int, ...]


class Versions:
    """The shelf of versions.

    A number is drawn in the transaction that commits the version: a registration that fails has
    had no number and leaves no gap. Deleting leaves a gap, for the number stays used.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def register(
        self,
        model: str,
        package: ModelPackage,
        *,
        aliases: Iterable[str] = (),
        idempotency_key: str = "",
    ) -> Version:
        """Keep a package as the model's next version; on return it outlives a crash.

        Parameters
        ----------
        package
            Its files are copied; each must have the digest and size the package claims.
        aliases
            Set to the new version, taken from an older one that has them.
        idempotency_key
            The same call with the same key is answered with the version the first one made.

        Raises
        ------
        StadionError
            INVALID for a bad name, file or digest; CONFLICT when the key was used for another
            package; UNAVAILABLE when the disk is full or fails: then nothing was registered.
        """
        checked_name(model, "model")
        checked_text(idempotency_key, "idempotency key", 200)
        wanted = [checked_name(alias, "alias") for alias in aliases]
        record = package_to_json(package)
        row = version_row(model, package, record, idempotency_key)
        for _ in range(_TRIES):
            self._keep(package, record, row)
            with self._storage.database.write(f"register {model}") as session:
                kept = earlier_row(session, row) or self._insert(session, row, wanted)
                if kept is not None:
                    return self._version(kept, aliases_of(session, model))
        raise StadionError(
            Code.UNAVAILABLE, f"files of {model} vanished while it was registered", "try again"
        )

    def version(self, reference: str | ModelReference) -> Version:
        """One version: MODEL:N, MODEL@alias, or MODEL for its champion, else its newest.

        The files' paths are absolute; their bytes are verified by who loads them, or by `verify`.

        Raises
        ------
        StadionError
            NOT_FOUND; UNAVAILABLE when what is kept of it is damaged.
        """
        wanted = parse_reference(reference) if isinstance(reference, str) else reference
        with self._storage.database.read("find a version") as session:
            row = one_version(session, wanted.model, number_of(session, wanted))
            return self._version(row, aliases_of(session, wanted.model))

    def versions(self, model: str) -> list[Version]:
        """All versions of a model that were not deleted, oldest first; NOT_FOUND if none."""
        checked_name(model, "model")
        with self._storage.database.read("list versions") as session:
            rows = session.scalars(live_versions().where(VersionRow.model == model)).all()
            aliases = aliases_of(session, model)
            if not rows:
                raise StadionError(Code.NOT_FOUND, f"there is no model {model!r}")
            return [self._version(row, aliases) for row in rows]

    def models(self) -> list[ModelSummary]:
        """All models that have a version, by name; reads no blob."""
        with self._storage.database.read("list models") as session:
            rows: dict[str, list[VersionRow]] = {}
            for row in session.scalars(live_versions()):
                rows.setdefault(row.model, []).append(row)
            return [
                ModelSummary(
                    model,
                    len(own),
                    own[-1].number,
                    own[-1].created,
                    aliases_of(session, model),
                    deployed_versions(session, model),
                )
                for model, own in rows.items()
            ]

    def set_alias(self, model: str, alias: str, number: int) -> None:
        """Let MODEL@alias mean a version, whatever it meant before; NOT_FOUND without one."""
        checked_name(model, "model")
        checked_name(alias, "alias")
        with self._storage.database.write(f"set the alias {alias}") as session:
            one_version(session, model, number)
            session.merge(AliasRow(model=model, alias=alias, number=number))

    def delete_alias(self, model: str, alias: str) -> None:
        """Forget an alias; NOT_FOUND when it is not set."""
        checked_name(model, "model")
        with self._storage.database.write(f"delete the alias {alias}") as session:
            row = session.get(AliasRow, (model, alias))
            if row is None:
                raise no_alias(session, model, alias)
            session.delete(row)

    def delete(self, model: str, number: int) -> None:
        """Take a version away for good; its number stays used.

        Its files go at a later start, once nothing refers to them.

        Raises
        ------
        StadionError
            NOT_FOUND; CONFLICT while it is deployed or an alias names it.
        """
        checked_name(model, "model")
        with self._storage.database.write(f"delete {model}:{number}") as session:
            one_version(session, model, number)
            if number in deployed_versions(session, model):
                raise StadionError(
                    Code.CONFLICT, f"{model}:{number} is deployed", "deploy another one first"
                )
            if named := aliases_named(number, aliases_of(session, model)):
                raise StadionError(
                    Code.CONFLICT, f"{model}:{number} is {named[0]!r}", "delete the alias first"
                )
            session.add(DeletionRow(model=model, number=number, created=datetime.now(UTC)))

    def _keep(self, package: ModelPackage, record: bytes, row: VersionRow) -> None:
        for name, file in package.files.items():
            with storage_faults(f"read file {name!r}"), opened_file(name, file) as source:
                self._storage.blobs.add(source, file.sha256, file.bytes, f"file {name!r}")
        self._storage.blobs.add(io.BytesIO(record), row.package, len(record), "the package")

    def _insert(self, session: Session, row: VersionRow, aliases: list[str]) -> VersionRow | None:
        """Add the row unless a sweep took one of its blobs before the lock was held."""
        if not all(self._storage.blobs.has(digest) for digest in blobs_of(row)):
            return None
        newest = session.scalar(
            select(func.max(VersionRow.number)).where(VersionRow.model == row.model)
        )
        row.number = (newest or 0) + 1
        session.add(row)
        session.flush()
        for alias in aliases:
            session.merge(AliasRow(model=row.model, alias=alias, number=row.number))
        session.flush()
        return row

    def _version(self, row: VersionRow, aliases: Mapping[str, int]) -> Version:
        blobs = self._storage.blobs
        record = blobs.read(row.package, f"the package of {row.model}:{row.number}")
        package = package_from_json(record, blobs.local_path)
        named = aliases_named(row.number, aliases)
        return Version(row.model, row.number, row.digest, row.created, package, named)
