"""The platform's verbs about recordings: taken in, listed, looked at, erased."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from stadion.platform.rooms import Rooms, existing
from stadion.platform.views import activity_view, plain, track_view

__all__ = ["Recordings"]

View = dict[str, Any]


class Recordings(Rooms):
    """Files in, activities and tables kept."""

    def ingest(
        self,
        paths: Iterable[str | Path],
        athlete: str = "",
        progress: Callable[[str], None] | None = None,
    ) -> View:
        """Read files, folders and archives into the archive; nothing is taken twice."""
        from stadion.ingest import open_path
        from stadion.platform.keeping import keep, nothing_yet

        report = nothing_yet()
        for path in paths:
            if progress:
                progress(str(path))
            opened = open_path(existing(path), self._readers, athlete)
            keep(opened, self._archive, self._kept_tables, report)
        return report

    def ingest_bytes(self, data: bytes, name: str, athlete: str = "") -> View:
        """The same for one file that came over a wire."""
        from stadion.ingest import open_bytes
        from stadion.platform.keeping import keep, nothing_yet

        report = nothing_yet()
        opened = open_bytes(data, name, self._readers, athlete)
        keep(opened, self._archive, self._kept_tables, report)
        return report

    def activities(
        self,
        athlete: str | None = None,
        sport: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> list[View]:
        """Recordings in the archive, by time."""
        found = self._archive.find(
            athlete=athlete, sport=sport, since=since, until=until, limit=limit
        )
        return [plain(summary) for summary in found]

    def activity(self, id: str) -> View:
        """One recording without its samples; a unique beginning of the id is enough."""
        return activity_view(self._archive.get(id))

    def streams(self, id: str, channels: Sequence[str] | None = None) -> list[View]:
        """Samples of one recording: per track time_s and channels, null = missing."""
        archive = self._archive
        tracks = archive.streams(id, channels) if channels else archive.get(id).tracks
        return [track_view(track) for track in tracks]

    def erase(self, id: str) -> View:
        """Remove one recording from the archive, or the table of that whole id."""
        if not self._kept_tables.erase(id):
            self._archive.erase(id)
        return {"erased": id}

    def tables(self) -> list[View]:
        """Tables in the archive: matches, strokes, days, sessions."""
        return [plain(summary) for summary in self._kept_tables.find()]
