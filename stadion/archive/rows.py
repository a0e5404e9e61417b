"""The tables of the catalogue, as rows of SQLite."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import orm

from stadion.core.errors import Code, StadionError

__all__ = [
    "ActivityRow",
    "ApartRow",
    "Base",
    "ChannelRow",
    "EditRow",
    "LabelRow",
    "ProfileRow",
    "microseconds",
    "moment",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Base(orm.DeclarativeBase):
    """The tables of the catalogue."""


class ActivityRow(Base):
    """One recording. Of those that are one workout, the leading one's row tells the workout.

    `start_us` and `end_us` count microseconds since 1970; `file_digest` is SHA-256; `workout` is
    the id of the leading recording, its own where there is no twin. All other columns can be
    made anew from the files, the edits and the profiles.
    """

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
    # Since schema 2.
    workout: orm.Mapped[str] = orm.mapped_column(index=True, server_default="")
    end_us: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger, index=True)
    correction_s: orm.Mapped[float] = orm.mapped_column(server_default="0")
    source: orm.Mapped[str] = orm.mapped_column(server_default="")
    can_be_twin: orm.Mapped[bool] = orm.mapped_column(server_default="0")
    is_stale: orm.Mapped[bool] = orm.mapped_column(server_default="0")
    sub_sport: orm.Mapped[str] = orm.mapped_column(server_default="")
    device: orm.Mapped[str] = orm.mapped_column(server_default="")
    title: orm.Mapped[str] = orm.mapped_column(server_default="")
    zone: orm.Mapped[str] = orm.mapped_column(server_default="")
    day: orm.Mapped[str] = orm.mapped_column(server_default="")
    elapsed_s: orm.Mapped[float | None]
    timer_s: orm.Mapped[float | None]
    moving_s: orm.Mapped[float | None]
    distance_m: orm.Mapped[float | None]
    rank: orm.Mapped[int] = orm.mapped_column(server_default="0")
    known_values: orm.Mapped[int] = orm.mapped_column(server_default="0")
    repairs: orm.Mapped[int] = orm.mapped_column(server_default="0")
    flags: orm.Mapped[int] = orm.mapped_column(server_default="0")
    profile: orm.Mapped[str] = orm.mapped_column(server_default="{}")
    metrics: orm.Mapped[str] = orm.mapped_column(server_default="{}")
    curves: orm.Mapped[str] = orm.mapped_column(server_default="{}")

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


class EditRow(Base):
    """One line of what was changed by hand or joined; nothing is changed in it later.

    `before` and `after` are JSON; `recording` is the id that led the workout then.
    """

    __tablename__ = "edits"

    number: orm.Mapped[int] = orm.mapped_column(primary_key=True, autoincrement=True)
    recording: orm.Mapped[str] = orm.mapped_column(index=True)
    at_us: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)
    who: orm.Mapped[str]
    field: orm.Mapped[str]
    before: orm.Mapped[str]
    after: orm.Mapped[str]


class ApartRow(Base):
    """Two recordings that somebody took apart: `one` < `other`."""

    __tablename__ = "apart"

    one: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    other: orm.Mapped[str] = orm.mapped_column(primary_key=True, index=True)


class ProfileRow(Base):
    """From `day` (ISO) on, this is known of an athlete; the newest line of a day counts."""

    __tablename__ = "profiles"

    number: orm.Mapped[int] = orm.mapped_column(primary_key=True, autoincrement=True)
    athlete: orm.Mapped[str] = orm.mapped_column(index=True)
    day: orm.Mapped[str]
    values: orm.Mapped[str]
    source: orm.Mapped[str]
    at_us: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970; INVALID for a time without a zone."""
    if moment.tzinfo is None:
        raise StadionError(Code.INVALID, f"time is {moment}; expected one with a zone, such as UTC")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(microseconds: int) -> datetime:
    """The UTC time that many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)
