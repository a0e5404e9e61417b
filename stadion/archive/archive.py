"""Recordings in, kept on disk once each and found again as workouts; edited, joined, erased."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

from stadion.archive.catalogue import Catalogue, Question
from stadion.archive.changing import ID, Changing
from stadion.archive.disk import disk_error
from stadion.archive.history import Change
from stadion.archive.intake import Draft, Outcome, Shelf, take
from stadion.archive.loads import DailyLoads, best_curve, daily_loads
from stadion.archive.profiles import Profiles, profile_on
from stadion.archive.resampling import Sampling, sampled
from stadion.archive.summary import ActivitySummary
from stadion.archive.workouts import merged_activity
from stadion.core.activity import Activity, Track
from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.science.times import local_date

__all__ = ["ActivitySummary", "Archive", "Change", "DailyLoads", "Draft", "Outcome"]

_BATCH = 64


class Archive(Changing):
    """A folder of recordings: a catalogue, and one Parquet file each.

    What people see are workouts: recordings of one workout (two devices, or two formats of one
    file) are recognised and read as one, by the id of the leading one; the others' ids lead
    there too. The recordings themselves stay as they were read.

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

    @classmethod
    def open(cls, folder: Path) -> Archive:
        """The archive in a folder, made where there is none."""
        try:
            (folder / "streams").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(error) from error
        archive = cls(Catalogue(folder / "catalogue.sqlite"), Shelf(folder / "streams"))
        archive._catalogue.create()
        archive._shelf.sweep(archive._catalogue)
        return archive

    def __len__(self) -> int:
        return self.count()

    # --- recordings in

    def add(self, activity: Activity) -> bool:
        """Keep a recording; False when one of the same content is there already."""
        return self.add_all([activity])[0]

    def add_all(self, activities: Iterable[Activity]) -> list[bool]:
        """As `add` for each, with one commit for every 64: much faster for many small ones."""
        return [outcome.is_new for outcome in self.take_all(activities)]

    def take_all(self, activities: Iterable[Activity]) -> list[Outcome]:
        """As `add_all`, and what became of each: known before, a twin of another, or new."""
        outcomes: list[Outcome] = []
        todo = iter(activities)
        while batch := list(itertools.islice(todo, _BATCH)):
            drafts = [draft for draft in self.drafts(batch) if draft is not None]
            try:
                outcomes += self._told(batch, take(self._catalogue, self._shelf, drafts))
            finally:
                self._shelf.discard(drafts)
        return outcomes

    def draft(self, activity: Activity, sync: bool = True) -> Draft:
        """Write a recording's file, and all that the catalogue will say of it; keep nothing yet.

        Any process may do so; `take` keeps it. A draft that nobody takes is swept away later.

        Parameters
        ----------
        sync
            False leaves it to `take` to see the file on the disk.
        """
        (draft,) = self.drafts([activity], sync)
        if draft is None:
            raise StadionError(Code.CONFLICT, f"activity {activity.id[:12]} is there already")
        return draft

    def drafts(self, activities: Sequence[Activity], sync: bool = True) -> list[Draft | None]:
        """As `draft` for each, None for what is there already or came before in the same list."""
        for activity in activities:
            _checked_id(activity.id)
        with self._catalogue.reading() as session:
            known = self._catalogue.known([activity.id for activity in activities], session)
            new = {a.id: k for k, a in reversed(list(enumerate(activities))) if a.id not in known}
            profiles = {
                k: profile_on(session, a.athlete, local_date(a), a.profile)
                for k, a in enumerate(activities)
                if new.get(a.id) == k
            }
        return [
            self._shelf.draft(activity, profiles[k], sync) if k in profiles else None
            for k, activity in enumerate(activities)
        ]

    def take(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Keep drafts in one commit: all of them or, when it fails, none."""
        return take(self._catalogue, self._shelf, drafts)

    def leads(self, ids: Sequence[str]) -> dict[str, str]:
        """Recording -> the id of its workout, of those that are there."""
        return self._catalogue.leads(ids)

    # --- workouts out

    def recording(self, activity_id: str) -> Activity:
        """One recording as it was added, whatever workout it is part of and was changed since."""
        full = self._resolved(activity_id)
        rows, _ = self._rows(full)
        try:
            return self._reader(rows)(full)
        except FileNotFoundError:
            raise self._gone(full) from None

    def recordings(self, activity_id: str) -> list[str]:
        """Ids of the recordings of a workout, the leading one first."""
        return [row.id for row in self._rows(activity_id)[0]]

    def streams(
        self,
        activity_id: str,
        channels: Sequence[str] = (),
        *,
        every_s: float | None = None,
        points: int | None = None,
        max_gap_s: float = 30.0,
    ) -> tuple[Track, ...]:
        """The tracks that hold one of the channels, with those channels only; none = all.

        Parameters
        ----------
        every_s
            One value per so many seconds: linear between samples, NaN in gaps over `max_gap_s`.
        points
            At most so many rows, real samples each: extremes are kept, for a picture.

        Raises
        ------
        StadionError
            As `get`; INVALID when no track has any of the channels, or for both ways at once.
        """
        sampling = Sampling(every_s, points, max_gap_s)
        rows, _ = self._rows(activity_id)
        try:
            if len(rows) == 1 and channels:
                tracks = self._shelf.tracks(rows[0].id, channels)
            else:
                tracks = _holding(merged_activity(rows, self._reader(rows), {}).tracks, channels)
        except FileNotFoundError:
            raise self._gone(rows[0].id) from None
        if not tracks and channels:
            raise StadionError(
                Code.INVALID,
                f"activity {rows[0].id[:12]} has none of the channels {list(channels)}",
            )
        return tuple(sampled(track, sampling) for track in tracks)

    def find(
        self,
        athlete: str | None = None,
        sport: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        channel: str | None = None,
        label_kind: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        is_newest_first: bool = False,
        is_fresh: bool = True,
    ) -> list[ActivitySummary]:
        """Workouts that match all that is given, in the order of their start.

        Parameters
        ----------
        since, until
            Start from `since` on and before `until`; with a zone. Undated activities then
            do not match, else they come last.
        label_kind
            Kind of a lap: `activity` finds those that somebody labelled.
        limit, after
            At most so many, behind the one with that id: a page.
        is_fresh
            False does not measure again what a change of a profile made stale.
        """
        last = None if after is None else self.recordings(after)[0]
        question = Question(
            athlete, sport, since, until, channel, label_kind, limit, last, is_newest_first
        )
        found, stale = self._catalogue.find(question)
        if stale and is_fresh and self.freshen(stale):
            found, _ = self._catalogue.find(question)
        return found

    def count(
        self,
        athlete: str | None = None,
        sport: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        """How many workouts match all that is given."""
        return self._catalogue.how_many(Question(athlete, sport, since, until))

    def daily_loads(
        self,
        athlete: str,
        since: date | None = None,
        until: date | None = None,
        metric: str = "load",
    ) -> DailyLoads:
        """Sums of a metric per local day, every day from the first to the last.

        Parameters
        ----------
        since, until
            First and last day, both included; None = those of the first and last workout.
        """
        self._freshen_all(athlete)
        return daily_loads(self._catalogue, athlete, since, until, metric)

    def best_curve(
        self,
        athlete: str,
        since: date | None = None,
        until: date | None = None,
        channel: str = "power",
        sport: str | None = None,
    ) -> FloatArray:
        """(k,) best means on `science.curve.DURATIONS_S` over days, both ends included.

        NaN where nobody held it that long.
        """
        self._freshen_all(athlete)
        return best_curve(self._catalogue, athlete, since, until, channel, sport)

    @property
    def profiles(self) -> Profiles:
        """What is known of the athletes, dated."""
        return Profiles(self._catalogue)

    def _told(self, batch: Sequence[Activity], taken: Sequence[Outcome]) -> list[Outcome]:
        """An outcome for each, in order; of what comes twice, the first one is new."""
        if len(taken) == len(batch):
            return list(taken)
        new: dict[str, Outcome | None] = {outcome.id: outcome for outcome in taken}
        leads = self._catalogue.leads([activity.id for activity in batch])
        return [
            new.pop(a.id, None) or Outcome(a.id, leads.get(a.id, a.id), is_new=False) for a in batch
        ]


def _checked_id(activity_id: str) -> None:
    if not ID.fullmatch(activity_id):
        raise StadionError(
            Code.INVALID, f"activity id is {activity_id[:80]!r}; expected a hex digest"
        )


def _holding(tracks: Iterable[Track], channels: Sequence[str]) -> tuple[Track, ...]:
    """Tracks with one of the channels, and those only; all of all for none."""
    if not channels:
        return tuple(tracks)
    held = [
        Track(t.subject, t.time_s, {n: v for n, v in t.channels.items() if n in channels})
        for t in tracks
    ]
    return tuple(track for track in held if track.channels)
