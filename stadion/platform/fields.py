"""A view and the fields that are wanted in, the smaller view out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stadion.core.errors import Code, StadionError

__all__ = ["chosen"]


def chosen(view: Mapping[str, Any], fields: Sequence[str] | None) -> dict[str, Any]:
    """The named fields of a view, in their order; all of them for None.

    A dot leads into a field that has fields itself.

    Raises
    ------
    StadionError
        INVALID for a field that no such view has.

    Examples
    --------
    >>> chosen({"id": "a", "summary": {"distance_m": 5.0, "timer_s": 2.0}}, ["summary.timer_s"])
    {'summary': {'timer_s': 2.0}}
    """
    if not fields:
        return dict(view)
    found: dict[str, Any] = {}
    for field in fields:
        name, _, rest = field.strip().partition(".")
        if name not in view:
            expected = ", ".join(view)
            raise StadionError(
                Code.INVALID, f"fields names {field[:80]!r}; expected some of {expected}"
            )
        if not rest:
            found[name] = view[name]
            continue
        inner = view[name]
        if not isinstance(inner, Mapping):
            raise StadionError(Code.INVALID, f"fields names {field[:80]!r}; {name} has no fields")
        # What one recording lacks (a run has no power) another has: no mistake.
        known = found.setdefault(name, {})
        if rest in inner:
            known[rest] = inner[rest]
    return found
