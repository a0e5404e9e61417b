"""Drafts of recordings in, kept ones out: files first, then their rows in one commit."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from stadion.archive.catalogue import Catalogue
from stadion.archive.disk import disk_error, sync_files, sync_folder
from stadion.archive.profiles import mark_stale, profile_on
from stadion.archive.rows import ActivityRow
from stadion.archive.streams import read_activity, read_tracks, write_activity
from stadion.archive.summary import Facts, facts_of, fill
from stadion.archive.workouts import Workouts
from stadion.core.activity import Activity, Track
from stadion.core.profile import Profile

__all__ = ["Draft", "Outcome", "Shelf", "take", "workouts_of"]

_ORPHAN_AGE_S = 600


@dataclass(frozen=True, slots=True)
class Draft:
    """A recording whose file is written under a passing name; as JSON it may cross processes.

    Parameters
    ----------
    file
        Name among the archive's streams.
    digest
        SHA-256 of that file.
    is_synced
        Whether the file is seen on the disk.
    known
        What was known of the athlete when the facts were measured.
    """

    id: str
    file: str
    digest: str
    is_synced: bool
    known: dict[str, float | str]
    facts: Facts


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recording.

    Parameters
    ----------
    workout
        The id under which it is found: its own, or that of the recording that leads.
    twin_of
        The id that the workout had to which it was joined; empty for one that stands for itself.
    """

    id: str
    workout: str
    is_new: bool
    twin_of: str = ""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folder of the recordings' files."""

    folder: Path

    def path(self, recording: str) -> Path:
        """Where a recording's file is."""
        return self.folder / f"{recording}.parquet"

    def draft(self, activity: Activity, profile: Profile, sync: bool) -> Draft:
        """Write a recording's file under a passing name."""
        path = self.folder / f"{uuid.uuid4().hex}.tmp"
        try:
            digest = write_activity(path, activity, sync)
        except OSError as error:
            raise disk_error(error) from error
        facts = facts_of(activity, profile)
        return Draft(activity.id, path.name, digest, sync, profile.known, facts)

    def read(self, recording: str, digest: str) -> Activity:
        """A recording as it was written; FileNotFoundError when its file is not there."""
        return read_activity(self.path(recording), digest)

    def tracks(self, recording: str, channels: Sequence[str]) -> tuple[Track, ...]:
        """Some channels of a recording."""
        return read_tracks(self.path(recording), channels)

    def discard(self, drafts: Iterable[Draft]) -> None:
        """Remove what nobody took."""
        for draft in drafts:
            with suppress(OSError):
                (self.folder / draft.file).unlink(missing_ok=True)

    def remove(self, files: Iterable[Path]) -> None:
        """Remove files and see them gone from the disk."""
        try:
            for file in files:
                file.unlink(missing_ok=True)
            sync_folder(self.folder)
        except OSError as error:
            raise disk_error(error) from error

    def sweep(self, catalogue: Catalogue) -> None:
        """Remove files nobody refers to; young ones may belong to somebody at work."""
        files = list(self.folder.iterdir())
        if len(files) == catalogue.count():
            return
        with catalogue.writing() as session:
            ids = catalogue.ids(session)
            limit = time.time() - _ORPHAN_AGE_S
            orphans = [f for f in files if f.suffix == ".tmp" or f.stem not in ids]
            self.remove([file for file in orphans if _age_mark(file) < limit])


def take(catalogue: Catalogue, shelf: Shelf, drafts: Iterable[Draft]) -> list[Outcome]:
    """Give the files their names, then commit their rows, joined to their twins.

    Returns
    -------
    One outcome for each draft; False for `is_new` where somebody else was faster.
    """
    todo = list(drafts)
    if not todo:
        return []
    try:
        sync_files(shelf.folder / draft.file for draft in todo if not draft.is_synced)
        with catalogue.writing() as session:
            known = catalogue.known([draft.id for draft in todo], session)
            new = [draft for draft in todo if draft.id not in known]
            for draft in new:
                (shelf.folder / draft.file).replace(shelf.path(draft.id))
            if new:
                sync_folder(shelf.folder)
            before = {draft.id: _profile(session, draft) for draft in new if draft.facts.profile}
            rows = {draft.id: _row(draft) for draft in new}
            session.add_all(rows.values())
            session.flush()
            _check_metrics(session, new, rows, before)
            workouts = workouts_of(catalogue, shelf, session)
            pending = list(rows)
            twin_of = {}
            for draft in new:
                pending.remove(draft.id)
                twin_of[draft.id] = workouts.recognise(rows[draft.id], pending)
            return [_outcome(session, draft, rows, twin_of) for draft in todo]
    except OSError as error:
        raise disk_error(error) from error


def workouts_of(catalogue: Catalogue, shelf: Shelf, session: orm.Session) -> Workouts:
    """The workouts of a writing session, which read their recordings from the shelf."""
    row = ActivityRow

    def read(recording: str) -> Activity:
        digest = session.scalar(sa.select(row.file_digest).where(row.id == recording))
        return shelf.read(recording, digest or "")

    return Workouts(catalogue, session, read)


def _row(draft: Draft) -> ActivityRow:
    row = ActivityRow(
        id=draft.id, file_digest=draft.digest, workout=draft.id, correction_s=0.0, is_stale=False
    )
    fill(row, draft.facts)
    return row


def _profile(session: orm.Session, draft: Draft) -> Profile:
    day = date.fromisoformat(draft.facts.day) if draft.facts.day else None
    return profile_on(session, draft.facts.athlete, day)


def _check_metrics(
    session: orm.Session,
    drafts: Sequence[Draft],
    rows: dict[str, ActivityRow],
    before: dict[str, Profile],
) -> None:
    """Mark what was measured with another profile than is known now."""
    for draft in drafts:
        own, day = Profile(**draft.facts.profile), draft.facts.day  # type: ignore[arg-type]
        if day and draft.id in before and before[draft.id].updated(own) != before[draft.id]:
            mark_stale(session, draft.facts.athlete, date.fromisoformat(day))
    for draft in drafts:
        is_measured = bool(draft.facts.metrics)
        rows[draft.id].is_stale = is_measured and _profile(session, draft).known != draft.known


def _outcome(
    session: orm.Session, draft: Draft, rows: dict[str, ActivityRow], twin_of: dict[str, str]
) -> Outcome:
    row: Any = rows.get(draft.id) or session.get(ActivityRow, draft.id)
    return Outcome(draft.id, row.workout, draft.id in rows, twin_of.get(draft.id, ""))


def _age_mark(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return float("inf")
