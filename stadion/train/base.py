"""What a learner is: a training set in, a model out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from stadion.core.dataset import Dataset
from stadion.core.model import Model

__all__ = ["Learner", "Progress", "Run", "silent"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is: `done` of `total` units of work (epochs, folds), and its loss."""

    what: str
    done: int
    total: int
    loss: float | None = None


def silent(progress: Progress) -> None:
    """Shows nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """One training.

    Parameters
    ----------
    seed
        Fixes every choice of chance: equal seed, data and settings give the equal model.
    folder
        Checkpoints lie here. The same folder after a kill continues from the last one.
    progress
        Called as work is done.
    """

    seed: int
    folder: Path
    progress: Callable[[Progress], None] = silent


class Learner(Protocol):
    """A plug-in of this room.

    `Settings` is a frozen dataclass (see `core.settings.read_settings`) whose defaults are
    sensible for a small data set on two cores.

    A learner made for one question also has `example(seed) -> Dataset`, a small set of that
    question: the contract is tried on it, and every other set must be refused.
    """

    name: str
    summary: str
    Settings: type[Any]

    def fit(self, data: Dataset, settings: Any, run: Run) -> Model:
        """Train on all rows of `data`; what it holds out for early stopping respects groups.

        Raises
        ------
        StadionError
            INVALID when the data cannot answer (one class, no rows, a target it cannot learn).
        """
        ...
