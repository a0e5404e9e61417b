"""Mean heart rate of PMData's training sessions: known people, later days."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.protocol import TASKS, answer_split, summary
from evaluation.results import Result, result
from stadion.ingest import open_path
from stadion.platform.measuring import baseline_scores, scores_of

__all__ = ["evaluate"]

LEARNER = "boosting"
"""Fixed beforehand, with its default settings."""
_KNOWN = 0.7
"""Share of the sessions, the earlier ones, that is learned from."""


def evaluate(data: Path, seeds: Sequence[int]) -> list[Result]:
    """Learn from the first 70% of the sessions of all people, answer the rest."""
    task = TASKS.get("session_heart_rate")
    opened = open_path(data / "C_daily_health" / "pmdata")
    rows = task.dataset(opened.recordings, task.Settings())
    assert rows.times is not None
    border = np.quantile(rows.times, _KNOWN)
    known, asked = np.flatnonzero(rows.times < border), np.flatnonzero(rows.times >= border)
    answers = [
        answer_split(task, rows.take(known), rows.take(asked), seed, LEARNER, folds=4)
        for seed in seeds
    ]
    values = [scores_of(a.test, a.outputs)["mae"] for a in answers]
    trivial = baseline_scores(task, rows, [(known, asked)])
    return [
        result(
            summary(answers),
            task=task.name,
            data="PMData sessions",
            protocol="the last 30% of the sessions of known people",
            metric="mae",
            value=float(np.mean(values)),
            spread=float(np.std(values)),
            baselines={name: scores["mae"] for name, scores in trivial.items()},
            anchor="person and kind mean 8.58, person mean 14.77, global mean 15.92 on these "
            "sessions, not split by time",
            test_rows=len(asked),
        )
    ]
