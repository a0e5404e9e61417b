"""Activities and an order in, a registered version out: dataset, choice, fit, package."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from stadion.core.activity import Recording
from stadion.core.arrays import Arrays, IntArray
from stadion.core.dataset import Dataset, Scalar
from stadion.core.errors import StadionError
from stadion.core.model import Model
from stadion.core.names import checked_name
from stadion.core.package import Lineage, Metrics, ModelPackage
from stadion.core.plugins import Cupboard
from stadion.core.settings import read_settings, settings_to_dict
from stadion.core.version import code_version
from stadion.export.card import model_card
from stadion.export.package import make_package
from stadion.platform.measuring import (
    baseline_scores,
    group_scores,
    interval_coverage,
    primary,
    scores_of,
)
from stadion.platform.orders import TrainOrder, sort_settings
from stadion.science.folds import folds_of
from stadion.science.scores import score_named
from stadion.tasks.base import Task
from stadion.train.base import Learner, Progress, Run, silent
from stadion.train.intervals.calibrate import intervals_unseen, with_intervals
from stadion.train.selection.choice import Candidate, choose
from stadion.watch.energy import EnergySpan

__all__ = [
    "HOW",
    "Searched",
    "Trained",
    "candidates_for",
    "chosen_learners",
    "train_on",
    "train_package",
    "understood",
]

HOW = {
    "group": "{}, whole groups (athletes, matches or recordings) unseen",
    "time": "{}, answered knowing only what was before",
}
_LIBRARIES = ("numpy", "torch", "lightning", "lightgbm", "onnx", "onnxruntime", "optuna")


@dataclass(frozen=True, slots=True)
class Trained:
    """A package ready to be registered, the score of every candidate, and why some have none."""

    package: ModelPackage
    tried: dict[str, float]
    failed: dict[str, str]
    folder: Path

    def clear(self) -> None:
        """Remove the run's checkpoints and files, once the package is registered."""
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Searched:
    """How a candidate's settings were found, and what the metrics must tell of it."""

    how: Mapping[str, Scalar]
    told: Callable[[Metrics], Metrics]


def train_package(
    order: TrainOrder,
    recordings: Sequence[Recording],
    tasks: Cupboard[Task],
    learners: Cupboard[Learner],
    runs: Path,
    progress: Callable[[Progress], None] = silent,
) -> Trained:
    """Train, judge by the task's split, and make a verified package.

    The run's folder is named by what was asked: the same order on the same data after a kill
    finds its checkpoints there and goes on.
    """
    task, data, chosen, given = understood(order, recordings, tasks, learners)
    candidates = candidates_for(chosen, given, order.grid)
    return train_on(data, order, task, candidates, runs, progress)


def understood(
    order: TrainOrder,
    recordings: Sequence[Recording],
    tasks: Cupboard[Task],
    learners: Cupboard[Learner],
) -> tuple[Task, Dataset, list[Learner], dict[str, Any]]:
    """The order's task, data set, learners, and the settings it gives them."""
    task = tasks.get(order.task)
    checked_name(order.name or task.name, "model name")
    chosen = chosen_learners(order, learners, task.learners)
    task_given, learner_given = sort_settings(
        order.settings, task.Settings, chosen[0].Settings if len(chosen) == 1 else None
    )
    data = task.dataset(recordings, read_settings(task.Settings, task_given, f"task {task.name}"))
    return task, data, chosen, learner_given


def train_on(
    data: Dataset,
    order: TrainOrder,
    task: Task,
    candidates: list[Candidate],
    runs: Path,
    progress: Callable[[Progress], None] = silent,
    searched: Searched | None = None,
) -> Trained:
    """The same from a data set: for who splits it, as an evaluation does."""
    started = time.monotonic()
    digest = data.digest
    folder = runs / _key(order, digest)
    with EnergySpan() as span:
        judged = _judge(task, data, candidates, order, Run(order.seed, folder / "folds", progress))
        learner, settings = judged.winner.learner, judged.winner.settings
        model = learner.fit(data, settings, Run(order.seed, folder / "fit", progress))
        metrics = searched.told(judged.metrics) if searched else judged.metrics
        if task.interval is not None:
            asked = (model, data.take(judged.rows), judged.answers, task.interval)
            run = Run(order.seed, folder / "intervals")
            metrics = dataclasses.replace(metrics, intervals=_coverage(*asked, run))
            model = with_intervals(*asked, run)
    lineage = Lineage(
        task=task.name,
        task_settings=data.settings,
        learner=learner.name,
        settings=settings_to_dict(settings),
        seed=order.seed,
        data_digest=digest,
        data_rows=len(data),
        code_version=code_version(),
        libraries=_versions(),
        train_s=round(time.monotonic() - started, 2),
        search=searched.how if searched else {},
        energy_j=round(span.energy.joules, 1),
        energy_how=span.energy.how,
        licence=order.licence,
    )
    package = make_package(
        model,
        signature=model.signature,
        metrics=metrics,
        lineage=lineage,
        card=_card(task, data, metrics, lineage),
        folder=folder / "package",
        samples={name: values[:64] for name, values in data.inputs.items()},
    )
    return Trained(package, judged.tried, judged.failed, folder)


