"""Candidates and a training set in; each one's score on rows it did not see out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from stadion.core.arrays import Array, IntArray
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.model import Model
from stadion.science.folds import folds_of
from stadion.science.missing import blanked
from stadion.science.scores import Score
from stadion.train.base import Learner, Progress, Run, silent

__all__ = ["SHARES_MISSING", "Candidate", "CvResult", "Ranked", "choose", "cross_validate"]

SHARES_MISSING = (0.1, 0.3, 0.5)
"""Shares of the input values that are taken away to see what an answer loses by it."""
_MOST_BLANKED = 1_000  # rows of a fold: enough for a score, and no fold takes long for it


@dataclass(frozen=True, slots=True, eq=False)
class CvResult:
    """A learner measured on rows it did not see.

    Parameters
    ----------
    scores
        One per fold.
    rows
        (k,) the rows that were tested, rising; all of them unless the split is by time.
    outputs
        Output name -> (k, ...): each of these rows answered by the model that had not seen its
        group, or anything later than what it had learned from.
    train_s
        Seconds of all the fits together.
    missing
        Share of the input values taken away -> the score, each fold counting the same.
    """

    score: str
    scores: tuple[float, ...]
    rows: IntArray
    outputs: Mapping[str, Array]
    train_s: float
    missing: Mapping[float, float] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """The score, each fold counting the same."""
        return float(np.mean(self.scores))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A learner with the settings it is tried with."""

    learner: Learner
    settings: Any


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """How a candidate did; without a result, `reason` says why it could not be tried."""

    candidate: Candidate
    result: CvResult | None
    reason: str = ""


def cross_validate(
    learner: Learner,
    settings: Any,
    data: Dataset,
    *,
    k: int,
    seed: int,
    score: Score,
    folder: Path,
    split: Literal["group", "time"] = "group",
    progress: Callable[[Progress], None] = silent,
) -> CvResult:
    """Train on all folds but one, answer that one, `k` times over.

    Parameters
    ----------
    score
        Measured on the signature's first output.
    folder
        Each fold's run keeps its checkpoints in a folder of its own below.
    split
        As the task declares it; see `science.folds.folds_of`.

    Raises
    ------
    StadionError
        What the learner or `folds_of` raise.
    """
    folds = folds_of(data, split, k, seed)
    name = data.signature.outputs[0].name
    answers: list[dict[str, Array]] = []
    blanked_scores: list[list[float]] = []
    began = time.monotonic()
    for number, fold in enumerate(folds):
        progress(Progress(f"{learner.name}: folds", number, len(folds)))
        run = Run(seed, folder / f"fold-{number}", progress)
        model = learner.fit(data.take(fold.train), settings, run)
        test = data.take(fold.test)
        answers.append(model.predict(test.inputs))
        blanked_scores.append(_blanked_scores(model, test, name, score, seed))
    progress(Progress(f"{learner.name}: folds", len(folds), len(folds)))
    truth = data.targets[name]
    return CvResult(
        score.name,
        tuple(
            score.compute(truth[fold.test], answer[name])
            for fold, answer in zip(folds, answers, strict=True)
        ),
        np.sort(np.concatenate([fold.test for fold in folds])),
        _in_order([fold.test for fold in folds], answers),
        time.monotonic() - began,
        dict(zip(SHARES_MISSING, np.mean(blanked_scores, axis=0).tolist(), strict=True)),
    )


def _blanked_scores(model: Model, data: Dataset, name: str, score: Score, seed: int) -> list[float]:
    """The score on some of the rows, once per share of missing values; NaN without known truth."""
    some = data.take(np.arange(min(len(data), _MOST_BLANKED)))
    scores = []
    for share in SHARES_MISSING:
        answer = model.predict(blanked(some.inputs, share, seed, data.signature))[name]
        try:
            scores.append(score.compute(some.targets[name], answer))
        except StadionError:
            scores.append(float("nan"))
    return scores


def choose(
    candidates: Sequence[Candidate],
    data: Dataset,
    *,
    k: int,
    seed: int,
    score: Score,
    folder: Path,
    split: Literal["group", "time"] = "group",
    progress: Callable[[Progress], None] = silent,
) -> list[Ranked]:
    """Cross-validate every candidate on the same folds; best first, failed ones last.

    Raises
    ------
    StadionError
        INVALID when no candidate could be trained, with each one's reason.
    """
    ranked = []
    for number, candidate in enumerate(candidates):
        place = folder / f"{number:02d}-{candidate.learner.name}"
        try:
            result = cross_validate(
                candidate.learner, candidate.settings, data,
                k=k, seed=seed, score=score, folder=place, split=split, progress=progress,
            )  # fmt: skip
            ranked.append(Ranked(candidate, result))
        except StadionError as error:
            ranked.append(Ranked(candidate, None, str(error)))
    if all(entry.result is None for entry in ranked):
        reasons = "; ".join(f"{r.candidate.learner.name}: {r.reason}" for r in ranked)
        raise StadionError(Code.INVALID, f"no learner could be trained: {reasons or 'none given'}")
    return sorted(ranked, key=lambda entry: _loss(entry.result, score))


def _loss(result: CvResult | None, score: Score) -> float:
    """Smaller is better; without a finite score, infinite."""
    if result is None or not np.isfinite(result.mean):
        return float("inf")
    return -result.mean if score.higher_is_better else result.mean


def _in_order(rows: Sequence[Array], answers: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The folds' answers put back into the order of the rows."""
    back = np.argsort(np.concatenate(rows))
    return {name: np.concatenate([answer[name] for answer in answers])[back] for name in answers[0]}
