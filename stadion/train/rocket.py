"""A training set in; random convolution kernels and a ridge on their features out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor, nn

from stadion.core.arrays import FloatArray, IntArray
from stadion.core.dataset import Dataset
from stadion.science.folds import grouped_folds
from stadion.train._target import Target, answerable, targets_of
from stadion.train.base import Progress, Run
from stadion.train.kernels.drawing import as_buffer
from stadion.train.kernels.features import KernelFeatures, Variant
from stadion.train.kernels.ridge import Decomposed, Linear, decomposed, fitted_ridge
from stadion.train.kernels.temperature import best_temperature
from stadion.train.network.chance import seed_of
from stadion.train.network.front import Front
from stadion.train.network.model import TorchModel

__all__ = ["PLUGIN", "Rocket", "RocketSettings"]

_FEATURES = ((1_000, 12_000), (3_000, 8_000), (float("inf"), 1_500))  # up to rows: features
_MOST_RESPONSES = 1_200_000  # features x steps: keeps one answer near 3 ms on one core
_LEAST_FEATURES = 1_500
_CLIP = 8.0  # standard deviations: farther out a linear answer is no longer to be trusted
_PARTS = 5


@dataclass(frozen=True, slots=True)
class RocketSettings:
    """`variant` names the kernels: thresholds on fixed ones, competing random ones, or both.

    `features` None takes 12,000 for up to 1,000 rows, 8,000 for up to 3,000, else 1,500: the
    time to fit rises with the cube of the smaller of rows and features. Series of more than 100
    steps get fewer, as the time to answer rises with their product.
    """

    variant: Variant = field(default="both", metadata={"search": list(get_args(Variant))})
    features: int | None = field(
        default=None,
        metadata={"low": 500, "high": 50_000, "search": [None, 1_500, 4_000, 12_000]},
    )


class Standard(NamedTuple):
    """How features are scaled: (f - center) * slope, clipped; `after` is then their mean.

    All (d,); a slope of 0 leaves a feature out that does not vary.
    """

    center: FloatArray
    slope: FloatArray
    after: FloatArray


class RocketGraph(nn.Module):
    """Inputs -> kernel features -> standardised and clipped -> one linear answer per output.

    Parameters
    ----------
    standard
        Of the d features that `features` gives.
    """

    center: Tensor
    slope: Tensor
    weight: Tensor
    intercept: Tensor

    def __init__(
        self,
        features: KernelFeatures,
        standard: Standard,
        answers: list[tuple[Target, Linear]],
    ) -> None:
        super().__init__()
        self.features = features
        self._shapes = [target.shape for target, _ in answers]
        self._is_class = [target.labels is not None for target, _ in answers]
        self._sizes = [target.size for target, _ in answers]
        weight = np.concatenate([linear.weight for _, linear in answers], axis=1)
        intercept = np.concatenate([linear.intercept for _, linear in answers])
        self.register_buffer("center", as_buffer(standard.center))
        self.register_buffer("slope", as_buffer(standard.slope))
        self.register_buffer("weight", as_buffer(weight))
        self.register_buffer("intercept", as_buffer(intercept - standard.after @ weight))

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The outputs in the signature's order: probabilities, or quantities in their shape."""
        scaled = (self.features(*inputs) - self.center) * self.slope
        linear = torch.clamp(scaled, -_CLIP, _CLIP) @ self.weight + self.intercept
        parts = torch.split(linear, self._sizes, dim=1)
        return tuple(
            torch.softmax(part, dim=1) if is_class else part.reshape(-1, *shape)
            for part, is_class, shape in zip(parts, self._is_class, self._shapes, strict=True)
        )


class Rocket:
    """Fixed and random kernels, pooled over time, under a ridge: quick to fit, hard to beat."""

    name = "rocket"
    summary = "random convolution kernels and a ridge: seconds to fit, strong on short windows"
    Settings: type[RocketSettings] = RocketSettings

    def fit(self, data: Dataset, settings: RocketSettings, run: Run) -> TorchModel:
        """Draw the kernels, then solve for the weights in closed form.

        The penalty is the one of least error on held-out rows: whole groups, or single rows
        where every row is its own group. Class probabilities are the softmax of the linear
        answers, with the temperature of least log loss on the same held-out rows.

        Raises
        ------
        StadionError
            INVALID when no input is a series of fixed length, or a target cannot be learned.
        """
        data = answerable(data)
        targets = targets_of(data)
        inputs = [data.inputs[tensor.name] for tensor in data.signature.inputs]
        front = Front.fitted(data.signature, data.inputs)
        wanted = settings.features or _sensible_number(len(data), front.steps or 1)
        features = KernelFeatures(front, settings.variant, wanted).eval()
        features.fit(inputs, np.random.default_rng(seed_of(run.seed)))
        run.progress(Progress("kernels", 1, 2))
        scale, rows = _standardised(features.of_rows(inputs))
        whole = _Solved(decomposed(rows), _held_out_parts(data, run.seed))
        answers = [(target, _linear(whole, rows, data, target, run.seed)) for target in targets]
        run.progress(Progress("ridge", 2, 2))
        return TorchModel(RocketGraph(features, scale, answers).eval(), data.signature)


def _sensible_number(rows: int, steps: int) -> int:
    by_rows = next(features for most, features in _FEATURES if rows <= most)
    return max(_LEAST_FEATURES, min(by_rows, _MOST_RESPONSES // steps))


def _standardised(features: FloatArray) -> tuple[Standard, FloatArray]:
    """The scale, and the (n, d) float64 features scaled, clipped and centred by it."""
    center, spread = features.mean(axis=0), features.std(axis=0)
    slope = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-6)
    clipped = np.clip((features - center) * slope, -_CLIP, _CLIP).astype(np.float64)
    after = clipped.mean(axis=0)
    return Standard(center, slope, after), clipped - after


def _held_out_parts(data: Dataset, seed: int) -> list[IntArray] | None:
    """Rows that are held out together: folds of groups; None for one row at a time.

    The rows of a single group are cut into stretches, so that neighbours stay together.
    """
    groups = len(np.unique(data.groups))
    if groups == len(data):
        return None
    if groups == 1:
        return [part for part in np.array_split(np.arange(len(data)), _PARTS) if len(part)]
    return [fold.test for fold in grouped_folds(data, _PARTS, seed)]


class _Solved(NamedTuple):
    """Features decomposed, and the rows of them that are held out together."""

    features: Decomposed
    parts: list[IntArray] | None


def _linear(whole: _Solved, rows: FloatArray, data: Dataset, target: Target, seed: int) -> Linear:
    """The ridge on the rows that have the target; for classes, divided by its temperature."""
    center = np.zeros(rows.shape[1])
    if not target.known.all():
        some = np.flatnonzero(target.known)
        target, center = target.take(some), rows[some].mean(axis=0)
        whole = _Solved(decomposed(rows[some] - center), _held_out_parts(data.take(some), seed))
    linear = fitted_ridge(whole.features, target.values, whole.parts)
    linear = linear._replace(intercept=linear.intercept - center @ linear.weight)
    if target.labels is None:
        return linear
    divisor = best_temperature(linear.held_out, target.labels)
    return Linear(linear.weight / divisor, linear.intercept / divisor, linear.held_out / divisor)


PLUGIN = Rocket()
