"""A study and a crew in; the settings that did best on rows their models did not see out."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stadion.core.dataset import Scalar
from stadion.core.errors import Code, StadionError
from stadion.science.scores import score_named
from stadion.train.base import Progress, silent
from stadion.train.selection.crew import Crew, crew_of
from stadion.train.selection.space import Space, within
from stadion.train.selection.study import Outcome, Pruner, Sampler, Study, Trial, opened_study
from stadion.train.selection.worker import FoldTask, Scored, Trying

__all__ = ["Budget", "Found", "search"]

_MOST_LOSSES = 2  # of the process under a trial: a third one counts as the trial's own doing


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to search: until so many `trials` ended or `minutes` passed, the first of both.

    What an earlier process spent on the same study counts too.
    """

    trials: int | None
    minutes: float | None


@dataclass(frozen=True, slots=True)
class Found:
    """The best trial and how all of them ended."""

    learner: str
    settings: Mapping[str, Scalar]
    value: float
    outcomes: tuple[Outcome, ...]

    def count(self, state: str) -> int:
        """How many trials ended so: done, pruned or failed."""
        return sum(outcome.state == state for outcome in self.outcomes)


def search(
    trying: Trying,
    spaces: Mapping[str, Space],
    budget: Budget,
    *,
    workers: int = 1,
    sampler: Sampler = "tpe",
    pruner: Pruner = "median",
    progress: Callable[[Progress], None] = silent,
) -> Found:
    """Try settings on the folds of `trying`, each trial led by what the ones before showed.

    Settings that come up again are not trained again: their trial ends as the first one did.
    The learner's defaults come first, so that the best is never worse than they are on these
    folds. The study lies in the folder of `trying`: the same search after a kill goes on there,
    and tries again what was cut off.

    Parameters
    ----------
    spaces
        Learner -> what may be tried; several learners are tried beside each other.
    workers
        Trials at a time; from two on each in a process of its own.

    Raises
    ------
    StadionError
        INVALID when no trial could be finished, with the reasons; CONFLICT while another process
        runs the same search.

    References
    ----------
    J. Bergstra et al., Algorithms for hyper-parameter optimization, NIPS 2011 (TPE). L. Li et
    al., Hyperband, JMLR 18 (2018).
    """
    with (
        opened_study(
            trying.folder / "study.db",
            spaces,
            is_rising=score_named(trying.metric).higher_is_better,
            seed=trying.seed,
            sampler=sampler,
            pruner=pruner,
            folds=len(trying.folds),
        ) as study,
        crew_of(workers, trying) as crew,
    ):
        study.begin_with(_defaults(trying, spaces))
        _Search(study, crew, trying, budget, progress).run()
        best, outcomes = study.best(), tuple(study.outcomes())
    if best is None or best.value is None:
        reasons = "; ".join(dict.fromkeys(o.reason for o in outcomes if o.reason))[:500]
        raise StadionError(
            Code.INVALID, f"none of {len(outcomes)} trials could be finished: {reasons or '-'}"
        )
    return Found(best.trial.learner, best.trial.settings, best.value, outcomes)


def _defaults(trying: Trying, spaces: Mapping[str, Space]) -> dict[str, dict[str, Scalar]]:
    """Each learner's defaults, where the space holds them."""
    found = {}
    for name, space in spaces.items():
        settings: Any = trying.settings_of(trying.learners.get(name), {})
        usual = {key: getattr(settings, key) for key in space}
        if within(space, usual):
            found[name] = usual
    return found


@dataclass(slots=True)
class _Course:
    """A trial under way: the scores of its folds so far."""

    trial: Trial
    scores: list[float] = field(default_factory=list)
    losses: int = 0

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores))


def _content(trial: Trial) -> str:
    """Equal for trials of equal settings."""
    return repr((trial.learner, sorted(trial.settings.items())))


@dataclass(slots=True)
class _Search:
    study: Study
    crew: Crew
    trying: Trying
    budget: Budget
    progress: Callable[[Progress], None]
    _courses: dict[int, _Course] = field(default_factory=dict)
    _known: dict[str, Outcome] = field(default_factory=dict)
    _ended: int = 0
    _before_s: float = 0.0
    _began: float = 0.0

    def run(self) -> None:
        before = self.study.outcomes()
        self._ended, self._known = len(before), {_content(o.trial): o for o in before}
        self._before_s, self._began = self.study.used_s, time.monotonic()
        self._tell()
        while True:
            while len(self._courses) < self.crew.size and self._may_begin():
                self._begin(self.study.ask())
            if not self._courses:
                return
            for scored in self.crew.wait():
                self._take(scored)

    def _begin(self, trial: Trial) -> None:
        course = self._courses[trial.number] = _Course(trial)
        known = self._known.get(_content(trial))
        if known is None:
            self._next_fold(course)
            return
        if known.value is not None:
            self.study.done(trial, known.value)
        elif known.state == "pruned":
            self.study.pruned(trial)
        else:
            self.study.failed(trial, known.reason)
        self._end(course)

    def _may_begin(self) -> bool:
        begun = self._ended + len(self._courses)
        if begun == 0:
            return True  # a budget too small for anything still tries the defaults
        minutes = self.budget.minutes
        if minutes is not None and self._used_s() >= 60 * minutes:
            return False
        return self.budget.trials is None or begun < self.budget.trials

    def _used_s(self) -> float:
        return self._before_s + time.monotonic() - self._began

    def _next_fold(self, course: _Course) -> None:
        trial = course.trial
        task = FoldTask(trial.number, trial.learner, trial.settings, len(course.scores))
        self.crew.give(task)

    def _take(self, scored: Scored) -> None:
        """The next fold of that trial, or its end."""
        course = self._courses[scored.task.trial]
        trial = course.trial
        if scored.score is None:
            course.losses += 1
            if scored.is_lost and course.losses <= _MOST_LOSSES:
                self._next_fold(course)
                return
            self.study.failed(trial, scored.reason)
            outcome = Outcome(trial, "failed", None, scored.reason)
        else:
            course.scores.append(scored.score)
            place = len(course.scores)
            if place == len(self.trying.folds):
                self.study.done(trial, course.mean)
                outcome = Outcome(trial, "done", course.mean)
            elif self.study.is_hopeless(trial, place, course.mean):
                self.study.pruned(trial)
                outcome = Outcome(trial, "pruned", None)
            else:
                self._next_fold(course)
                return
        self._known[_content(trial)] = outcome
        self._end(course)

    def _end(self, course: _Course) -> None:
        number = course.trial.number
        del self._courses[number]
        shutil.rmtree(self.trying.folder / f"trial-{number}", ignore_errors=True)
        self._ended += 1
        self.study.used_s = self._used_s()
        self._tell()

    def _tell(self) -> None:
        """Trials of the budget, or minutes where only they are limited."""
        best = self.study.best()
        value = None if best is None else best.value
        trials, minutes = self.budget.trials, self.budget.minutes
        if trials is not None:
            self.progress(Progress("trials", min(self._ended, trials), trials, value))
        elif minutes is not None:
            total = max(1, math.ceil(minutes))
            self.progress(Progress("minutes", min(int(self._used_s() / 60), total), total, value))
