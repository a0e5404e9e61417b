"""A training set in; gradient-boosted trees on window statistics out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal, NamedTuple

import lightgbm
import numpy as np
import onnx
from onnx import helper, numpy_helper

from stadion.core.arrays import Array, Arrays, FloatArray, IntArray
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.train._blanks import with_blanked_copies
from stadion.train._target import Target, answerable, targets_of
from stadion.train.base import Progress, Run
from stadion.train.network.chance import seed_of
from stadion.train.network.holdout import held_out_rows
from stadion.train.network.onnx_graph import write_graph
from stadion.train.windows.chosen import most_important, most_telling
from stadion.train.windows.statistics import WindowStatistics
from stadion.train.windows.trees import TREES_DOMAIN, TREES_OPSET, trees_node

__all__ = ["PLUGIN", "Boosting", "BoostingSettings", "TreesModel"]

_MOST_QUANTITIES = 64
_OBJECTIVES = {"mae": "regression_l1", "mse": "regression", "huber": "huber"}
_STATISTICS = "window_statistics"
_HELD_OUT = 0.2
_MANY_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class BoostingSettings:
    """What the trees may do.

    `min_child` is the least number of rows in a leaf; `subsample` and `feature_share` are the
    shares of rows and statistics each tree sees; `objective` counts for quantities only;
    `patience` trees without gain on held-out groups end the training, 0 never does.

    With a `missing_rate` the trees also learn from copies of the rows that lost whole channels,
    blocks of time and single values: that share of all values, over rows and copies. Each tree
    sees as many rows as without the copies; rows held out for `patience` have none.

    `select` leaves at most `keep` statistics to the trees: by `mrmr` those that tell most of the
    targets and least of each other, by `permutation` those without which trees grown on a part
    of the groups answer the other groups worse.
    """

    trees: int = field(default=200, metadata={"low": 1, "high": 5_000, "search": (50, 800, "log")})
    leaves: int = field(default=15, metadata={"low": 2, "high": 512, "search": (3, 63, "log")})
    learning_rate: float = field(
        default=0.05, metadata={"low": 1e-4, "high": 1.0, "search": (0.01, 0.3, "log")}
    )
    min_child: int = field(
        default=10, metadata={"low": 1, "high": 100_000, "search": (2, 60, "log")}
    )
    l2: float = field(default=1.0, metadata={"low": 0.0, "high": 1e6, "search": (1e-2, 1e2, "log")})
    subsample: float = field(default=0.8, metadata={"low": 0.05, "high": 1.0, "search": (0.4, 1.0)})
    feature_share: float = field(
        default=0.5, metadata={"low": 0.01, "high": 1.0, "search": (0.05, 1.0, "log")}
    )
    objective: Literal["mae", "mse", "huber"] = "mse"
    class_weights: Literal["none", "balanced"] = "none"
    patience: int = field(default=0, metadata={"low": 0, "high": 1_000})
    missing_rate: float = field(
        default=0.1, metadata={"low": 0.0, "high": 0.45, "search": (0.0, 0.25)}
    )
    select: Literal["none", "mrmr", "permutation"] = "none"
    keep: int = field(default=40, metadata={"low": 1, "high": 10_000})


@dataclass(frozen=True, slots=True, eq=False)
class TreesModel:
    """Statistics of the inputs, then one set of trees per output (per column of a quantity).

    The trees see the `chosen` statistics only (their places, rising), or all.
    """

    signature: Signature
    statistics: WindowStatistics
    answers: tuple[tuple[Target, tuple[lightgbm.Booster, ...]], ...]
    chosen: IntArray | None = None

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        """Outputs by name; see `core.model.Model`."""
        rows = self.signature.check_inputs(inputs)
        if not rows:
            return {t.name: np.zeros((0, *t.shape), np.float32) for t, _ in self.answers}
        given = [inputs[tensor.name] for tensor in self.signature.inputs]
        features = self.statistics.of_rows(given).astype(np.float64)
        if self.chosen is not None:
            features = features[:, self.chosen]
        return {target.name: _answer(target, trees, features) for target, trees in self.answers}

    def to_onnx(self, path: Path) -> None:
        """The graph of the statistics, followed by the trees."""
        width = int(self.statistics.typical.shape[0])
        between = Tensor(_STATISTICS, "FP32", (None, width))
        write_graph(self.statistics, Signature(self.signature.inputs, (between,)), path)
        model = onnx.load(path)
        del model.graph.output[:]
        read = _STATISTICS
        if self.chosen is not None:
            read = f"{_STATISTICS}:chosen"
            places = numpy_helper.from_array(self.chosen.astype(np.int64), f"{read}:places")
            model.graph.initializer.append(places)
            model.graph.node.append(
                helper.make_node("Gather", [_STATISTICS, places.name], [read], axis=1)
            )
        for target, boosters in self.answers:
            _append_answer(model.graph, target, boosters, read)
        model.opset_import.append(helper.make_opsetid(TREES_DOMAIN, TREES_OPSET))
        onnx.save(model, path)


class Boosting:
    """Trees that correct each other, on what can be said of a window in numbers."""

    name = "boosting"
    summary = "gradient-boosted trees on window statistics: robust with few rows and with holes"
    Settings: type[BoostingSettings] = BoostingSettings

    def fit(self, data: Dataset, settings: BoostingSettings, run: Run) -> TreesModel:
        """Compute the statistics once, then grow the trees of each output on the rows that have it.

        Raises
        ------
        StadionError
            INVALID for inputs without fixed size or targets that cannot be learned, UNSUPPORTED
            for text and for quantities of more than 64 columns.
        """
        data = answerable(data)
        targets_of(data)  # refuses what cannot be learned before any work is done
        held = held_out_rows(data, _HELD_OUT, run.seed) if settings.patience else None
        rows = len(data)
        if settings.missing_rate:
            data, held = _with_copies(data, held, settings.missing_rate, run.seed)
        trained = rows if held is None else int((~held[:rows]).sum())
        seen = settings.subsample * trained / (trained + len(data) - rows)
        targets = targets_of(data)
        statistics = WindowStatistics(data.signature)
        given = [data.inputs[tensor.name] for tensor in data.signature.inputs]
        features = statistics.fit(statistics.of_rows(given), rows)
        signature, chosen = data.signature, None
        if settings.select != "none":
            whole = np.arange(rows)  # without the copies
            own = [target.take(whole) for target in targets]
            chosen = _chosen(features[:rows], own, data.take(whole), settings, run.seed)
            names = tuple(statistics.names[place] for place in chosen)
            signature = dataclasses.replace(signature, selected=names)
            features = features[:, chosen]
        grown = count(1)
        sets = sum(1 if target.labels is not None else target.size for target in targets)

        def report(_: Any) -> None:
            run.progress(Progress("trees", next(grown), sets * settings.trees))

        work = _Work(features, held, seen, settings, run.seed, report)
        answers = tuple((target, tuple(_grow(target, work))) for target in targets)
        run.progress(Progress("trees", sets * settings.trees, sets * settings.trees))
        return TreesModel(signature, statistics.eval(), answers, chosen)


class _Work(NamedTuple):
    """What all sets of trees have in common; `held` rows (n,) judge when to stop.

    `seen` is the share of the training rows that each tree sees.
    """

    features: FloatArray
    held: Array | None
    seen: float
    settings: BoostingSettings
    seed: int
    report: Callable[[Any], None]


def _with_copies(
    data: Dataset, held: Array | None, rate: float, seed: int
) -> tuple[Dataset, Array | None]:
    """Rows that train, of many half of them, get a blanked copy behind all rows; those held out
    stay as they are.
    """  # noqa: D205  # one sentence
    rows = np.arange(len(data)) if held is None else np.flatnonzero(~held)
    if len(rows) > _MANY_ROWS:
        rows = np.sort(np.random.default_rng(seed_of(seed, 2)).permutation(rows)[::2])
    both = with_blanked_copies(data, rate, seed, rows)
    more = len(both) - len(data)
    return both, None if held is None else np.append(held, np.zeros(more, np.bool_))


def _chosen(
    features: FloatArray,
    targets: list[Target],
    data: Dataset,
    settings: BoostingSettings,
    seed: int,
) -> IntArray:
    """Places of the statistics that are kept, rising."""
    if settings.select == "mrmr":
        return most_telling(features, targets, settings.keep)
    if len(np.unique(data.groups)) > 1:
        held = held_out_rows(data, _HELD_OUT, seed_of(seed, 1))
    else:
        held = np.arange(len(data)) >= (1 - _HELD_OUT) * len(data)
    work = _Work(features[~held], None, settings.subsample, settings, seed, lambda _: None)
    seen, unseen = np.flatnonzero(~held), np.flatnonzero(held)
    trees = [tuple(_grow(target.take(seen), work)) for target in targets]

    def answers(rows: FloatArray) -> list[FloatArray]:
        both = zip(targets, trees, strict=True)
        return [_answer(target, grown, rows).reshape(len(rows), -1) for target, grown in both]

    used = np.any([t.feature_importance() > 0 for grown in trees for t in grown], axis=0)
    asked = [target.take(unseen) for target in targets]
    return most_important(features[held], asked, settings.keep, answers, used, seed)


def _grow(target: Target, work: _Work) -> list[lightgbm.Booster]:
    if target.labels is not None:
        objective = {"objective": "multiclass", "num_class": target.size}
        return [_booster(work, objective, target.labels, _weights(target, work.settings))]
    if target.size > _MOST_QUANTITIES:
        raise StadionError(
            Code.UNSUPPORTED,
            f"output {target.name!r} has {target.size} columns; boosting answers at most "
            f"{_MOST_QUANTITIES}, each with trees of its own",
        )
    objective = {"objective": _OBJECTIVES[work.settings.objective]}
    return [_booster(work, objective, column, None) for column in target.values.T]


def _booster(
    work: _Work, objective: dict[str, Any], labels: Array, weights: FloatArray | None
) -> lightgbm.Booster:
    settings = work.settings
    known = labels >= 0 if labels.dtype.kind == "i" else np.isfinite(labels)
    parameters = objective | {
        "num_leaves": settings.leaves,
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": settings.min_child,
        "lambda_l2": settings.l2,
        "bagging_fraction": work.seen,
        "bagging_freq": 1,
        "feature_fraction": settings.feature_share,
        "seed": seed_of(work.seed) % 2**31,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }

    def rows(chosen: Array) -> lightgbm.Dataset:
        weight = None if weights is None else weights[chosen]
        return lightgbm.Dataset(work.features[chosen], labels[chosen], weight=weight)

    held = known & work.held if work.held is not None else np.zeros(0, np.bool_)
    if work.held is None or not held.any() or not (known & ~held).any():
        return lightgbm.train(parameters, rows(known), settings.trees, callbacks=[work.report])
    stop = lightgbm.early_stopping(settings.patience, verbose=False)
    grown = lightgbm.train(
        parameters,
        rows(known & ~held),
        settings.trees,
        valid_sets=[rows(held)],
        callbacks=[work.report, stop],
    )
    return lightgbm.Booster(model_str=grown.model_to_string(num_iteration=grown.best_iteration))


def _weights(target: Target, settings: BoostingSettings) -> FloatArray | None:
    """One per row; balanced weights give every class that occurs the same sum."""
    if settings.class_weights == "none" or target.labels is None:
        return None
    known = target.labels[target.known]
    counts = np.bincount(known, minlength=target.size)
    per_class = len(known) / np.maximum(counts, 1) / np.count_nonzero(counts)
    weights: FloatArray = per_class[target.labels]  # of an unknown class: never looked at
    return weights


def _answer(target: Target, boosters: tuple[lightgbm.Booster, ...], features: FloatArray) -> Array:
    columns = [np.asarray(booster.predict(features, num_threads=1)) for booster in boosters]
    joined = columns[0] if target.labels is not None else np.stack(columns, axis=1)
    return joined.reshape(-1, *target.shape).astype(np.float32)


def _append_answer(
    graph: onnx.GraphProto, target: Target, boosters: tuple[lightgbm.Booster, ...], read: str
) -> None:
    """Trees, then the softmax of the classes or the shape of the quantity."""
    scores = f"{target.name}:scores"
    graph.node.append(trees_node(boosters, read, scores))
    if target.labels is not None:
        graph.node.append(helper.make_node("Softmax", [scores], [target.name], axis=1))
    else:
        shape = f"{target.name}:shape"
        sizes = np.array([-1, *target.shape], np.int64)
        graph.initializer.append(numpy_helper.from_array(sizes, shape))
        graph.node.append(helper.make_node("Reshape", [scores, shape], [target.name]))
    graph.output.append(
        helper.make_tensor_value_info(target.name, onnx.TensorProto.FLOAT, ["rows", *target.shape])
    )


PLUGIN = Boosting()