@dataclass(frozen=True, slots=True)
class _Judged:
    winner: Candidate
    metrics: Metrics
    rows: IntArray
    answers: Arrays
    tried: dict[str, float]
    failed: dict[str, str]


def chosen_learners(
    order: TrainOrder, learners: Cupboard[Learner], usual: Sequence[str]
) -> list[Learner]:
    """The learners an order names, or the usual ones, that 'auto' chooses among."""
    return [learners.get(name) for name in order.candidates or usual]


def candidates_for(
    chosen: Sequence[Learner],
    given: Mapping[str, Any],
    grid: Mapping[str, Sequence[Any]] | None = None,
) -> list[Candidate]:
    """Each learner with its settings, once for every combination of the grid's values."""
    names, values = list(grid or {}), list((grid or {}).values())
    return [
        Candidate(learner, read_settings(learner.Settings, settings, f"learner {learner.name}"))
        for learner in chosen
        for combination in product(*values)
        for settings in [{**given, **dict(zip(names, combination, strict=True))}]
    ]


def _label(candidate: Candidate) -> str:
    """The learner, and the settings that are not its defaults: 'cnn channels=64'."""
    usual = settings_to_dict(candidate.learner.Settings())
    changed = settings_to_dict(candidate.settings).items() - usual.items()
    return " ".join([candidate.learner.name, *(f"{k}={v}" for k, v in sorted(changed))])


def _judge(
    task: Task,
    data: Dataset,
    candidates: list[Candidate],
    order: TrainOrder,
    run: Run,
) -> _Judged:
    """Every candidate by the same folds; the best one's scores and the baselines'."""
    ranking = choose(
        candidates,
        data,
        k=order.folds,
        seed=order.seed,
        score=score_named(task.metric),
        folder=run.folder,
        split=task.split,
        progress=run.progress,
    )
    results = {_label(entry.candidate): entry.result for entry in ranking if entry.result}
    best = next(iter(results.values()))
    folds = folds_of(data, task.split, order.folds, order.seed)
    unseen = data.take(best.rows)
    scores = scores_of(unseen, best.outputs)
    baselines = baseline_scores(task, data, [(fold.train, fold.test) for fold in folds])
    how = HOW[task.split].format(f"{len(folds)} folds" if len(folds) > 1 else "one fifth held out")
    name = primary(data, task.metric)
    if len(candidates) > 1:
        how += f"; the best of {len(candidates)} candidates by these folds"
    metrics = Metrics(
        metric=task.metric,
        value=scores.pop(name),
        baselines={trivial: values[name] for trivial, values in baselines.items()},
        protocol=how,
        rows=len(unseen),
        more=scores,
        spread=float(np.std(best.scores)),
        groups=group_scores(unseen, best.outputs, task.metric),
        missing={f"{s:g}": value for s, value in best.missing.items() if np.isfinite(value)},
    )
    tried = {name: result.mean for name, result in results.items()}
    failed = {_label(entry.candidate): entry.reason for entry in ranking if not entry.result}
    return _Judged(ranking[0].candidate, metrics, best.rows, best.outputs, tried, failed)


def _coverage(
    model: Model, unseen: Dataset, answers: Arrays, share: float, run: Run
) -> dict[str, dict[str, float]]:
    """How well intervals hold that are made as the model's are, on groups they do not know."""
    try:
        bounded = intervals_unseen(model, unseen, answers, share, run)
    except StadionError:
        return {}  # one group: nobody is left to see it on
    return interval_coverage(unseen, bounded, share)


def _card(task: Task, data: Dataset, metrics: Metrics, lineage: Lineage) -> str:
    return model_card(
        question=task.question,
        reference=task.reference,
        signature=data.signature,
        groups=len(set(data.groups.tolist())),
        metrics=metrics,
        lineage=lineage,
        strata={name: dict(Counter(map(str, values))) for name, values in data.strata.items()},
    )


def _key(order: TrainOrder, data_digest: str) -> str:
    asked = dataclasses.replace(order, licence="")
    text = msgspec.json.encode([asked, data_digest, code_version()], order="deterministic")
    return hashlib.sha256(text).hexdigest()[:16]


@cache
def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
