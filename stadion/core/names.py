"""Names that people choose: models, tasks, athletes. Checked once, at the door."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stadion.core.errors import Code, StadionError

__all__ = ["ModelReference", "checked_name", "parse_reference"]

_NAME = re.compile(r"[a-z0-9][a-z0-9\-_.]{0,63}")


def checked_name(value: str, field: str = "name") -> str:
    """Return `value` if it is a safe name, else say what a name may hold.

    Raises
    ------
    StadionError
        INVALID when the name is empty, too long or holds other characters.

    Examples
    --------
    >>> checked_name("sprint-v2")
    'sprint-v2'
    """
    if not _NAME.fullmatch(value) or ".." in value:
        raise StadionError(
            Code.INVALID,
            f"{field} is {value[:80]!r}; expected 1-64 of a-z, 0-9, '-', '_', '.', "
            "starting with a letter or digit",
        )
    return value


@dataclass(frozen=True, slots=True)
class ModelReference:
    """`sprint`, `sprint:3` or `sprint@champion`; at most one of number and alias is set."""

    model: str
    number: int | None = None
    alias: str | None = None


def parse_reference(text: str) -> ModelReference:
    """Read MODEL, MODEL:N or MODEL@alias.

    Examples
    --------
    >>> parse_reference("sprint:3")
    ModelReference(model='sprint', number=3, alias=None)
    """
    model, at, alias = text.partition("@")
    if at:
        return ModelReference(checked_name(model, "model"), alias=checked_name(alias, "alias"))
    model, colon, number = text.partition(":")
    if not colon:
        return ModelReference(checked_name(model, "model"))
    if not number.isascii() or not number.isdecimal() or not 0 < int(number) < 2**31:
        raise StadionError(
            Code.INVALID, f"version is {number[:80]!r}; expected a whole number from 1"
        )
    return ModelReference(checked_name(model, "model"), number=int(number))
