"""Targets and a model's answers in, one number each out: how good the answers are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.core.errors import Code, StadionError

__all__ = [
    "SCORES",
    "Score",
    "accuracy",
    "all_scores",
    "balanced_accuracy",
    "brier",
    "calibration_error",
    "log_loss",
    "macro_f1",
    "mae",
    "r2",
    "rmse",
    "rps",
    "score_named",
]

_TINY = 1e-15  # a probability of 0 would make one row's loss infinite
_BINS = 10
_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Score:
    """A way to measure answers.

    Parameters
    ----------
    compute
        (targets, outputs) -> value: (n,) class indices, -1 = unknown, with (n, K) probabilities
        when `of_classes`, or (n, T) with (n, T, K) for a class at each of T places; else two
        arrays (n, ...) of one quantity, NaN = unknown. What is unknown does not count.
    unit
        `1` for a pure number, `target` for the unit of the quantity itself.
    """

    name: str
    compute: Callable[[Array, Array], float]
    higher_is_better: bool
    of_classes: bool
    unit: str
    meaning: str

    def is_better(self, value: float, than: float) -> bool:
        """True when `value` is the better of the two; NaN is never better."""
        return value > than if self.higher_is_better else value < than


def accuracy(targets: IntArray, probabilities: FloatArray) -> float:
    """Share of rows whose most probable class is the true one, 0 to 1.

    Parameters
    ----------
    targets
        (n,) class indices.
    probabilities
        (n, K).

    Examples
    --------
    >>> accuracy(np.array([0, 1]), np.array([[0.9, 0.1], [0.6, 0.4]]))
    0.5
    """
    targets, probabilities = _classes(targets, probabilities)
    return float((probabilities.argmax(axis=1) == targets).mean())


def balanced_accuracy(targets: IntArray, probabilities: FloatArray) -> float:
    """Mean over the classes that occur of the share recognised, 0 to 1.

    References
    ----------
    K. Brodersen et al., The balanced accuracy and its posterior distribution, ICPR 2010.
    """
    targets, probabilities = _classes(targets, probabilities)
    right = probabilities.argmax(axis=1) == targets
    return float(np.mean([right[targets == label].mean() for label in np.unique(targets)]))


def macro_f1(targets: IntArray, probabilities: FloatArray) -> float:
    """Mean over classes of the harmonic mean of precision and recall, 0 to 1.

    Classes that are neither true nor answered in any row do not count.

    References
    ----------
    M. Sokolova, G. Lapalme, A systematic analysis of performance measures for classification
    tasks, Information Processing & Management 45 (2009), table 3.
    """
    targets, probabilities = _classes(targets, probabilities)
    answers = probabilities.argmax(axis=1)
    right = targets == answers
    return float(
        np.mean(
            [
                2
                * right[targets == label].sum()
                / ((targets == label).sum() + (answers == label).sum())
                for label in np.union1d(targets, answers)
            ]
        )
    )


def log_loss(targets: IntArray, probabilities: FloatArray) -> float:
    """Mean negative natural logarithm of the true class's probability, 0 is perfect.

    References
    ----------
    I. J. Good, Rational decisions, J. Royal Statistical Society B 14 (1952).
    """
    targets, probabilities = _classes(targets, probabilities)
    given = probabilities[np.arange(len(targets)), targets]
    return float(-np.log(np.clip(given, _TINY, 1.0)).mean())


def brier(targets: IntArray, probabilities: FloatArray) -> float:
    """Mean squared distance of the probabilities from the truth, summed over classes, 0 to 2.

    References
    ----------
    G. W. Brier, Verification of forecasts expressed in terms of probability, Monthly Weather
    Review 78 (1950), equation 2.
    """
    targets, probabilities = _classes(targets, probabilities)
    truth = np.eye(probabilities.shape[1])[targets]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def rps(targets: IntArray, probabilities: FloatArray) -> float:
    """Mean ranked probability score of classes in their order, 0 is perfect, 1 the worst.

    The squared distance of the cumulated probabilities from the truth, over classes - 1: for
    win, draw and loss a draw is nearer to a win than a loss is.

    Examples
    --------
    >>> round(rps(np.array([0]), np.array([[0.5, 0.3, 0.2]])), 3)
    0.145

    References
    ----------
    E. Epstein, A scoring system for probability forecasts of ranked categories, J. Applied
    Meteorology 8 (1969) 985-987; A. Constantinou, N. Fenton, J. Quant. Anal. Sports 8 (2012).
    """
    targets, probabilities = _classes(targets, probabilities)
    truth = np.eye(probabilities.shape[1])[targets]
    beyond = (probabilities - truth).cumsum(axis=1)[:, :-1]
    return float((beyond**2).sum(axis=1).mean() / max(probabilities.shape[1] - 1, 1))


def calibration_error(targets: IntArray, probabilities: FloatArray) -> float:
    """Mean distance between how sure the answers are and how often they are right, 0 to 1.

    Rows are sorted into ten equal bins of the highest probability.

    References
    ----------
    M. Naeini, G. Cooper, M. Hauskrecht, Obtaining well calibrated probabilities using Bayesian
    binning, AAAI 2015 (expected calibration error).
    """
    targets, probabilities = _classes(targets, probabilities)
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    gaps = [abs(right[bins == b].sum() - sure[bins == b].sum()) for b in range(_BINS)]
    return float(sum(gaps) / len(targets))


def mae(targets: FloatArray, answers: FloatArray) -> float:
    """Mean absolute error in the unit of the target; missing (NaN) targets do not count.

    Parameters
    ----------
    targets, answers
        (n, ...) of one shape.

    Examples
    --------
    >>> mae(np.array([100.0, 120.0]), np.array([110.0, 120.0]))
    5.0
    """
    targets, answers = _quantities(targets, answers)
    return float(np.abs(answers - targets).mean())


def rmse(targets: FloatArray, answers: FloatArray) -> float:
    """Root of the mean squared error in the unit of the target; NaN targets do not count."""
    targets, answers = _quantities(targets, answers)
    return float(np.sqrt(((answers - targets) ** 2).mean()))


def r2(targets: FloatArray, answers: FloatArray) -> float:
    """Share of the targets' variance that is explained; 1 is perfect, 0 as good as their mean.

    0 where the targets do not vary. NaN targets do not count.
    """
    targets, answers = _quantities(targets, answers)
    spread = float(((targets - targets.mean()) ** 2).sum())
    return 1.0 - float(((answers - targets) ** 2).sum()) / spread if spread else 0.0


SCORES: dict[str, Score] = {
    score.name: score
    for score in (
        Score("accuracy", accuracy, True, True, "1", "share of rows answered right"),
        Score("balanced_accuracy", balanced_accuracy, True, True, "1", "mean recall of classes"),
        Score("macro_f1", macro_f1, True, True, "1", "mean F1 of the classes"),
        Score("log_loss", log_loss, False, True, "1", "surprise at the truth, in nats"),
        Score("brier", brier, False, True, "1", "squared error of the probabilities"),
        Score("rps", rps, False, True, "1", "squared error of the cumulated probabilities"),
        Score("calibration_error", calibration_error, False, True, "1", "sureness against truth"),
        Score("mae", mae, False, False, "target", "mean absolute error"),
        Score("rmse", rmse, False, False, "target", "root mean squared error"),
        Score("r2", r2, True, False, "1", "share of variance explained"),
    )
}


def score_named(name: str) -> Score:
    """The score of that name.

    Raises
    ------
    StadionError
        NOT_FOUND, listing the names there are.
    """
    if name not in SCORES:
        raise StadionError(
            Code.NOT_FOUND, f"there is no score {name[:80]!r}; there are {', '.join(SCORES)}"
        )
    return SCORES[name]


def all_scores(targets: Array, outputs: Array, *, of_classes: bool) -> dict[str, float]:
    """Every score that fits: those of classes, or those of a quantity.

    Parameters
    ----------
    targets, outputs
        As `Score.compute` takes them.
    of_classes
        True when `outputs` are class probabilities.
    """
    return {
        name: score.compute(targets, outputs)
        for name, score in SCORES.items()
        if score.of_classes == of_classes
    }


def _classes(targets: Array, probabilities: Array) -> tuple[IntArray, FloatArray]:
    targets, probabilities = np.asarray(targets), np.asarray(probabilities, dtype=np.float64)
    fits = probabilities.ndim > 1 and targets.shape == probabilities.shape[:-1] and len(targets)
    if not fits or targets.dtype.kind not in "iu":
        raise StadionError(
            Code.INVALID,
            f"targets are {targets.dtype} {list(targets.shape)} and probabilities "
            f"{list(probabilities.shape)}; expected n class indices, n from 1, and [n, K]",
        )
    known = targets != _UNKNOWN
    targets, probabilities = targets[known], probabilities[known]
    if not len(targets):
        raise StadionError(Code.INVALID, "no row has a known class; expected at least one")
    if targets.min() < 0 or targets.max() >= probabilities.shape[1]:
        raise StadionError(
            Code.INVALID,
            f"targets reach from {targets.min()} to {targets.max()}; "
            f"expected 0 to {probabilities.shape[1] - 1}",
        )
    return targets, probabilities


def _quantities(targets: Array, answers: Array) -> tuple[FloatArray, FloatArray]:
    targets, answers = np.asarray(targets, np.float64), np.asarray(answers, np.float64)
    known = ~np.isnan(targets)
    if targets.shape != answers.shape or not known.any():
        raise StadionError(
            Code.INVALID,
            f"targets are {list(targets.shape)} with {int(known.sum())} known values and answers "
            f"{list(answers.shape)}; expected one shape and at least one known target",
        )
    return targets[known], answers[known]
