"""What a search for settings is told: what may be tried, for how long, and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from stadion.core.errors import Code, StadionError

__all__ = ["USUAL_TRIALS", "Search", "read_search", "search_arguments"]

USUAL_TRIALS = 30
_LIMITS = {
    "trials": (1, 100_000),
    "minutes": (0.01, 100_000),
    "workers": (1, 256),
    "outer": (0, 20),
}


@dataclass(frozen=True, slots=True)
class Search:
    """A search as it was asked for.

    Parameters
    ----------
    trials, minutes
        When it ends: whichever comes first; None = no limit of that kind. One of both is set.
    space
        Setting -> `low:high` or `low:high:log`. Without any, and without values to try, what the
        learner itself proposes is searched.
    workers
        Trials at a time, each in a process of its own.
    outer
        Folds that no trial sees, on which the winner is scored: 1 holds out one fifth once, more
        repeat the whole search without each fold, 0 has no such score.
    pruner
        When a trial is given up after some folds: worse than the median of the others, by
        Hyperband's rungs, or never.
    sampler
        `tpe` learns from the trials before, `random` does not.
    """

    trials: int | None = None
    minutes: float | None = None
    space: Mapping[str, str] = field(default_factory=dict)
    workers: int = 1
    outer: int = 1
    pruner: Literal["median", "hyperband", "none"] = "median"
    sampler: Literal["tpe", "random"] = "tpe"

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise StadionError(Code.INVALID, f"{name} is {value}; expected {low:g} to {high:g}")
        if self.trials is None and self.minutes is None:
            raise StadionError(Code.INVALID, "a search needs a number of trials or of minutes")


def read_search(given: Mapping[str, Any]) -> Search:
    """A search from typed values; 30 trials when nothing says how many.

    Examples
    --------
    >>> read_search({"space": {"trees": "50:500:log"}}).trials
    30

    Raises
    ------
    StadionError
        INVALID, naming the field.
    """
    known = {name: value for name, value in given.items() if value is not None}
    if not {"trials", "minutes"} & set(known):
        known["trials"] = USUAL_TRIALS
    if unknown := set(known) - set(Search.__dataclass_fields__):
        raise StadionError(
            Code.INVALID,
            f"a search has no {sorted(unknown)[0]!r}; it has "
            f"{', '.join(Search.__dataclass_fields__)}",
        )
    try:
        return msgspec.convert(known, Search)
    except msgspec.ValidationError as error:
        raise StadionError(Code.INVALID, f"search: {error}") from None


def search_arguments(search: Search) -> list[str]:
    """The same as options of `stadion tune`."""
    arguments = ["--workers", str(search.workers), "--outer", str(search.outer)]
    arguments += ["--pruner", search.pruner, "--sampler", search.sampler]
    if search.trials is not None:
        arguments += ["--trials", str(search.trials)]
    if search.minutes is not None:
        arguments += ["--minutes", str(search.minutes)]
    for name, span in search.space.items():
        arguments += ["--space", f"{name}={span}"]
    return arguments
