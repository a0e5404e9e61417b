"""What a task is: a question that sport asks, and how recordings become its training set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from stadion.core.activity import Activity
from stadion.core.arrays import Array
from stadion.core.dataset import Dataset, Scalar
from stadion.core.signature import Signature

__all__ = ["NoSettings", "Task"]


@dataclass(frozen=True, slots=True)
class NoSettings:
    """For tasks that have nothing to set."""


class Task(ABC):
    """A plug-in of this room.

    It names Activity channels, never a file format. `dataset` and `features` build their rows
    by the same code, so that a request is made exactly as the training set was.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    """One sentence ending with '?', as an athlete or analyst would ask it."""
    channels: ClassVar[tuple[str, ...]]
    """Channels (or channel families such as `acceleration`) the task reads."""
    metric: ClassVar[str]
    """Name of a score in `science.scores`; the one that decides between models."""
    reference: ClassVar[str]
    """Where the protocol or the figure to compare with comes from."""
    Settings: ClassVar[type[Any]] = NoSettings
    """A frozen dataclass; see `core.settings.read_settings`."""

    @abstractmethod
    def dataset(self, activities: Sequence[Activity], settings: Any) -> Dataset:
        """Rows, targets and groups of all recordings that hold an answer.

        Raises
        ------
        StadionError
            INVALID when no recording can be used, saying what each one lacks.
        """

    @abstractmethod
    def features(
        self, activity: Activity, signature: Signature, settings: Mapping[str, Scalar]
    ) -> dict[str, Array]:
        """A request's inputs from one recording, as a model of `signature` takes them."""

    @abstractmethod
    def baselines(self, train: Dataset, test: Dataset) -> dict[str, dict[str, Array]]:
        """Trivial answers to `test` knowing `train`: name -> outputs, as a model would give them.

        The first one is the baseline that a model must beat.
        """

    @abstractmethod
    def examples(self, seed: int) -> Sequence[Activity]:
        """A handful of small made-up recordings with answers, of several athletes.

        They show which shape of recording the task wants, and the shipped checks run on them.
        """
