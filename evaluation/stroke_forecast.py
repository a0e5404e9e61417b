"""Badminton: the rest of a rally from its first four strokes, and who wins it by what is played.

The forecast is asked about the validation part of the CoachAI challenge, track 2, whose matches
are in no training part. Settings were chosen on matches of the training part.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from evaluation.protocol import TASKS, Answered, answer_split, joined, summary
from evaluation.results import Result, result
from stadion.core.activity import Table
from stadion.core.arrays import Array, Arrays, FloatArray
from stadion.core.dataset import Dataset
from stadion.ingest import open_path
from stadion.platform.measuring import baseline_scores, scores_of
from stadion.science.badminton import STROKE_TYPES, BestOf, best_of, mirrored, side_of_first
from stadion.science.folds import grouped_folds
from stadion.science.scores import log_loss
from stadion.tasks.base import Task

__all__ = ["evaluate"]

FUTURES = 6
"""Sequences per rally that the challenge takes."""
FOLDS = 3
"""Parts of the matches, each answered by a model of the others, of the winner of a rally."""
TREES = {"trees": 80, "min_child": 1_000, "subsample": 0.5, "missing_rate": 0.0}
"""Few and broad: the strokes of a rally share its winner, and must not be learned by heart."""
METRIC = "cross entropy + landing error, best of 6"
ANCHOR = (
    "2.5776 (challenge's winner: 1.7892 + 0.7884), 2.8774 (ShuttleNet: 2.1777 + 0.6997), both on "
    "the test part"
)


def evaluate(data: Path, seeds: Sequence[int]) -> list[Result]:
    """The forecast of rallies, with and without other matches, and the winner of the rally."""
    folder = data / "F_event_tactics"
    challenge = list(open_path(folder / "coachai_track2").tables)
    others = list(open_path(folder / "shuttleset").tables)
    return [_forecast(challenge, others, seeds), _winner(challenge, others, seeds[0])]


def _forecast(challenge: list[Table], others: list[Table], seeds: Sequence[int]) -> Result:
    """Trained on the challenge's training part and ShuttleSet; the validation part asked once."""
    task = TASKS.get("stroke_forecast")
    asked = _matches(_part(challenge, "val_given.csv"))
    tables = [_part(challenge, "train.csv"), _part(challenge, "val_given.csv"), *others]
    rows = task.dataset(tables, task.Settings())
    is_asked = np.isin(rows.groups, sorted(asked))
    train, test = rows.take(~is_asked), rows.take(is_asked)
    answers = [answer_split(task, train, test, seed, "rally_futures", folds=1) for seed in seeds]
    found = [_best(test, answer.outputs) for answer in answers]
    alone = [_best(test, _expected(answer.outputs)) for answer in answers]
    scores = [best.score for best in found]
    trivial = task.baselines(train, test)
    chain = trivial["Markov chain"]["type"]
    line = result(
        summary(answers),
        task=task.name,
        data="CoachAI track 2, validation part",
        protocol=f"5 matches unseen, {len(seeds)} seeds",
        metric=METRIC,
        value=float(np.mean(scores)),
        spread=float(np.std(scores)),
        baselines={
            **{
                f"Markov chain, places drawn {word}": _drawn(train, test, chain, times, seeds[0])
                for word, times in (("once", 1), ("6 times", FUTURES))
            },
            **{name: _best(test, _expected(outputs)).score for name, outputs in trivial.items()},
        },
        anchor=ANCHOR,
        test_rows=len(test),
        details={
            "cross entropy of the types": round(float(np.mean([b.types.mean() for b in found])), 4),
            "landing error": round(float(np.mean([b.landing.mean() for b in found])), 4),
            "each seed": [round(score, 4) for score in scores],
            "the expected course alone": round(float(np.mean([b.score for b in alone])), 4),
            "by strokes to forecast": _by_length(test, found),
        },
    )
    return dataclasses.replace(line, missing=_missing(test, answers))


def _best(test: Dataset, outputs: Mapping[str, Array]) -> BestOf:
    return best_of(
        test.targets["type"],
        test.targets["landing"].astype(np.float64),
        outputs["future_type"],
        outputs["future_landing"],
    )


