"""What a training is told: settings as people give them, sorted to whom they belong."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stadion.core.errors import Code, StadionError
from stadion.platform.search_order import Search

__all__ = [
    "AUTO",
    "TrainOrder",
    "read_assignments",
    "read_grid",
    "read_settings_file",
    "sort_settings",
]

AUTO = "auto"
_MOST_COMBINATIONS = 1_000
_LONGEST_LICENCE = 200  # its name, not its text


@dataclass(frozen=True, slots=True)
class TrainOrder:
    """A training as it was asked for.

    Parameters
    ----------
    learner
        A learner's name; several with commas, or 'auto', to choose by cross-validation inside
        the data.
    name
        The model's name; the task's name when empty.
    settings
        Setting -> value, of the task or the learner; `task.x` and `learner.x` say whose.
    folds
        Folds by which the model is judged (and, among several candidates, chosen); 1 holds out
        one fifth once.
    grid
        Learner setting -> values to try; every combination is a candidate.
    search
        Tries settings one after the other instead, those of the grid among others.
    licence
        Of the data, for the model's card; '' = not stated.
    """

    task: str
    learner: str = AUTO
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    folds: int = 5
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    search: Search | None = None
    licence: str = ""

    def __post_init__(self) -> None:
        if len(self.licence) > _LONGEST_LICENCE:
            raise StadionError(
                Code.INVALID,
                f"licence has {len(self.licence)} characters; expected {_LONGEST_LICENCE} at most",
            )
        if not 1 <= self.folds <= 100:
            raise StadionError(Code.INVALID, f"folds is {self.folds}; expected 1 to 100")
        if not 0 <= self.seed < 2**31:
            raise StadionError(Code.INVALID, f"seed is {self.seed}; expected 0 to 2147483647")
        combinations = math.prod(len(values) for values in self.grid.values())
        most = math.inf if self.search else _MOST_COMBINATIONS
        if not 0 < combinations <= most:
            raise StadionError(
                Code.INVALID,
                f"the grid has {combinations} combinations; expected 1 to {_MOST_COMBINATIONS}",
            )

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names of the learners to choose among; none for 'auto'."""
        return () if self.learner == AUTO else tuple(self.learner.split(","))


def read_assignments(pairs: list[str]) -> dict[str, str]:
    """`['epochs=5']` -> `{'epochs': '5'}`.

    Examples
    --------
    >>> read_assignments(["epochs=5", "task.window_s=4"])
    {'epochs': '5', 'task.window_s': '4'}
    """
    settings: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise StadionError(Code.INVALID, f"setting is {pair!r}; expected name=value")
        settings[key.strip()] = value.strip()
    return settings


def read_grid(pairs: list[str]) -> dict[str, list[str]]:
    """`['layers=1,2']` -> `{'layers': ['1', '2']}`.

    Examples
    --------
    >>> read_grid(["layers=1,2"])
    {'layers': ['1', '2']}
    """
    return {key: value.split(",") for key, value in read_assignments(pairs).items()}


def read_settings_file(path: Path) -> dict[str, Any]:
    """Settings of a TOML file; a table `[task]` or `[learner]` says whose they are."""
    try:
        content = tomllib.loads(path.read_text())
    except OSError as error:
        raise StadionError(Code.NOT_FOUND, f"cannot read {path.name}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StadionError(Code.INVALID, f"{path.name} is not TOML: {error}") from None
    settings: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            settings |= {f"{key}.{inner}": v for inner, v in value.items()}
        else:
            settings[key] = value
    return settings


def sort_settings(
    given: Mapping[str, Any], task: type[Any], learner: type[Any] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split settings into the task's and the learner's by their names.

    Raises
    ------
    StadionError
        INVALID for a name neither has, or one that both have and no prefix decides.
    """
    owners = {"task": _fields(task), "learner": _fields(learner) if learner else set()}
    sorted_: dict[str, dict[str, Any]] = {"task": {}, "learner": {}}
    for key, value in given.items():
        prefix, dot, rest = key.partition(".")
        if dot and prefix in owners:
            sorted_[prefix][rest] = value
            continue
        having = [owner for owner, names in owners.items() if key in names]
        if len(having) != 1:
            raise StadionError(Code.INVALID, _unclear(key, having, owners, learner is None))
        sorted_[having[0]][key] = value
    return sorted_["task"], sorted_["learner"]


def _unclear(key: str, having: list[str], owners: dict[str, set[str]], is_auto: bool) -> str:
    if having:
        return f"setting {key!r} is the task's and the learner's; write task.{key} or learner.{key}"
    known = {owner: ", ".join(sorted(names)) or "none" for owner, names in owners.items()}
    tail = "; name a learner to set its settings" if is_auto else ""
    return (
        f"there is no setting {key!r}; the task has {known['task']}, "
        f"the learner has {known['learner']}{tail}"
    )


def _fields(kind: type[Any]) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}
