"""Activities in, kept on disk once each; found, read whole or by channel, and erased."""

from __future__ import annotations

import itertools
import re
import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from stadion.archive.catalogue import Catalogue, Question
from stadion.archive.disk import disk_error, sync_folder
from stadion.archive.rows import ActivitySummary
from stadion.archive.streams import read_activity, read_tracks, write_activity
from stadion.core.activity import Activity, Track
from stadion.core.errors import Code, StadionError

__all__ = ["ActivitySummary", "Archive"]

_ORPHAN_AGE_S = 600
_BATCH = 64
_ID = re.compile(r"[0-9a-f]{1,128}")


class Archive:
    """A folder of activities: a catalogue, and one Parquet file each.

    Safe for several processes. A file is on the disk under its name before its row is
    committed, and a row is struck out before its file goes: a kill leaves at most a file
    nobody refers to, which a later `open` removes.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> archive = Archive.open(Path(mkdtemp()))
    >>> len(archive), archive.find(sport="running")
    (0, [])
    """

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self._folder = folder
        self._catalogue = catalogue

    @classmethod
    def open(cls, folder: Path) -> Archive:
        """The archive in a folder, made where there is none."""
        try:
            (folder / "streams").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(error) from error
        archive = cls(folder, Catalogue(folder / "catalogue.sqlite"))
        archive._catalogue.create()
        archive._sweep()
        return archive

    def __len__(self) -> int:
        return self._catalogue.count()

    def add(self, activity: Activity) -> bool:
        """Keep an activity; False when one of the same content is there already."""
        return self.add_all([activity])[0]

    def add_all(self, activities: Iterable[Activity]) -> list[bool]:
        """As `add` for each, with one commit for every 64: much faster for many small ones."""
        added: list[bool] = []
        todo = iter(activities)
        while batch := list(itertools.islice(todo, _BATCH)):
            added += self._add_batch(batch)
        return added

    def get(self, activity_id: str) -> Activity:
        """The activity of that id, or of the one id that begins so, equal to what was added.

        Raises
        ------
        StadionError
            NOT_FOUND; CONFLICT when several ids begin so; INTERNAL when its file is damaged.
        """
        full = self._resolved(activity_id)
        digest = self._catalogue.file_digest(full)
        try:
            return read_activity(self._path(full), digest or "")
        except FileNotFoundError:
            raise self._gone(full) from None

    def streams(self, activity_id: str, channels: Sequence[str]) -> tuple[Track, ...]:
        """The tracks that hold one of the channels, with those channels only.

        Raises
        ------
        StadionError
            As `get`; INVALID when no track has any of the channels.
        """
        full = self._resolved(activity_id)
        try:
            tracks = read_tracks(self._path(full), channels)
        except FileNotFoundError:
            raise self._gone(full) from None
        if not tracks:
            raise StadionError(
                Code.INVALID, f"activity {full[:12]} has none of the channels {list(channels)}"
            )
        return tracks

    def find(
        self,
        athlete: str | None = None,
        sport: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        channel: str | None = None,
        label_kind: str | None = None,
        limit: int | None = None,
    ) -> list[ActivitySummary]:
        """Activities that match all that is given, in the order of their start.

        Parameters
        ----------
        since, until
            Start from `since` on and before `until`; with a zone. Undated activities then
            do not match, else they come last.
        label_kind
            Kind of a lap: `activity` finds those that somebody labelled.
        """
        question = Question(athlete, sport, since, until, channel, label_kind, limit)
        return self._catalogue.find(question)

    def erase(self, activity_id: str) -> None:
        """Forget an activity: its row first, then its file; NOT_FOUND when there is none."""
        full = self._resolved(activity_id)
        with self._catalogue.writing() as session:
            if not self._catalogue.delete(full, session):
                raise StadionError(Code.NOT_FOUND, f"there is no activity {full[:12]!r}")
        # Somebody may have added it again meanwhile: its file goes only while no row has it.
        with self._catalogue.writing() as session:
            if not self._catalogue.known([full], session):
                self._remove([self._path(full)])

    def _add_batch(self, batch: Sequence[Activity]) -> list[bool]:
        for activity in batch:
            if not _ID.fullmatch(activity.id):
                raise StadionError(
                    Code.INVALID, f"activity id is {activity.id[:80]!r}; expected a hex digest"
                )
        known = self._catalogue.known([activity.id for activity in batch])
        written: dict[str, Path] = {}
        digests: dict[str, str] = {}
        try:
            for activity in batch:
                if activity.id not in known and activity.id not in written:
                    path = self._folder / "streams" / f"{uuid.uuid4().hex}.tmp"
                    written[activity.id] = path
                    digests[activity.id] = write_activity(path, activity)
            new = self._commit(batch, written, digests)
        except OSError as error:
            raise disk_error(error) from error
        finally:
            for path in written.values():
                with suppress(OSError):
                    path.unlink(missing_ok=True)
        first = {activity.id: k for k, activity in reversed(list(enumerate(batch)))}
        return [activity.id in new and first[activity.id] == k for k, activity in enumerate(batch)]

    def _commit(
        self, batch: Sequence[Activity], written: dict[str, Path], digests: dict[str, str]
    ) -> set[str]:
        """Give the files their names, then commit their rows; the ids that are new."""
        if not written:
            return set()
        with self._catalogue.writing() as session:
            new = written.keys() - self._catalogue.known(list(written), session)
            for activity_id in new:
                written[activity_id].replace(self._path(activity_id))
            sync_folder(self._folder / "streams")
            inserted: set[str] = set()
            for activity in batch:
                if activity.id in new and activity.id not in inserted:
                    inserted.add(activity.id)
                    self._catalogue.insert(activity, digests[activity.id], session)
        return inserted

    def _sweep(self) -> None:
        """Remove files nobody refers to; young ones may belong to somebody at work."""
        files = list((self._folder / "streams").iterdir())
        if len(files) == len(self):
            return
        with self._catalogue.writing() as session:
            ids = self._catalogue.ids(session)
            limit = time.time() - _ORPHAN_AGE_S
            orphans = [f for f in files if f.suffix == ".tmp" or f.stem not in ids]
            self._remove([file for file in orphans if _age_mark(file) < limit])

    def _remove(self, files: Iterable[Path]) -> None:
        try:
            for file in files:
                file.unlink(missing_ok=True)
            sync_folder(self._folder / "streams")
        except OSError as error:
            raise disk_error(error) from error

    def _path(self, activity_id: str) -> Path:
        return self._folder / "streams" / f"{activity_id}.parquet"

    def _resolved(self, activity_id: str) -> str:
        if not _ID.fullmatch(activity_id):
            raise StadionError(
                Code.NOT_FOUND, f"there is no activity {activity_id[:80]!r}; expected a hex id"
            )
        return self._catalogue.resolve(activity_id)

    def _gone(self, activity_id: str) -> StadionError:
        if self._catalogue.known([activity_id]):
            return StadionError(
                Code.INTERNAL,
                f"the file of activity {activity_id[:12]} is missing",
                "erase it and ingest its file again",
            )
        return StadionError(Code.NOT_FOUND, f"there is no activity {activity_id[:12]!r}")


def _age_mark(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return float("inf")