def _expected(outputs: Arrays) -> dict[str, Array]:
    """The expected course as the only future."""
    return {f"future_{name}": outputs[name][:, None] for name in ("type", "landing")}


def _missing(test: Dataset, answers: Sequence[Answered]) -> dict[str, float]:
    """The score with each share of the input values blanked, mean over the seeds."""
    shares = {0.0: [a.outputs for a in answers]} | {
        share: [a.missing[share] for a in answers] for share in answers[0].missing
    }
    return {
        f"{share:g}": float(np.mean([_best(test, outputs).score for outputs in each]))
        for share, each in shares.items()
    }


def _by_length(test: Dataset, found: Sequence[BestOf]) -> dict[str, float]:
    """Mean score of the rallies with so many strokes to forecast."""
    left = (test.targets["type"] >= 0).sum(axis=1)
    parts = {"1 to 3": left <= 3, "4 to 11": (left > 3) & (left <= 11), "12 and more": left > 11}
    total = np.mean([best.types + best.landing for best in found], axis=0)
    return {name: round(float(total[rows].mean()), 4) for name, rows in parts.items()}


def _drawn(train: Dataset, test: Dataset, types: FloatArray, futures: int, seed: int) -> float:
    """Score of a Markov chain's types with places of drawn sequences, the best of them.

    A sequence's types are drawn one by the other, and each place among all places of its type.

    Parameters
    ----------
    types
        (n, T, types) chances by the chain from the fourth stroke on: those of every sequence.
    """
    chance = np.random.default_rng(seed)
    chain, places = _chain(train)
    rows, steps, kinds = types.shape
    now = np.repeat(np.nan_to_num(test.inputs["past_type"][:, -1]).argmax(axis=1), futures)
    seen = np.empty((rows * futures, steps, 2))
    for step in range(steps):
        now = (chain[now].cumsum(axis=1) < chance.random((len(now), 1))).sum(axis=1)
        now = now.clip(max=kinds - 1)
        for kind in np.unique(now):
            drawn = now == kind
            seen[drawn, step] = places[kind][chance.integers(len(places[kind]), size=drawn.sum())]
    turned = seen.reshape(rows, futures, steps, 2) * _turn(steps)[None, None, :, None]
    outputs = {
        "future_type": np.repeat(types[:, None], futures, axis=1),
        "future_landing": mirrored(turned, _side(test)),
    }
    return _best(test, outputs).score


def _chain(train: Dataset) -> tuple[FloatArray, list[FloatArray]]:
    """Chance of the next type by the last one, and all landing points of each type."""
    last = np.nan_to_num(train.inputs["past_type"][:, -1]).argmax(axis=1)
    runs = np.concatenate([last[:, None], train.targets["type"]], axis=1)
    before, after = runs[:, :-1].ravel(), runs[:, 1:].ravel()
    both = (before >= 0) & (after >= 0)
    counts = np.full((len(STROKE_TYPES), len(STROKE_TYPES)), 0.1)
    np.add.at(counts, (before[both], after[both]), 1.0)
    types, landing = train.targets["type"], train.targets["landing"]
    seen = mirrored(landing, _side(train)) * _turn(types.shape[1])[None, :, None]
    known = np.isfinite(seen).all(axis=2)
    found = [seen[(types == kind) & known] for kind in range(len(STROKE_TYPES))]
    places = [part if len(part) else np.zeros((1, 2)) for part in found]
    return counts / counts.sum(axis=1, keepdims=True), places


def _turn(steps: int) -> FloatArray:
    """1 for strokes of the first player, -1 for those of the second."""
    turn: FloatArray = 1.0 - 2.0 * (np.arange(steps) % 2)
    return turn


def _side(data: Dataset) -> FloatArray:
    places = (data.inputs[f"past_{of}"] for of in ("player", "opponent", "landing"))
    return side_of_first(*places)


