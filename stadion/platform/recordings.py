"""The platform's verbs about recordings: taken in, listed, looked at, changed, erased."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from stadion.core.activity import Track
from stadion.core.errors import Code, StadionError
from stadion.platform.athletes import inside, new_name
from stadion.platform.rooms import Rooms, existing, read_file
from stadion.platform.views import plain

__all__ = ["Recordings"]

View = dict[str, Any]
Progress = Callable[[str, int, int], None]


class Recordings(Rooms):
    """Files in, activities and tables kept."""

    def ingest(
        self,
        paths: Iterable[str | Path],
        athlete: str = "",
        progress: Progress | None = None,
        *,
        workers: int | None = None,
        mapping: Sequence[str] = (),
    ) -> View:
        """Read files, folders and archives into the archive; nothing is taken twice.

        Parameters
        ----------
        athlete
            Pseudonym for recordings whose file does not say whose they are.
        progress
            Called with the name of what was read, how much is done, and of how much.
        workers
            Processes that read; None = one a core, none for a few files.
        mapping
            What columns of tables are, such as "Puls=heart_rate" or "v=speed[km/h]".

        Returns
        -------
        `files` says what became of every file: added, known, twin, table or refused, why, and
        what was repaired; the other keys add that up.
        """
        from stadion.platform.ingesting import ingest, ingest_stated

        found = [existing(path) for path in paths]
        rooms = (self._readers, self._archive, self._kept_tables, new_name(athlete))
        if mapping:
            return ingest_stated(found, mapping, *rooms)
        return ingest(found, self.home, *rooms, workers, progress)

    def guess(self, file: str | Path) -> View:
        """How a table would be read when nobody states its columns; nothing is kept."""
        from stadion.ingest.tabular.guess import guess

        view: View = plain(guess(read_file(existing(file))))
        for column in view["columns"]:
            column["value"] = column["value"] if math.isfinite(column["value"]) else None
        return view

    def activities(
        self,
        athlete: str | None = None,
        sport: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        after: str | None = None,
        newest_first: bool = False,
    ) -> list[View]:
        """Workouts in the archive, by time; several recordings of one workout are one.

        `after` is the id of the last one of the page before.
        """
        from stadion.platform.recording_views import listed_view

        found = self._archive.find(
            athlete=None if athlete is None else inside(athlete),
            sport=sport,
            since=since,
            until=until,
            limit=limit,
            after=after,
            is_newest_first=newest_first,
        )
        return [listed_view(summary) for summary in found]

    def activity(self, id: str) -> View:
        """One workout: summary, laps, zones, quality; a unique beginning of the id is enough."""
        from stadion.platform.recording_views import activity_view
        from stadion.science.summary import summarise, zones_of
        from stadion.science.times import local_date

        archive = self._archive
        activity = archive.get(id)
        profile = archive.profiles.on(activity.athlete, local_date(activity))
        return activity_view(
            activity,
            summarise(activity, profile),
            zones_of(activity, profile),
            archive.recordings(activity.id),
        )

    def streams(
        self,
        id: str,
        channels: Sequence[str] | None = None,
        every_s: float | None = None,
        points: int | None = None,
        max_gap_s: float = 30.0,
    ) -> list[View]:
        """Samples of one workout: per track time_s and channels, null = missing.

        Parameters
        ----------
        every_s
            One value per so many seconds; no gap of over `max_gap_s` is bridged.
        points
            At most so many real samples a track, the extremes among them, for a picture.
        """
        from stadion.platform.recording_views import track_view

        return [
            track_view(track) for track in self._tracks(id, channels, every_s, points, max_gap_s)
        ]

    def streams_as(
        self,
        form: str,
        id: str,
        channels: Sequence[str] | None = None,
        every_s: float | None = None,
        points: int | None = None,
        max_gap_s: float = 30.0,
    ) -> bytes:
        """The same as `csv` or as an `arrow` stream."""
        from stadion.platform.encoding import tracks_as

        return tracks_as(self._tracks(id, channels, every_s, points, max_gap_s), form)

    def export(self, id: str, kind: str = "json") -> bytes:
        """A whole workout as a file for other programs: parquet, csv, gpx or json."""
        from stadion.archive.exporting import export

        return export(self._archive.get(id), kind)

    def edit(self, id: str, changes: Mapping[str, Any], who: str = "") -> View:
        """Change title, sport, sub_sport, athlete or laps; what the file says is kept."""
        from stadion.platform.recording_views import listed_view

        said = dict(changes)
        for name, checked in _CHECKED.items():
            if isinstance(said.get(name), str):
                said[name] = checked(name, said[name])
        return listed_view(self._archive.edit(id, said, who))

    def history(self, id: str) -> list[View]:
        """What was changed by hand, joined and taken apart, the oldest first."""
        return [plain(change) for change in self._archive.history(id)]

    def part(self, id: str, who: str = "") -> View:
        """Take a recording out of the workout it was joined to, for good."""
        self._archive.part(id, who)
        return {"parted": id}

    def join(self, ids: Sequence[str], who: str = "") -> View:
        """Make one workout of several recordings, whatever was thought of them."""
        return self.activity(self._archive.join(ids, who))

    def recognise(self) -> View:
        """Join what is one workout among all that is kept: for an archive of an earlier Stadion."""
        return {"joined": self._archive.recognise()}

    def erase(self, id: str) -> View:
        """Remove a workout with all its recordings, or the table of that whole id."""
        if not self._kept_tables.erase(id):
            self._archive.erase(id)
        return {"erased": id}

    def tables(self) -> list[View]:
        """Tables in the archive: matches, strokes, days, sessions."""
        return [plain(summary) for summary in self._kept_tables.find()]

    def _tracks(
        self,
        id: str,
        channels: Sequence[str] | None,
        every_s: float | None,
        points: int | None,
        max_gap_s: float,
    ) -> Sequence[Track]:
        return self._archive.streams(
            id, channels or (), every_s=every_s, points=points, max_gap_s=max_gap_s
        )


def _sport(name: str, text: str) -> str:
    """A sport as all others are written: small letters, _ for a blank."""
    word = "_".join(text.lower().replace("-", " ").split())
    if word and not word.replace("_", "").isalnum():
        raise StadionError(
            Code.INVALID, f"{name} is {text[:64]!r}; expected a word such as cycling or trail"
        )
    return word


_CHECKED: Mapping[str, Callable[[str, str], str]] = {
    "sport": _sport,
    "sub_sport": _sport,
    "athlete": lambda _name, text: new_name(text),
}
