"""Recordings and a search in; the best settings' model, judged on rows no trial saw, out."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from stadion.core.activity import Recording
from stadion.core.arrays import Array
from stadion.core.dataset import Dataset, Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.package import Metrics
from stadion.core.plugins import Cupboard
from stadion.core.settings import read_settings
from stadion.core.version import __version__
from stadion.platform.measuring import baseline_scores, group_scores, primary, scores_of
from stadion.platform.orders import TrainOrder
from stadion.platform.search_order import Search
from stadion.platform.training import HOW, Searched, Trained, train_on, understood
from stadion.science.folds import Fold, folds_of
from stadion.science.scores import score_named
from stadion.tasks.base import Task
from stadion.train.base import Learner, Progress, Run, silent
from stadion.train.selection.choice import Candidate
from stadion.train.selection.search import Budget, Found, search
from stadion.train.selection.space import Choice, Range, given_space, own_space
from stadion.train.selection.study import Outcome
from stadion.train.selection.worker import Trying

__all__ = ["tune_on", "tune_package"]

Spaces = dict[str, dict[str, Range | Choice]]


def tune_package(
    order: TrainOrder,
    recordings: Sequence[Recording],
    tasks: Cupboard[Task],
    learners: Cupboard[Learner],
    runs: Path,
    progress: Callable[[Progress], None] = silent,
) -> Trained:
    """Search settings, judge the winner on outer folds, and make a verified package of it.

    The study's folder is named by what was asked, budget and workers aside: the same order after
    a kill goes on there, and one with a larger budget adds to it.
    """
    task, data, chosen, given = understood(order, recordings, tasks, learners)
    return tune_on(data, order, task, chosen, given, learners, runs, progress)


def tune_on(
    data: Dataset,
    order: TrainOrder,
    task: Task,
    chosen: Sequence[Learner],
    given: Mapping[str, Any],
    learners: Cupboard[Learner],
    runs: Path,
    progress: Callable[[Progress], None] = silent,
) -> Trained:
    """The same from a data set: for who splits it, as an evaluation does.

    Parameters
    ----------
    given
        Learner settings that every trial has.
    """
    wanted = order.search or Search(trials=30)
    spaces = _spaces(chosen, order, given)
    folder = runs / "searches" / _key(order, data.digest)
    hunt = _Hunt(order, wanted, task, spaces, given, learners, folder)
    outer = folds_of(data, task.split, wanted.outer, order.seed) if wanted.outer else []
    found: Found | None = None
    answers: list[dict[str, Array]] = []
    for number, fold in enumerate(outer):
        told = _within(progress, f"outer fold {number + 1} of {len(outer)}: ")
        part, place = data.take(fold.train), folder / f"outer-{number}"
        found = hunt.found(part, place, told if len(outer) > 1 else progress)
        candidate = hunt.candidate(found)
        run = Run(order.seed, place / "fit")
        model = candidate.learner.fit(part, candidate.settings, run)
        answers.append(model.predict(data.take(fold.test).inputs))
        shutil.rmtree(run.folder, ignore_errors=True)
    if found is None or len(outer) > 1:
        found = hunt.found(data, folder / "all", progress)
    searched = Searched(
        hunt.told(found), lambda metrics: _told(metrics, hunt, data, outer, answers)
    )
    trained = train_on(data, order, task, [hunt.candidate(found)], runs, progress, searched)
    return dataclasses.replace(
        trained,
        tried=_tried(found, score_named(task.metric).higher_is_better),
        failed={_label(o): o.reason for o in found.outcomes if o.state == "failed"},
    )


@dataclass(frozen=True, slots=True)
class _Hunt:
    """What the searches of one order share."""

    order: TrainOrder
    wanted: Search
    task: Task
    spaces: Spaces
    given: Mapping[str, Any]
    learners: Cupboard[Learner]
    folder: Path

    def found(self, data: Dataset, folder: Path, progress: Callable[[Progress], None]) -> Found:
        folds = folds_of(data, self.task.split, self.order.folds, self.order.seed)
        trying = Trying(
            data, folds, self.task.metric, self.order.seed, folder, self.given, self.learners.folder
        )
        wanted = self.wanted
        return search(
            trying,
            self.spaces,
            Budget(wanted.trials, wanted.minutes),
            workers=wanted.workers,
            sampler=wanted.sampler,
            pruner=wanted.pruner,
            progress=progress,
        )

    def candidate(self, found: Found) -> Candidate:
        learner = self.learners.get(found.learner)
        settings = {**self.given, **found.settings}
        return Candidate(
            learner, read_settings(learner.Settings, settings, f"learner {learner.name}")
        )

    def told(self, found: Found) -> dict[str, Scalar]:
        """For the lineage: how the settings were found."""
        return {
            "trials": len(found.outcomes),
            "pruned": found.count("pruned"),
            "failed": found.count("failed"),
            "sampler": self.wanted.sampler,
            "pruner": self.wanted.pruner,
            "folds": self.order.folds,
            "outer_folds": self.wanted.outer,
            "score_on_choosing_folds": found.value,
            "space": "; ".join(
                f"{learner}: " + ", ".join(f"{k}={_span(v)}" for k, v in space.items())
                for learner, space in self.spaces.items()
            ),
        }


def _spaces(chosen: Sequence[Learner], order: TrainOrder, given: Mapping[str, Any]) -> Spaces:
    """What the user wants tried, else what each learner proposes; never what is set."""
    ranges = order.search.space if order.search else {}
    if ranges or order.grid:
        if len(chosen) > 1:
            raise StadionError(
                Code.INVALID,
                f"settings to search are given for {len(chosen)} learners at once; expected one",
                "name it with --learner, or leave the search to what each learner proposes",
            )
        (learner,) = chosen
        where = f"learner {learner.name}"
        if both := sorted({*ranges, *order.grid} & set(given)):
            raise StadionError(
                Code.INVALID, f"{where}: {both[0]} is set, and to be searched; expected one of both"
            )
        return {learner.name: given_space(learner.Settings, ranges, order.grid, where)}
    spaces = {
        learner.name: {k: v for k, v in own_space(learner.Settings).items() if k not in given}
        for learner in chosen
    }
    if not any(spaces.values()):
        raise StadionError(
            Code.INVALID,
            f"learner {', '.join(spaces)} proposes no settings to search",
            "say what to try: --space k=low:high[:log] or --try k=v1,v2",
        )
    return spaces


def _told(
    metrics: Metrics,
    hunt: _Hunt,
    data: Dataset,
    outer: Sequence[Fold],
    answers: Sequence[Mapping[str, Array]],
) -> Metrics:
    """The winner's scores on rows that no trial saw; without such rows, a warning."""
    trials = f"{hunt.wanted.trials} trials" if hunt.wanted.trials else ""
    minutes = f"{hunt.wanted.minutes:g} minutes" if hunt.wanted.minutes else ""
    budget = " or ".join(filter(None, (trials, minutes)))
    if not outer:
        how = f"{metrics.protocol}; the best of {budget} on these folds, so optimistic"
        return dataclasses.replace(metrics, protocol=how)
    rows = np.concatenate([fold.test for fold in outer])
    order = np.argsort(rows, kind="stable")
    unseen = data.take(rows[order])
    outputs = {
        name: np.concatenate([answer[name] for answer in answers])[order] for name in answers[0]
    }
    metric, name = hunt.task.metric, primary(data, hunt.task.metric)
    scores = scores_of(unseen, outputs)
    pairs = [(fold.train, fold.test) for fold in outer]
    baselines = baseline_scores(hunt.task, data, pairs)
    first = data.signature.outputs[0].name
    per_fold = [
        score_named(metric).compute(data.targets[first][fold.test], answer[first])
        for fold, answer in zip(outer, answers, strict=True)
    ]
    parts = f"{len(outer)} outer folds" if len(outer) > 1 else "one fifth held out"
    how = HOW[hunt.task.split].format(parts)
    return dataclasses.replace(
        metrics,
        value=scores.pop(name),
        baselines={trivial: values[name] for trivial, values in baselines.items()},
        protocol=f"{how}; nested: settings by {budget} on folds of the rest",
        rows=len(unseen),
        more=scores,
        spread=float(np.std(per_fold)),
        groups=group_scores(unseen, outputs, metric),
    )


