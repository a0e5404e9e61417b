"""An activity in, what the catalogue says of it out: without its streams, with its metrics."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np

from stadion.archive.merging import kind_rank
from stadion.archive.rows import ActivityRow, ChannelRow, LabelRow, microseconds, moment
from stadion.core.activity import Activity
from stadion.core.profile import Profile
from stadion.science.summary import curves_of, summarise
from stadion.science.times import local_date

__all__ = ["ActivitySummary", "Facts", "facts_of", "fill", "summary_of"]

_WORKOUT_CHANNELS = frozenset(
    ("heart_rate", "power", "speed", "distance", "position_lat", "altitude", "cadence", "rr")
)
_LABELLED = frozenset(("activity", "execution"))
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class ActivitySummary:
    """What is known of a workout without reading its streams.

    Parameters
    ----------
    labels
        The distinct (kind, label) of its laps.
    day
        The athlete's own date when it began; None for one without a date.
    elapsed_s, timer_s, moving_s
        From the first to the last record; with the timer on; and in motion. None = unknown.
    repairs, flags
        How many things were mended or lost, and how many stretches are doubtful.
    recordings
        Ids of the recordings that it was made of, the leading one first.
    metrics
        Numbers only; what cannot be told is not there. Names as in `science.summary`.
    """

    id: str
    athlete: str
    sport: str
    start: datetime | None
    duration_s: float
    samples: int
    channels: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    reader: str
    name: str
    is_partial: bool
    sub_sport: str = ""
    title: str = ""
    device: str = ""
    zone: str = ""
    day: date | None = None
    elapsed_s: float | None = None
    timer_s: float | None = None
    moving_s: float | None = None
    distance_m: float | None = None
    repairs: int = 0
    flags: int = 0
    recordings: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the catalogue keeps of one activity; as JSON it may cross processes."""

    id: str
    athlete: str
    sport: str
    start_us: int | None
    end_us: int | None
    duration_s: float
    samples: int
    reader: str
    name: str
    is_partial: bool
    source: str
    can_be_twin: bool
    sub_sport: str
    device: str
    title: str
    zone: str
    day: str
    elapsed_s: float | None
    timer_s: float | None
    moving_s: float | None
    distance_m: float | None
    rank: int
    known_values: int
    repairs: int
    flags: int
    profile: dict[str, float | str]
    metrics: dict[str, float]
    curves: dict[str, list[float | None]]
    channels: list[str]
    labels: list[tuple[str, str]]


def facts_of(activity: Activity, profile: Profile) -> Facts:
    """Everything about an activity that the catalogue keeps.

    Parameters
    ----------
    profile
        What is known of the athlete on that day.
    """
    start_us = None if activity.start is None else microseconds(activity.start)
    metrics, curves = _measured(activity, profile)
    return Facts(
        id=activity.id,
        athlete=activity.athlete,
        sport=activity.sport,
        start_us=start_us,
        end_us=None if start_us is None else start_us + int(activity.duration_s * _US),
        duration_s=activity.duration_s,
        samples=sum(map(len, activity.tracks)),
        reader=activity.source.reader,
        name=activity.source.name,
        is_partial=activity.source.is_partial,
        source=activity.source.digest,
        can_be_twin=activity.start is not None and _is_workout(activity),
        sub_sport=activity.sub_sport,
        device=activity.device,
        title=activity.title,
        zone=activity.zone,
        day=_text(local_date(activity)),
        elapsed_s=metrics.get("elapsed_s"),
        timer_s=metrics.get("timer_s"),
        moving_s=metrics.get("moving_s"),
        distance_m=metrics.get("distance_m"),
        rank=_rank(activity),
        known_values=sum(
            int(np.isfinite(values).sum())
            for t in activity.tracks
            for values in t.channels.values()
        ),
        repairs=sum(repair.count for repair in activity.source.repairs),
        flags=len(activity.flags),
        profile=activity.profile.known,
        metrics=metrics,
        curves=curves,
        channels=list(activity.channels),
        labels=list(dict.fromkeys((lap.kind, lap.label) for lap in activity.laps)),
    )


def fill(row: ActivityRow, facts: Facts, is_own: bool = True) -> None:
    """Write facts into a row, but for its id, file and workout.

    Parameters
    ----------
    is_own
        False for those of a workout of several recordings: what tells the recording's own place
        among them stays.
    """
    for name in _COLUMNS:
        if is_own or name not in _OWN:
            setattr(row, name, getattr(facts, name))
    for name in _TEXTS:
        setattr(row, name, json.dumps(getattr(facts, name)))
    held = [channel.name for channel in row.channels]
    if held != facts.channels:
        row.channels = [ChannelRow(name=name, place=k) for k, name in enumerate(facts.channels)]
    if [(label.kind, label.label) for label in row.labels] != facts.labels:
        row.labels = [
            LabelRow(kind=kind, label=label, place=k)
            for k, (kind, label) in enumerate(facts.labels)
        ]


_TEXTS = ("profile", "metrics", "curves")
_OWN = frozenset(("rank", "known_values", "can_be_twin", "source"))
_APART = {"id", "channels", "labels", *_TEXTS}
_COLUMNS = tuple(name for name in Facts.__dataclass_fields__ if name not in _APART)


def summary_of(row: ActivityRow, recordings: tuple[str, ...]) -> ActivitySummary:
    """What the row says, apart from its session."""
    return ActivitySummary(
        id=row.id,
        athlete=row.athlete,
        sport=row.sport,
        start=None if row.start_us is None else moment(row.start_us),
        duration_s=row.duration_s,
        samples=row.samples,
        channels=tuple(channel.name for channel in row.channels),
        labels=tuple((label.kind, label.label) for label in row.labels),
        reader=row.reader,
        name=row.name,
        is_partial=row.is_partial,
        sub_sport=row.sub_sport,
        title=row.title,
        device=row.device,
        zone=row.zone,
        day=date.fromisoformat(row.day) if row.day else None,
        elapsed_s=row.elapsed_s,
        timer_s=row.timer_s,
        moving_s=row.moving_s,
        distance_m=row.distance_m,
        repairs=row.repairs,
        flags=row.flags,
        recordings=recordings,
        metrics=json.loads(row.metrics),
    )


def _is_workout(activity: Activity) -> bool:
    """Whether it is one athlete's, with what people measure of it: no lab's labelled clip."""
    if not activity.tracks or activity.tracks[0].subject:
        return False
    if any(lap.kind in _LABELLED for lap in activity.laps):
        return False
    return not _WORKOUT_CHANNELS.isdisjoint(activity.channels)


def _measured(
    activity: Activity, profile: Profile
) -> tuple[dict[str, float], dict[str, list[float | None]]]:
    """Metrics, and best means per duration; nothing of what is no workout."""
    if not _is_workout(activity):
        return {}, {}
    metrics = {name: round(value, 6) for name, value in summarise(activity, profile).items()}
    curves = {
        name: [_finite(round(float(value), 4)) for value in values]
        for name, values in curves_of(activity).items()
    }
    return metrics, curves


def _rank(activity: Activity) -> int:
    """Which recording leads, the lowest first: by kind of file, a known device, a known sport."""
    is_vague = activity.sport in ("", "generic", "other")
    return 4 * kind_rank(activity.source.reader) + 2 * (not activity.device) + is_vague


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""
