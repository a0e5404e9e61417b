"""What the shelf of versions and the deployment log both stand on, and how both read a call."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from stadion.core.errors import Code, StadionError
from stadion.registry.blobs import BlobStore
from stadion.registry.database import Database
from stadion.registry.schema import DeletionRow, VersionRow

__all__ = ["Storage", "checked_text", "known", "live_numbers", "live_versions", "one_version"]

_SAME_VERSION = and_(DeletionRow.model == VersionRow.model, DeletionRow.number == VersionRow.number)


@dataclass(frozen=True, slots=True)
class Storage:
    """One registry's database and blobs."""

    database: Database
    blobs: BlobStore


def checked_text(value: str, field: str, most: int) -> str:
    """Return `value` if it is printable and short enough; INVALID otherwise."""
    if len(value) > most or not value.isprintable():
        raise StadionError(
            Code.INVALID, f"{field} is {value[:80]!r}; expected at most {most} printable characters"
        )
    return value


def live_versions() -> Select[VersionRow]:
    """All versions that were not deleted, by model and number."""
    return (
        select(VersionRow)
        .outerjoin(DeletionRow, _SAME_VERSION)
        .where(DeletionRow.number.is_(None))
        .order_by(VersionRow.model, VersionRow.number)
    )


def live_numbers(session: Session, model: str) -> set[int]:
    """Numbers of a model's versions that were not deleted."""
    rows = live_versions().where(VersionRow.model == model)
    return set(session.scalars(rows.with_only_columns(VersionRow.number)))


def one_version(session: Session, model: str, number: int) -> VersionRow:
    """That version's row; NOT_FOUND, saying what there is, when it never was or was deleted."""
    row = session.scalar(
        live_versions().where(VersionRow.model == model, VersionRow.number == number)
    )
    if row is None:
        raise StadionError(
            Code.NOT_FOUND, f"there is no version {model}:{number}", known(session, model)
        )
    return row


def known(session: Session, model: str) -> str:
    """A hint: which versions of a model there are, the newest ones."""
    numbers = sorted(live_numbers(session, model))[-10:]
    listed = ", ".join(map(str, numbers))
    return f"{model} has: {listed}" if numbers else f"there is no model {model!r}"
