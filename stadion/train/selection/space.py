"""A learner's settings in; which values of each one a search may try out."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stadion.core.dataset import Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.settings import read_settings

__all__ = ["Choice", "Range", "Space", "given_space", "own_space", "within"]


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included; `is_log`: each factor is as likely."""

    low: float
    high: float
    is_log: bool = False
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these."""

    values: tuple[Scalar, ...]


Space = Mapping[str, Range | Choice]
"""Setting -> what may be tried."""


def own_space(kind: type[Any]) -> dict[str, Range | Choice]:
    """What a learner itself proposes: the `search` in its settings' metadata.

    A tuple `(low, high)` or `(low, high, "log")` is a range, a list is a choice.

    Examples
    --------
    >>> from dataclasses import dataclass, field
    >>> @dataclass(frozen=True)
    ... class Settings:
    ...     rate: float = field(default=0.1, metadata={"search": (0.01, 1.0, "log")})
    ...     norm: str = field(default="batch", metadata={"search": ["batch", "none"]})
    >>> own_space(Settings)["rate"]
    Range(low=0.01, high=1.0, is_log=True, is_whole=False)
    """
    space: dict[str, Range | Choice] = {}
    for field in dataclasses.fields(kind):
        given = field.metadata.get("search")
        if isinstance(given, list):
            space[field.name] = Choice(tuple(given))
        elif given is not None:
            low, high, *rest = given
            space[field.name] = Range(low, high, bool(rest), _is_whole(kind, field.name))
    return space


def given_space(
    kind: type[Any], ranges: Mapping[str, str], choices: Mapping[str, Sequence[Any]], where: str
) -> dict[str, Range | Choice]:
    """What a user wants tried: `trees` -> `50:500:log`, and `leaves` -> some values.

    Raises
    ------
    StadionError
        INVALID for a setting the learner has not, values it does not take, and a range that is
        none.
    """
    space: dict[str, Range | Choice] = {
        name: _range(kind, name, text, where) for name, text in ranges.items()
    }
    for name, values in choices.items():
        read = [getattr(read_settings(kind, {name: v}, where), name) for v in values]
        space[name] = Choice(tuple(dict.fromkeys(read)))
    return space


def within(space: Space, values: Mapping[str, Any]) -> bool:
    """Whether a search over the space could come upon these values."""
    return all(name in values and _holds(span, values[name]) for name, span in space.items())


def _holds(span: Range | Choice, value: Any) -> bool:
    if isinstance(span, Choice):
        return value in span.values
    return isinstance(value, int | float) and span.low <= value <= span.high


def _range(kind: type[Any], name: str, text: str, where: str) -> Range:
    parts = text.split(":")
    if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2] != "log"):
        raise StadionError(
            Code.INVALID, f"{where}: the range of {name} is {text[:80]!r}; expected low:high[:log]"
        )
    low, high = (getattr(read_settings(kind, {name: end}, where), name) for end in parts[:2])
    if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high)):
        raise StadionError(
            Code.INVALID, f"{where}: {name} is no number; give its values with --try {name}=..."
        )
    is_log = len(parts) == 3
    if not math.isfinite(high - low) or low >= high or (is_log and low <= 0):
        least = "0 < low < high" if is_log else "low < high"
        raise StadionError(
            Code.INVALID, f"{where}: the range of {name} is {text[:80]!r}; expected {least}"
        )
    return Range(low, high, is_log, _is_whole(kind, name))


def _is_whole(kind: type[Any], name: str) -> bool:
    hint = typing.get_type_hints(kind)[name]
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return int in options