def _tried(found: Found, is_rising: bool) -> dict[str, float]:
    """The trials that saw all folds, best first."""
    done = [(o, o.value) for o in found.outcomes if o.value is not None]
    done.sort(key=lambda pair: -pair[1] if is_rising else pair[1])
    return {_label(outcome): value for outcome, value in done}


def _label(outcome: Outcome) -> str:
    trial = outcome.trial
    settings = (
        f"{k}={f'{v:.4g}' if isinstance(v, float) else v}" for k, v in trial.settings.items()
    )
    return " ".join([f"trial {trial.number}: {trial.learner}", *settings])


def _span(span: Range | Choice) -> str:
    if isinstance(span, Choice):
        return "|".join(map(str, span.values))
    return f"{span.low:g}:{span.high:g}" + ":log" * span.is_log


def _within(progress: Callable[[Progress], None], where: str) -> Callable[[Progress], None]:
    return lambda step: progress(dataclasses.replace(step, what=where + step.what))


def _key(order: TrainOrder, digest: str) -> str:
    """What was asked, whatever the budget; the release counts, as learners change with it."""
    wanted = dataclasses.replace(
        order.search or Search(trials=30), trials=1, minutes=None, workers=1
    )
    plain = dataclasses.replace(order, search=wanted, name="", licence="")
    text = msgspec.json.encode([plain, digest, __version__], order="deterministic")
    return hashlib.sha256(text).hexdigest()[:16]
