"""A reference in, the version number it means out: MODEL, MODEL:N or MODEL@alias."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from stadion.core.errors import Code, StadionError
from stadion.core.names import ModelReference
from stadion.registry.schema import AliasRow
from stadion.registry.storage import known, live_numbers

__all__ = ["CHAMPION", "aliases_named", "aliases_of", "no_alias", "number_of"]

CHAMPION = "champion"
"""The alias that a bare MODEL means where it is set."""


def number_of(session: Session, wanted: ModelReference) -> int:
    """The number a reference means; a bare MODEL is its champion, else its newest version."""
    if wanted.number is not None:
        return wanted.number
    aliases = aliases_of(session, wanted.model)
    if wanted.alias is not None:
        if wanted.alias not in aliases:
            raise no_alias(session, wanted.model, wanted.alias)
        return aliases[wanted.alias]
    if CHAMPION in aliases:
        return aliases[CHAMPION]
    numbers = live_numbers(session, wanted.model)
    if not numbers:
        raise StadionError(Code.NOT_FOUND, f"there is no model {wanted.model!r}")
    return max(numbers)


def aliases_of(session: Session, model: str) -> dict[str, int]:
    """Alias -> number, by alias."""
    rows = select(AliasRow).where(AliasRow.model == model).order_by(AliasRow.alias)
    return {row.alias: row.number for row in session.scalars(rows)}


def aliases_named(number: int, aliases: Mapping[str, int]) -> tuple[str, ...]:
    """The aliases of one version."""
    return tuple(alias for alias, named in aliases.items() if named == number)


def no_alias(session: Session, model: str, alias: str) -> StadionError:
    """NOT_FOUND, saying which aliases or versions there are."""
    aliases = aliases_of(session, model)
    hint = f"{model} has the aliases: {', '.join(aliases)}" if aliases else known(session, model)
    return StadionError(Code.NOT_FOUND, f"there is no alias {model}@{alias}", hint)