def _winner(challenge: list[Table], others: list[Table], seed: int) -> Result:
    """The winner of a rally by what is played next: whole matches unseen.

    The settings were chosen by folds of these matches, so the strokes given of the matches of the
    other two parts are asked about as well, by a model of all matches.
    """
    task = TASKS.get("rally_winner")
    train = [_part(challenge, "train.csv"), *others]
    data = task.dataset(train, task.Settings())
    folds = [(fold.train, fold.test) for fold in grouped_folds(data, FOLDS, seed)]
    tests = [asked for _, asked in folds]
    answers = [_by_trees(task, data.take(known), data.take(asked), seed) for known, asked in folds]
    given = [_part(challenge, f"{name}_given.csv") for name in ("val", "test")]
    whole_set = task.dataset([*train, *(_opening(table) for table in given)], task.Settings())
    is_new = np.isin(whole_set.groups, sorted(set().union(*map(_matches, given))))
    fresh = _by_trees(task, whole_set.take(~is_new), whole_set.take(is_new), seed)
    whole = joined(answers, data, tests)
    typed = _with_type_only(whole.test)
    trivial = baseline_scores(task, data, folds)
    each = [scores_of(a.test, a.outputs)["win.log_loss"] for a in answers]
    return result(
        summary([whole]),
        task=task.name,
        data="CoachAI track 2, training part, and ShuttleSet",
        protocol=f"{FOLDS} folds over {len(set(whole.test.groups.tolist()))} matches",
        metric="log_loss",
        value=scores_of(whole.test, whole.outputs)["win.log_loss"],
        spread=float(np.std(each)),
        baselines={name: found["win.log_loss"] for name, found in trivial.items()},
        anchor="none on these rows",
        test_rows=len(whole.test),
        details={
            "area under the curve": _by_kind(whole),
            "log loss": _losses(whole),
            "14 other matches, strokes 2 to 4, log loss": _losses(fresh),
            "calibration error": round(
                scores_of(whole.test, whole.outputs)["win.calibration_error"], 4
            ),
            "errors, area under the curve": round(
                float(
                    roc_auc_score(
                        whole.test.targets["error"][typed], whole.outputs["error"][typed, 1]
                    )
                ),
                4,
            ),
        },
    )


def _by_trees(task: Task, train: Dataset, test: Dataset, seed: int) -> Answered:
    return answer_split(task, train, test, seed, "boosting", folds=1, settings=TREES)


def _opening(table: Table) -> Table:
    """The first four strokes of its rallies: where the players stood is known of no other."""
    rows = table.columns["stroke"] <= 4
    return dataclasses.replace(
        table, columns={name: values[rows] for name, values in table.columns.items()}
    )


def _by_kind(answer: Answered) -> dict[str, float]:
    """How well the winners are told from the losers, by what is known of the next stroke."""
    truth, told = answer.test.targets["win"], answer.outputs["win"][:, 1]
    return {
        name: round(float(roc_auc_score(truth[rows], told[rows])), 4)
        for name, rows in _kinds(answer).items()
    }


def _kinds(answer: Answered) -> dict[str, Array]:
    """Rows by what is known of the next stroke."""
    inputs = answer.test.inputs
    return {
        "stroke unknown": ~np.isfinite(inputs["stroke_type"][:, 0]),
        "its type": _with_type_only(answer.test),
        "its type and landing": np.isfinite(inputs["stroke_landing"][:, 0]),
    }


def _losses(answer: Answered) -> dict[str, float]:
    """Log loss by what is known of the next stroke, and that of tossing a coin."""
    truth, told = answer.test.targets["win"], answer.outputs["win"]
    return {
        name: round(log_loss(truth[rows], told[rows]), 4) for name, rows in _kinds(answer).items()
    } | {"a coin": round(log_loss(truth, np.full((len(truth), 2), 0.5)), 4)}


def _with_type_only(data: Dataset) -> Array:
    typed = np.isfinite(data.inputs["stroke_type"][:, 0])
    rows: Array = typed & ~np.isfinite(data.inputs["stroke_landing"][:, 0])
    return rows


def _part(tables: Sequence[Table], name: str) -> Table:
    """The table that was made of the file of that name."""
    return next(table for table in tables if table.source.name.endswith(name))


def _matches(table: Table) -> set[str]:
    return set(table.columns["match"].tolist())
