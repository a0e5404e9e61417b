"""A recording and what its export's table notes of it in, the recording with it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stadion.core.activity import Activity
from stadion.ingest.base import Note, Notes
from stadion.ingest.opening.names import peeled

__all__ = ["annotated"]

_NEAR_S = 30
_VAGUE = ("", "generic", "training")


def annotated(activity: Activity, notes: Sequence[Notes]) -> Activity:
    """What the recording's own file does not say is taken from the first note on it.

    The title is the owner's, who may have changed it in the export: the note's wins.
    """
    note = next((note for each in notes if (note := _note_on(activity, each))), None)
    if note is None:
        return activity
    is_vague = activity.sport in _VAGUE and bool(note.sport)
    return replace(
        activity,
        title=note.title or activity.title,
        sport=note.sport if is_vague else activity.sport,
        sub_sport=note.sub_sport if is_vague else activity.sub_sport,
        start=activity.start or note.start,
    )


def _note_on(activity: Activity, notes: Notes) -> Note | None:
    path = activity.source.name
    if not path.startswith(notes.below):
        return None
    inside = path.removeprefix(notes.below)
    # A file that its server named .gz without packing it keeps the suffix.
    found = notes.by_path.get(inside) or notes.by_path.get(peeled(inside, "gzip"))
    if found is None and notes.by_start and activity.start is not None:
        found = _near(int(activity.start.timestamp()), notes)
    return found


def _near(start: int, notes: Notes) -> Note | None:
    """The note of the nearest start: devices differ by seconds in what they call one."""
    for away in range(_NEAR_S + 1):
        for second in (start + away, start - away):
            if second in notes.by_start:
                return notes.by_start[second]
    return None
