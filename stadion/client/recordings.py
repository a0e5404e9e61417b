"""The platform's verbs about recordings, on a running server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from stadion.client.wire import View, Wire, quoted, read_file
from stadion.core.errors import Code, StadionError

__all__ = ["Recordings"]


class Recordings(Wire):
    """Files in, activities and tables kept there."""

    def ingest(
        self,
        paths: Iterable[str | Path],
        athlete: str = "",
        progress: Callable[[str], None] | None = None,
    ) -> View:
        """Upload files, and the files of folders, one by one."""
        total: View = {"added": [], "known": 0, "tables": 0, "refused": [], "repairs": []}
        for file in _files(paths):
            if progress:
                progress(str(file))
            query = {"name": file.name, "athlete": athlete}
            report = self._call("POST", "activities", query, read_file(file))
            for key in total:
                total[key] += report[key]
        return total

    def activities(
        self,
        athlete: str | None = None,
        sport: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> list[View]:
        """Recordings in the archive, by time."""
        query = {
            "athlete": athlete,
            "sport": sport,
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "limit": limit,
        }
        return list(self._call("GET", "activities", query))

    def activity(self, id: str) -> View:
        """One recording without its samples."""
        return self._view("GET", f"activities/{quoted(id)}")

    def streams(self, id: str, channels: Sequence[str] | None = None) -> list[View]:
        """Samples of one recording per track; null = missing."""
        query = {"channels": ",".join(channels) if channels else None}
        return list(self._call("GET", f"activities/{quoted(id)}/streams", query))

    def erase(self, id: str) -> View:
        """Remove one recording from the archive."""
        return self._view("DELETE", f"activities/{quoted(id)}")

    def tables(self) -> list[View]:
        """Tables in the archive: matches, strokes, days, sessions."""
        return list(self._call("GET", "tables"))


def _files(paths: Iterable[str | Path]) -> Iterable[Path]:
    for path in map(Path, paths):
        if not path.exists():
            raise StadionError(Code.NOT_FOUND, f"there is no file or folder {str(path)!r}")
        yield from sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
