"""Two sides of a match and what is between them in; chances that do not depend on their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm
import numpy as np
import onnx

from stadion.core.arrays import Array, Arrays, FloatArray
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.train._target import answerable, targets_of
from stadion.train.base import Progress, Run
from stadion.train.network.chance import seed_of
from stadion.train.network.onnx_graph import write_graph
from stadion.train.sides.graph import append_answer
from stadion.train.sides.linear import fit_linear
from stadion.train.sides.orders import Orders, widths_of

__all__ = ["PLUGIN", "Paired", "PairedModel", "PairedSettings"]

_ROWS_A_TREE, _FEWEST_TREES, _MOST_TREES = 40, 10, 300
_TENSORS = ("player", "opponent", "edge", "match", "home_side")


@dataclass(frozen=True, slots=True)
class PairedSettings:
    """What the trees may do, and how much the linear model beside them counts.

    `trees` of 0 are as many as a fortieth of the rows, 300 at most: few matches bear few trees;
    `min_child` is the least number of rows in a leaf, never more than a twentieth of all;
    `bags` sets of trees with other seeds are averaged; `linear_share` of the log-odds comes from
    a linear model with `ridge` as the precision of its weights; a row `half_life_years` old
    weighs half of a new one, 0 weighs all alike.
    """

    trees: int = field(default=0, metadata={"low": 0, "high": 5_000})
    leaves: int = field(default=8, metadata={"low": 2, "high": 256})
    learning_rate: float = field(default=0.04, metadata={"low": 1e-4, "high": 1.0})
    min_child: int = field(default=200, metadata={"low": 1, "high": 100_000})
    l2: float = field(default=10.0, metadata={"low": 0.0, "high": 1e6})
    subsample: float = field(default=0.6, metadata={"low": 0.05, "high": 1.0})
    feature_share: float = field(default=0.3, metadata={"low": 0.01, "high": 1.0})
    bags: int = field(default=1, metadata={"low": 1, "high": 20})
    linear_share: float = field(default=0.5, metadata={"low": 0.0, "high": 1.0})
    ridge: float = field(default=1_000.0, metadata={"low": 0.0, "high": 1e6})
    half_life_years: float = field(default=0.0, metadata={"low": 0.0, "high": 100.0})


@dataclass(frozen=True, slots=True, eq=False)
class PairedModel:
    """Missing values filled, both orders of the sides asked, trees and a linear model averaged."""

    signature: Signature
    orders: Orders
    boosters: tuple[lightgbm.Booster, ...]
    linear_share: float

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        """Outputs by name; see `core.model.Model`."""
        rows = self.signature.check_inputs(inputs)
        (output,) = self.signature.outputs
        classes = len(self.signature.labels[output.name])
        if not rows:
            return {output.name: np.zeros((0, classes), np.float32)}
        features, linear, share = self.orders.of_rows([inputs[name] for name in _TENSORS])
        scores = np.mean(
            [b.predict(features.astype(np.float64), raw_score=True, num_threads=1)
             for b in self.boosters], axis=0,
        ).reshape(2, rows, -1)  # fmt: skip
        turned = -scores[1] if classes == 2 else scores[1][:, ::-1]
        trees = share * scores[0] + (1.0 - share) * turned
        if classes == 2:
            trees = np.concatenate([trees, np.zeros_like(trees)], axis=1)
        logits = (1.0 - self.linear_share) * trees + self.linear_share * linear
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        return {output.name: (chances / chances.sum(axis=1, keepdims=True)).astype(np.float32)}

    def to_onnx(self, path: Path) -> None:
        """The graph of the orders, followed by the trees and their average."""
        (output,) = self.signature.outputs
        classes = len(self.signature.labels[output.name])
        between = (
            Tensor("features", "FP32", (None, self.orders.features)),
            Tensor("linear", "FP32", (None, classes)),
            Tensor("share", "FP32", (None, 1)),
        )
        write_graph(self.orders, Signature(self.signature.inputs, between), path)
        model = onnx.load(path)
        append_answer(model, output.name, classes, self.boosters, self.linear_share)
        onnx.save(model, path)


class Paired:
    """Trees and a linear model that see a match from both sides.

    A match named the other way round gets the same answer the other way round: where nobody is
    at home every match is learned and asked in both orders; else the home side is put first.
    """

    name = "paired"
    summary = "trees and a linear model on both orders of two sides: for matches and duels"
    Settings: type[PairedSettings] = PairedSettings

    def example(self, seed: int) -> Dataset:
        """Sixty duels of sides with two strengths each, the stronger mostly winning."""
        chance = np.random.default_rng(seed)
        ours, theirs = chance.normal(size=(2, 60, 2))
        home = chance.choice([-1.0, 0.0, 1.0], 60)
        gap = (ours - theirs).sum(axis=1) + home
        lost = (gap + chance.logistic(size=60) < 0).astype(np.int64)
        values = {"player": ours, "opponent": theirs, "edge": gap[:, None],
                  "match": chance.normal(size=(60, 1)), "home_side": home}  # fmt: skip
        sizes = {name: (None, *array.shape[1:]) for name, array in values.items()}
        signature = Signature(
            tuple(Tensor(name, "FP32", size) for name, size in sizes.items()),
            (Tensor("outcome", "FP32", (None, 2), columns=("win", "loss"), missing=False),),
            {"outcome": ("win", "loss")},
        )
        inputs = {name: array.astype(np.float32) for name, array in values.items()}
        times = np.arange(60) * 86_400.0
        groups = np.array([f"match-{number}" for number in range(60)])
        return Dataset("duels", signature, inputs, {"outcome": lost}, groups, times=times)

    def fit(self, data: Dataset, settings: PairedSettings, run: Run) -> PairedModel:
        """Learn what missing values usually are, then the linear model, then the trees.

        Raises
        ------
        StadionError
            UNSUPPORTED for a set without the tensors of two sides and one outcome of classes,
            INVALID for targets that cannot be learned.
        """
        _check(data.signature)
        data = answerable(data)
        (target,) = targets_of(data)
        settings = replace(settings, trees=settings.trees or _trees_for(len(data)))
        given = [data.inputs[name] for name in _TENSORS]
        orders = Orders(*widths_of(given), target.size)
        orders.fit(given)
        features, _, share = orders.of_rows(given)
        both = _both(np.asarray(target.labels), target.size, share[:, 0], _ages(data, settings))
        told = orders.linear_inputs(given)
        orders.take_linear(fit_linear(told, *both, settings.ridge, orders.edge_columns))
        total = settings.bags * settings.trees
        boosters = tuple(
            _grow(features, both, settings, seed_of(run.seed, bag), _reporter(run, bag, settings))
            for bag in range(settings.bags)
        )
        run.progress(Progress("trees", total, total))
        return PairedModel(data.signature, orders.eval(), boosters, settings.linear_share)


def _check(signature: Signature) -> None:
    shapes = {tensor.name: tensor.shape for tensor in signature.inputs}
    fits = (
        set(shapes) == set(_TENSORS)
        and shapes["player"] == shapes["opponent"]
        and all(len(shapes[name]) == 2 and shapes[name][1] for name in _TENSORS[:4])
        and len(shapes["home_side"]) == 1
        and len(signature.outputs) == 1
        and signature.outputs[0].name in signature.labels
    )
    if not fits:
        raise StadionError(
            Code.UNSUPPORTED,
            f"paired answers who wins a match: it needs the inputs {', '.join(_TENSORS)} and one "
            f"output of classes, win first and loss last; received {', '.join(shapes)}",
        )


def _trees_for(rows: int) -> int:
    return min(max(rows // _ROWS_A_TREE, _FEWEST_TREES), _MOST_TREES)


class _Both(NamedTuple):
    """Both orders of n rows: (2n,) classes and weights."""

    labels: Array
    weights: FloatArray
    classes: int


def _both(labels: Array, classes: int, share: FloatArray, weights: FloatArray) -> _Both:
    """Each row as it is with `share` of its weight, and turned with the rest."""
    turned = classes - 1 - labels
    both = np.concatenate([share, 1.0 - share]) * np.tile(weights, 2)
    return _Both(np.concatenate([labels, turned]), both, classes)


def _ages(data: Dataset, settings: PairedSettings) -> FloatArray:
    """(n,) weight of each row by its age."""
    if data.times is None or not settings.half_life_years:
        return np.ones(len(data))
    years = (data.times.max() - data.times) / (365.25 * 86_400.0)
    weights: FloatArray = 0.5 ** (years / settings.half_life_years)
    return weights


def _grow(
    features: FloatArray,
    both: _Both,
    settings: PairedSettings,
    seed: int,
    report: Callable[[Any], None],
) -> lightgbm.Booster:
    used = np.flatnonzero(both.weights > 0)
    kind = {"objective": "binary"} if both.classes == 2 else {
        "objective": "multiclass", "num_class": both.classes
    }  # fmt: skip
    parameters = kind | {
        "num_leaves": settings.leaves,
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": max(1, min(settings.min_child, len(used) // 20)),
        "lambda_l2": settings.l2,
        "bagging_fraction": settings.subsample,
        "bagging_freq": 1,
        "feature_fraction": settings.feature_share,
        "seed": seed % 2**31,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    labels = both.labels == 0 if both.classes == 2 else both.labels
    rows = lightgbm.Dataset(features[used], labels[used], weight=both.weights[used])
    return lightgbm.train(parameters, rows, settings.trees, callbacks=[report])


def _reporter(run: Run, bag: int, settings: PairedSettings) -> Callable[[Any], None]:
    total = settings.bags * settings.trees

    def report(state: Any) -> None:
        run.progress(Progress("trees", bag * settings.trees + state.iteration + 1, total))

    return report


PLUGIN = Paired()
