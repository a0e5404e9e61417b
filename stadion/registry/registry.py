"""The registry's front door: packages in, versions and what is deployed of them out."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from stadion.core.errors import StadionError
from stadion.registry.backup import write_backup
from stadion.registry.blobs import BlobStore
from stadion.registry.database import Database
from stadion.registry.deployments import Deployments
from stadion.registry.manifest import Manifest
from stadion.registry.storage import Storage
from stadion.registry.sweep import GRACE_S, sweep
from stadion.registry.verification import Verification, verify
from stadion.registry.versions import Versions

__all__ = ["Registry"]


class Registry(Versions, Deployments):
    """The system of record, in one folder: `registry.sqlite` and `blobs/`.

    Any number of processes and threads may use the same folder at once; each call is one
    transaction. What a call has returned outlives `kill -9` and a power cut; what it had not
    returned is there as a whole or not at all.
    """

    def __init__(self, storage: Storage) -> None:
        Versions.__init__(self, storage)
        Deployments.__init__(self, storage)

    @classmethod
    def open(cls, folder: Path, grace_s: float = GRACE_S) -> Self:
        """Open the registry in `folder`, making it where there is none.

        Parameters
        ----------
        grace_s
            Leftovers of killed processes and blobs that nothing refers to are removed when
            nobody touched them for this long; see `sweep`.

        Raises
        ------
        StadionError
            UNSUPPORTED when a newer Stadion wrote it; INVALID when it is no registry of ours;
            UNAVAILABLE when the disk fails.
        """
        storage = Storage(Database(folder / "registry.sqlite"), BlobStore(folder / "blobs"))
        with suppress(StadionError):  # a full or read-only disk must not keep readers out
            sweep(storage, grace_s)
        return cls(storage)

    def verify(self) -> Verification:
        """Compare every blob of every version with its digest, and the database with its rules."""
        return verify(self._storage)

    def backup(self, target: Path, extra: Mapping[str, Path] | None = None) -> Manifest:
        """Write the registry, and further folders by name, to one file (a plain tar).

        May run beside writers: the registry is that of one moment. SQLite files in `extra` are
        copied by SQLite, each as of one moment; other files as they are met. A file already at
        `target` is replaced when the new one is whole; killed before that, no file is there that
        looks finished.

        Parameters
        ----------
        extra
            Name -> folder; `restore` must be given a place for each name. A folder that does not
            exist counts as empty; empty folders inside are not kept.

        Returns
        -------
        Manifest
            What is in the backup, with sizes and digests.

        Raises
        ------
        StadionError
            INVALID for a target or folder that cannot be; UNAVAILABLE when a blob is missing or
            damaged, or the disk fails: then there is no backup.
        """
        return write_backup(self._storage, target, extra or {})

    def close(self) -> None:
        """Let go of the database; nothing is held open between calls anyway."""
        self._storage.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
