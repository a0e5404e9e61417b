"""What a task is: a question that sport asks, and how recordings become its training set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from stadion.core.activity import Activity, Recording, Table
from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Dataset, Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature

__all__ = ["NoSettings", "Task", "activities_of", "one_activity", "one_table", "tables_of"]


@dataclass(frozen=True, slots=True)
class NoSettings:
    """For tasks that have nothing to set."""


class Task(ABC):
    """A plug-in of this room.

    It names Activity channels and kinds of tables, never a file format. `dataset` and `features`
    build their rows by the same code, so that a request is made exactly as the training set was.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    """One sentence ending with '?', as an athlete or analyst would ask it."""
    channels: ClassVar[tuple[str, ...]] = ()
    """Channels (or channel families such as `acceleration`) the task reads."""
    tables: ClassVar[tuple[str, ...]] = ()
    """Kinds of tables the task reads."""
    metric: ClassVar[str]
    """Name of a score in `science.scores`; the one that decides between models."""
    reference: ClassVar[str]
    """Where the protocol or the figure to compare with comes from."""
    split: ClassVar[Literal["group", "time"]] = "group"
    """What keeps a test part honest: whole groups unseen, or later times than any seen."""
    interval: ClassVar[float | None] = None
    """Share of the truths that the interval around each answer shall hold; None = no interval."""
    learners: ClassVar[tuple[str, ...]] = ("rocket", "boosting")
    """What `auto` chooses among."""
    Settings: ClassVar[type[Any]] = NoSettings
    """A frozen dataclass; see `core.settings.read_settings`."""

    @abstractmethod
    def dataset(self, recordings: Sequence[Recording], settings: Any) -> Dataset:
        """Rows, targets and groups of all recordings that hold an answer; others are left out.

        Raises
        ------
        StadionError
            INVALID when no recording can be used, saying what each one lacks.
        """

    @abstractmethod
    def features(
        self, recording: Recording, signature: Signature, settings: Mapping[str, Scalar]
    ) -> dict[str, Array]:
        """A request's inputs from one recording, as a model of `signature` takes them.

        Raises
        ------
        StadionError
            INVALID when the recording is of no use to this task, saying what it lacks.
        """

    def recommend(
        self,
        predict: Callable[[Arrays], Mapping[str, Array]],
        signature: Signature,
        recording: Recording,
    ) -> Sequence[Any]:
        """What to do next, the best first, as frozen dataclasses; few tasks give such advice.

        Parameters
        ----------
        predict
            The model's answers by its inputs.
        signature
            The model's.

        Raises
        ------
        StadionError
            UNSUPPORTED for a task without advice, INVALID for a recording of no use to it.
        """
        raise StadionError(Code.UNSUPPORTED, f"task {self.name!r} gives no advice")

    @abstractmethod
    def baselines(self, train: Dataset, test: Dataset) -> dict[str, dict[str, Array]]:
        """Trivial answers to `test` knowing `train`: name -> outputs, as a model would give them.

        The first one is the baseline that a model must beat.
        """

    @abstractmethod
    def examples(self, seed: int) -> Sequence[Recording]:
        """A handful of small made-up recordings with answers, of several athletes.

        They show which shape of recording the task wants, and the shipped checks run on them.
        """


def activities_of(recordings: Sequence[Recording]) -> list[Activity]:
    """The streams among the recordings."""
    return [recording for recording in recordings if isinstance(recording, Activity)]


def tables_of(recordings: Sequence[Recording], kind: str) -> list[Table]:
    """The tables of one kind among the recordings."""
    return [r for r in recordings if isinstance(r, Table) and r.kind == kind]


def one_activity(recording: Recording) -> Activity:
    """The recording, which must be streams; INVALID otherwise."""
    if isinstance(recording, Activity):
        return recording
    held = f"a table of {recording.kind}"
    raise StadionError(Code.INVALID, f"the file holds {held}; expected streams")


def one_table(recording: Recording, kind: str) -> Table:
    """The recording, which must be a table of that kind; INVALID otherwise."""
    if isinstance(recording, Table) and recording.kind == kind:
        return recording
    found = f"a table of {recording.kind}" if isinstance(recording, Table) else "streams"
    raise StadionError(Code.INVALID, f"the file holds {found}; expected a table of {kind}")
