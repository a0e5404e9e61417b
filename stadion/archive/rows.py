"""The tables of the catalogue: an activity in, its row out, and what a row says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import orm

from stadion.core.activity import Activity
from stadion.core.errors import Code, StadionError

__all__ = [
    "ActivityRow",
    "ActivitySummary",
    "Base",
    "ChannelRow",
    "LabelRow",
    "microseconds",
    "row_of",
    "summary_of",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ActivitySummary:
    """What is known of an activity without reading its streams.

    `labels` are the distinct (kind, label) of its laps.
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


class Base(orm.DeclarativeBase):
    """The tables of the catalogue."""


class ActivityRow(Base):
    """One activity; `start_us` counts microseconds since 1970, `file_digest` is SHA-256."""

    __tablename__ = "activities"

    id: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    athlete: orm.Mapped[str] = orm.mapped_column(index=True)
    sport: orm.Mapped[str] = orm.mapped_column(index=True)
    start_us: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger, index=True)
    duration_s: orm.Mapped[float]
    samples: orm.Mapped[int]
    reader: orm.Mapped[str]
    name: orm.Mapped[str]
    is_partial: orm.Mapped[bool]
    file_digest: orm.Mapped[str]
    channels: orm.Mapped[list[ChannelRow]] = orm.relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="ChannelRow.place"
    )
    labels: orm.Mapped[list[LabelRow]] = orm.relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="LabelRow.place"
    )


def _owner() -> orm.MappedColumn[str]:
    return orm.mapped_column(sa.ForeignKey("activities.id", ondelete="CASCADE"), primary_key=True)


class ChannelRow(Base):
    """One channel of an activity, in its place."""

    __tablename__ = "channels"

    activity_id: orm.Mapped[str] = _owner()
    name: orm.Mapped[str] = orm.mapped_column(primary_key=True, index=True)
    place: orm.Mapped[int]


class LabelRow(Base):
    """One distinct kind and label among the laps of an activity."""

    __tablename__ = "labels"

    activity_id: orm.Mapped[str] = _owner()
    kind: orm.Mapped[str] = orm.mapped_column(primary_key=True, index=True)
    label: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    place: orm.Mapped[int]


def row_of(activity: Activity, file_digest: str) -> ActivityRow:
    """The row of an activity that is not there yet, and of its file."""
    laps = dict.fromkeys((lap.kind, lap.label) for lap in activity.laps)
    return ActivityRow(
        id=activity.id,
        athlete=activity.athlete,
        sport=activity.sport,
        start_us=None if activity.start is None else microseconds(activity.start),
        duration_s=activity.duration_s,
        samples=sum(map(len, activity.tracks)),
        reader=activity.source.reader,
        name=activity.source.name,
        is_partial=activity.source.is_partial,
        file_digest=file_digest,
        channels=[ChannelRow(name=name, place=k) for k, name in enumerate(activity.channels)],
        labels=[LabelRow(kind=kind, label=label, place=k) for k, (kind, label) in enumerate(laps)],
    )


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970; INVALID for a time without a zone."""
    if moment.tzinfo is None:
        raise StadionError(Code.INVALID, f"time is {moment}; expected one with a zone, such as UTC")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def summary_of(row: ActivityRow) -> ActivitySummary:
    """What the row says, apart from its session."""
    return ActivitySummary(
        id=row.id,
        athlete=row.athlete,
        sport=row.sport,
        start=None if row.start_us is None else _EPOCH + timedelta(microseconds=row.start_us),
        duration_s=row.duration_s,
        samples=row.samples,
        channels=tuple(channel.name for channel in row.channels),
        labels=tuple((label.kind, label.label) for label in row.labels),
        reader=row.reader,
        name=row.name,
        is_partial=row.is_partial,
    )
