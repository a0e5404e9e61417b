"""A home folder in, its rooms out, each opened when it is first needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadion.core.activity import Recording
from stadion.core.errors import Code, StadionError
from stadion.core.names import parse_reference
from stadion.core.plugins import Cupboard
from stadion.core.settings import Home
from stadion.platform.reading import readers, tasks

if TYPE_CHECKING:
    from stadion.archive import Archive, Tables
    from stadion.core.package import Version
    from stadion.platform.deploying import Rollout
    from stadion.platform.jobs import Jobs
    from stadion.registry import Registry

__all__ = ["Rooms", "existing", "read_file"]


@dataclass(frozen=True)
class Rooms:
    """What every step of the platform stands on."""

    home: Home

    @cached_property
    def jobs(self) -> Jobs:
        """Trainings that run in the background."""
        from stadion.platform.jobs import Jobs

        return Jobs(self.home, Cupboard("stadion.engines", self.home.plugins))

    @cached_property
    def _readers(self) -> Any:
        return readers(self.home.plugins)

    @cached_property
    def _tasks(self) -> Any:
        return tasks(self.home.plugins)

    @cached_property
    def _learners(self) -> Any:
        return Cupboard("stadion.train", self.home.plugins)

    @cached_property
    def _archive(self) -> Archive:
        from stadion.archive import Archive

        return Archive.open(self.home.archive)

    @cached_property
    def _kept_tables(self) -> Tables:
        from stadion.archive import Tables

        return Tables(self.home.archive / "tables")

    @cached_property
    def _registry(self) -> Registry:
        from stadion.registry import Registry

        return Registry.open(self.home.registry)

    @cached_property
    def _rollout(self) -> Rollout:
        from stadion.platform.deploying import Rollout
        from stadion.serve.plane_client import PlaneClient

        return Rollout(self._registry, PlaneClient(self.home.sockets / "plane.sock"))

    def _version(self, reference: str) -> Version:
        return self._registry.version(reference)

    def _answering(self, reference: str) -> Version:
        wanted = parse_reference(reference)
        current = self._rollout.current(wanted.model)
        if wanted.number is None and wanted.alias is None and current is not None:
            return self._version(f"{wanted.model}:{current.primary}")
        return self._version(reference)

    def _recordings(self, data: str | Path | bytes | None) -> list[Recording]:
        from stadion.ingest import open_bytes, open_path

        if isinstance(data, bytes):
            return open_bytes(data, "", self._readers).recordings
        if data is not None:
            return open_path(existing(data), self._readers).recordings
        from stadion.platform.keeping import everything_kept

        return everything_kept(self._archive, self._kept_tables)


def existing(path: str | Path) -> Path:
    """The path of something that is there; NOT_FOUND otherwise."""
    found = Path(path).expanduser()
    if not found.exists():
        raise StadionError(Code.NOT_FOUND, f"there is no file or folder {str(path)!r}")
    return found


def read_file(path: Path) -> bytes:
    """All bytes of one file; INVALID for a folder, NOT_FOUND where it cannot be read."""
    if path.is_dir():
        raise StadionError(Code.INVALID, f"{path.name!r} is a folder; expected one file")
    try:
        return path.read_bytes()
    except OSError as error:
        raise StadionError(
            Code.NOT_FOUND, f"cannot read {path.name!r}: {error.strerror}"
        ) from error
