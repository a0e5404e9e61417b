"""A file and a search space in; settings to try next, and a record that outlives the process, out.

The only file that knows Optuna. One process owns a study at a time; others are turned away.
"""

from __future__ import annotations

import fcntl
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import optuna
import sqlalchemy
from optuna.trial import FrozenTrial, TrialState

from stadion.core.dataset import Scalar
from stadion.core.errors import Code, StadionError
from stadion.train.network.chance import seed_of
from stadion.train.selection.space import Choice, Range, Space

__all__ = ["Outcome", "Pruner", "Sampler", "Study", "Trial", "opened_study"]

Pruner = Literal["median", "hyperband", "none"]
Sampler = Literal["tpe", "random"]

_BY_CHANCE = 8  # trials before the sampler has seen enough to lead
_BEFORE_PRUNING = 4  # finished trials before one can be called worse than most
_MOST_RETRIES = 2  # of settings whose process ended: a third end counts as theirs
_LEARNER = "learner"
_NAME = "settings"
_CUT_OFF, _USED, _RETRIES, _REASON = "cut_off", "used_s", "retries", "reason"


@dataclass(frozen=True, slots=True)
class Trial:
    """Settings of a learner that are being tried."""

    number: int
    learner: str
    settings: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended: with a `value`, or stopped early or failed, for a `reason`."""

    trial: Trial
    state: Literal["done", "pruned", "failed"]
    value: float | None
    reason: str = ""


@dataclass(slots=True)
class Study:
    """Trials of a search, kept in a database file.

    Parameters
    ----------
    spaces
        Learner -> its space; several learners are tried beside each other.
    seed
        With the trial's number it fixes what is proposed from a given history: a study taken up
        again goes on as if it had never been cut off.
    """

    spaces: Mapping[str, Space]
    seed: int
    sampler: Sampler
    _study: optuna.Study
    _running: dict[int, optuna.Trial] = field(default_factory=dict)

    def begin_with(self, settings: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Learner -> settings to try before any others, if nothing was tried yet."""
        if not self._frozen():
            for learner, values in settings.items():
                self._study.enqueue_trial(self._named(learner, values))

    def ask(self) -> Trial:
        """Settings to try next."""
        number = len(self._frozen())
        self._study.sampler = _sampler(self.sampler, seed_of(self.seed, number), len(self.spaces))
        trial = self._study.ask()
        learners = list(self.spaces)
        learner = learners[0]
        if len(learners) > 1:
            learner = str(trial.suggest_categorical(_LEARNER, learners))
        settings: dict[str, Scalar] = {
            name: _suggested(trial, _key(self.spaces, learner, name), span)
            for name, span in self.spaces[learner].items()
        }
        self._running[trial.number] = trial
        return Trial(trial.number, learner, settings)

    def is_hopeless(self, trial: Trial, step: int, value: float) -> bool:
        """Tell how a trial stands after so many folds; True when it is not worth going on."""
        told = self._running[trial.number]
        told.report(value, step)
        return told.should_prune()

    def done(self, trial: Trial, value: float) -> None:
        """The trial's score over all folds."""
        self._study.tell(self._running.pop(trial.number), value)

    def pruned(self, trial: Trial) -> None:
        """It was stopped early."""
        self._study.tell(self._running.pop(trial.number), state=TrialState.PRUNED)

    def failed(self, trial: Trial, reason: str) -> None:
        """It could not be tried."""
        told = self._running.pop(trial.number)
        told.set_user_attr(_REASON, reason[:500])
        self._study.tell(told, state=TrialState.FAIL)

    @property
    def used_s(self) -> float:
        """Seconds that all owners of the study spent on it so far."""
        return float(self._study.user_attrs.get(_USED, 0.0))

    @used_s.setter
    def used_s(self, seconds: float) -> None:
        self._study.set_user_attr(_USED, seconds)

    def outcomes(self) -> list[Outcome]:
        """All trials that came to an end of their own, by number."""
        cut_off = set(self._study.user_attrs.get(_CUT_OFF, []))
        states: dict[TrialState, Literal["done", "pruned", "failed"]] = {
            TrialState.COMPLETE: "done",
            TrialState.PRUNED: "pruned",
            TrialState.FAIL: "failed",
        }
        return [
            Outcome(
                self._trial(trial),
                states[trial.state],
                trial.value if trial.state == TrialState.COMPLETE else None,
                _reason(trial),
            )
            for trial in self._frozen()
            if trial.state in states and trial.number not in cut_off
        ]

    def best(self) -> Outcome | None:
        """The first of the best trials that saw all folds."""
        done = [outcome for outcome in self.outcomes() if outcome.value is not None]
        rising = self._study.direction == optuna.study.StudyDirection.MAXIMIZE
        sign = -1.0 if rising else 1.0
        return min(done, key=lambda outcome: sign * (outcome.value or 0.0), default=None)

    def take_up(self) -> int:
        """Queue again what an ended process left unfinished; how many trials that are."""
        left = [trial for trial in self._frozen() if trial.state == TrialState.RUNNING]
        for trial in left:
            retries = int(trial.user_attrs.get(_RETRIES, 0)) + 1
            if retries <= _MOST_RETRIES:
                cut_off = [*self._study.user_attrs.get(_CUT_OFF, []), trial.number]
                self._study.set_user_attr(_CUT_OFF, cut_off)
                if trial.params:
                    self._study.enqueue_trial(trial.params, {_RETRIES: retries})
            self._study.tell(trial.number, state=TrialState.FAIL)
        return len(left)

    def _frozen(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _trial(self, frozen: FrozenTrial) -> Trial:
        learner = str(frozen.params.get(_LEARNER, next(iter(self.spaces))))
        keys = {_key(self.spaces, learner, name): name for name in self.spaces[learner]}
        settings = {keys[key]: value for key, value in frozen.params.items() if key in keys}
        return Trial(frozen.number, learner, settings)

    def _named(self, learner: str, settings: Mapping[str, Scalar]) -> dict[str, Any]:
        named: dict[str, Any] = {
            _key(self.spaces, learner, name): settings[name] for name in self.spaces[learner]
        }
        return named | ({_LEARNER: learner} if len(self.spaces) > 1 else {})


@contextmanager
def opened_study(
    file: Path,
    spaces: Mapping[str, Space],
    *,
    is_rising: bool,
    seed: int,
    sampler: Sampler = "tpe",
    pruner: Pruner = "median",
    folds: int = 5,
) -> Iterator[Study]:
    """The study in a file, made there if it is new; what was left unfinished is queued again.

    Parameters
    ----------
    is_rising
        True when a higher score is better.
    folds
        Steps that a trial is judged by on its way.

    Raises
    ------
    StadionError
        CONFLICT while another process works on it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with (file.parent / f"{file.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StadionError(
                Code.CONFLICT, "this search is running already", "wait for it, or change the order"
            ) from None
        logging.getLogger("optuna").setLevel(logging.ERROR)
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{file.absolute()}", {"connect_args": {"timeout": 60}}
        )
        sqlalchemy.event.listen(storage.engine, "connect", _written_ahead)
        storage.remove_session()
        storage.engine.dispose()  # connections from here on are as the listener makes them
        try:
            kept = optuna.create_study(
                storage=storage,
                study_name=_NAME,
                direction="maximize" if is_rising else "minimize",
                pruner=_pruner(pruner, folds),
                load_if_exists=True,
            )
            study = Study(spaces, seed, sampler, kept)
            study.take_up()
            yield study
        finally:
            storage.remove_session()
            storage.engine.dispose()


def _written_ahead(connection: Any, _: Any) -> None:
    """A log before the file: a trial's twenty small writes need not wait for the disk.

    What a killed process wrote is there; of a power cut the file survives, short of its last
    trials.
    """
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _reason(trial: FrozenTrial) -> str:
    """Why it failed; what left no reason took its process with it."""
    if trial.state != TrialState.FAIL:
        return ""
    return str(trial.user_attrs.get(_REASON, "the process that tried it ended"))


def _key(spaces: Mapping[str, Space], learner: str, name: str) -> str:
    return f"{learner}.{name}" if len(spaces) > 1 else name


def _suggested(trial: optuna.Trial, key: str, span: Range | Choice) -> Scalar:
    if isinstance(span, Choice):
        value: Scalar = trial.suggest_categorical(key, span.values)
        return value
    if span.is_whole:
        return trial.suggest_int(key, int(span.low), int(span.high), log=span.is_log)
    return trial.suggest_float(key, span.low, span.high, log=span.is_log)


def _sampler(kind: Sampler, seed: int, learners: int) -> optuna.samplers.BaseSampler:
    seed %= 2**32
    if kind == "random":
        return optuna.samplers.RandomSampler(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(
            n_startup_trials=_BY_CHANCE, multivariate=True, group=learners > 1, seed=seed
        )


def _pruner(kind: Pruner, folds: int) -> optuna.pruners.BasePruner:
    if kind == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=_BEFORE_PRUNING)
    if kind == "hyperband" and folds > 1:
        return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=folds)
    return optuna.pruners.NopPruner()
