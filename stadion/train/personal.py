"""A training set of people's days in; each person's own level, corrected by boosted trees, out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal

import lightgbm
import numpy as np
import onnx
from onnx import helper, numpy_helper
from torch import Tensor as TorchTensor
from torch import nn

from stadion.core.arrays import Array, Arrays, FloatArray
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.science.daily import CENTERS, LEVELS, past_levels, past_windows
from stadion.train._blanks import with_blanked_copies
from stadion.train.base import Progress, Run
from stadion.train.network.chance import seed_of
from stadion.train.network.onnx_graph import write_graph
from stadion.train.windows.past import USUAL, PastFeatures, check_past
from stadion.train.windows.trees import TREES_DOMAIN, TREES_OPSET, trees_node

__all__ = ["PLUGIN", "Personal", "PersonalModel", "PersonalSettings"]

_OBJECTIVES = {"mae": "regression_l1", "mse": "regression", "huber": "huber"}
_MOST_STEPS = 20
"""A quantity that takes no more values than these, all whole, is a scale of answers."""
_FEWEST_ROWS = 8
_COPY_WEIGHT = 0.5  # of a copy with holes beside its row
_BINS = 63


@dataclass(frozen=True, slots=True)
class PersonalSettings:
    """What the trees may do; they learn distances to a level in units of the typical distance.

    Parameters
    ----------
    models
        Sets of trees per output, with seeds of their own, that answer with their mean.
    holes
        Share of the inputs that is missing in copies of the training rows; 0 makes no copies.
    whole
        `auto` answers scales of whole numbers (moods, readiness) with a whole number: the middle
        of a distribution on whole numbers is one of them, so it is the answer nearest to most.
    """

    trees: int = field(default=120, metadata={"low": 1, "high": 5_000, "search": (40, 400, "log")})
    leaves: int = field(default=8, metadata={"low": 2, "high": 512, "search": (3, 31, "log")})
    learning_rate: float = field(
        default=0.04, metadata={"low": 1e-4, "high": 1.0, "search": (0.01, 0.1, "log")}
    )
    min_child: int = field(
        default=20, metadata={"low": 1, "high": 100_000, "search": (5, 80, "log")}
    )
    l2: float = field(default=5.0, metadata={"low": 0.0, "high": 1e6, "search": (0.1, 100, "log")})
    subsample: float = field(default=0.7, metadata={"low": 0.05, "high": 1.0, "search": (0.4, 1.0)})
    feature_share: float = field(
        default=0.4, metadata={"low": 0.01, "high": 1.0, "search": (0.1, 1.0)}
    )
    objective: Literal["mae", "mse", "huber"] = "huber"
    models: int = field(default=3, metadata={"low": 1, "high": 50})
    holes: float = field(default=0.15, metadata={"low": 0.0, "high": 0.9})
    whole: Literal["auto", "never"] = "auto"


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What answers one output: its features, its trees and the size of a usual distance."""

    name: str
    features: PastFeatures
    trees: tuple[lightgbm.Booster, ...]
    scale: float
    is_whole: bool
    limits: tuple[float, float]

    def answer(self, given: list[Array]) -> Array:
        features, start = self.features.of_rows(given)
        if not len(start):
            return start
        wide = features.astype(np.float64)
        away = np.mean([trees.predict(wide, num_threads=1) for trees in self.trees], axis=0)
        values: Array = start + away.astype(np.float32) * np.float32(self.scale)
        values = np.round(values) if self.is_whole else values
        return np.clip(values, *self.limits).astype(np.float32)


class _Features(nn.Module):
    """The features and reference levels of all outputs, for the graph."""

    def __init__(self, parts: tuple[_Part, ...]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(part.features for part in parts)

    def forward(self, *inputs: TorchTensor) -> tuple[TorchTensor, ...]:
        return tuple(tensor for part in self.parts for tensor in part(*inputs))


@dataclass(frozen=True, slots=True, eq=False)
class PersonalModel:
    """Each output starts at the person's own level; trees say how far tomorrow is from it."""

    signature: Signature
    parts: tuple[_Part, ...]

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        """Outputs by name; see `core.model.Model`."""
        self.signature.check_inputs(inputs)
        given = [inputs[tensor.name] for tensor in self.signature.inputs]
        return {part.name: part.answer(given) for part in self.parts}

    def to_onnx(self, path: Path) -> None:
        """The graph of the features, followed by the trees of each output."""
        between = tuple(
            tensor
            for part in self.parts
            for tensor in (
                Tensor(_features(part), "FP32", (None, len(part.features.typical))),
                Tensor(_level(part), "FP32", (None,)),
            )
        )
        write_graph(_Features(self.parts), Signature(self.signature.inputs, between), path)
        model = onnx.load(path)
        del model.graph.output[:]
        for part in self.parts:
            _append_answer(model.graph, part)
        model.opset_import.append(helper.make_opsetid(TREES_DOMAIN, TREES_OPSET))
        onnx.save(model, path)


class Personal:
    """For quantities that a person has day after day: the own level first, then what moves it.

    The level an output starts from is the one of `science.daily.LEVELS` that lay nearest to the
    truth in the training rows. Each output is learned from the rows that have it.
    """

    name = "personal"
    summary = "each person's own level, corrected by boosted trees on distances to what is usual"
    Settings: type[PersonalSettings] = PersonalSettings

    def fit(self, data: Dataset, settings: PersonalSettings, run: Run) -> PersonalModel:
        """Choose each output's level, then grow its trees.

        Raises
        ------
        StadionError
            UNSUPPORTED for a set whose inputs do not hold each output's past and levels; INVALID
            for an output that is known in fewer than 8 rows.
        """
        check_past(data.signature)
        done = count(1)
        total = len(data.signature.outputs) * settings.models

        def grown() -> None:
            run.progress(Progress("sets of trees", next(done), total))

        parts = tuple(
            _part(data, output, settings, run.seed, grown) for output in data.signature.outputs
        )
        return PersonalModel(data.signature, parts)

    def example(self, seed: int) -> Dataset:
        """Sixty days of five people whose pulse rises with what they did the day before."""
        return _example(seed)


def _part(
    data: Dataset,
    output: Tensor,
    settings: PersonalSettings,
    seed: int,
    grown: Callable[[], None],
) -> _Part:
    known = np.flatnonzero(np.isfinite(data.targets[output.name]))
    if len(known) < _FEWEST_ROWS:
        raise StadionError(
            Code.INVALID,
            f"target {output.name!r} is known in {len(known)} rows; expected {_FEWEST_ROWS}",
        )
    part = data.take(known)
    truth = np.asarray(part.targets[output.name], np.float64)
    level = _nearest(part, output.name, truth)
    features = PastFeatures(part.signature, output.name, level, float(np.median(truth)))
    if settings.holes:
        part = with_blanked_copies(part, settings.holes, seed, np.arange(len(part)))
        truth = np.asarray(part.targets[output.name], np.float64)
    given = [part.inputs[tensor.name] for tensor in part.signature.inputs]
    columns, start = features.of_rows(given)
    away = truth - start
    scale = float(np.mean(np.abs(away[: len(known)]))) or 1.0
    rows = features.fit(columns)
    weights = np.where(np.arange(len(rows)) < len(known), 1.0, _COPY_WEIGHT)
    trees = []
    for number in range(settings.models):
        trees.append(_grow(rows, away / scale, weights, settings, seed_of(seed, number)))
        grown()
    limits = (
        -math.inf if output.low is None else output.low,
        math.inf if output.high is None else output.high,
    )
    is_whole = settings.whole == "auto" and _is_scale(truth)
    return _Part(output.name, features.eval(), tuple(trees), scale, is_whole, limits)


def _nearest(data: Dataset, output: str, truth: FloatArray) -> str:
    """The level that lay nearest to the truth, where all of them are known."""
    levels = data.inputs[USUAL + output][:, : len(CENTERS)].astype(np.float64)
    known = np.isfinite(levels).all(axis=1)
    if not known.any():
        return "recent"
    errors = np.abs(levels[known] - truth[known, None]).mean(axis=0)
    return CENTERS[int(errors.argmin())]


def _is_scale(truth: FloatArray) -> bool:
    values = np.unique(truth)
    return len(values) <= _MOST_STEPS and bool((values == np.round(values)).all())


def _grow(
    features: FloatArray,
    away: FloatArray,
    weights: FloatArray,
    settings: PersonalSettings,
    seed: int,
) -> lightgbm.Booster:
    """Trees from (n, d) features to (n,) distances in units of the usual one."""
    parameters = {
        "objective": _OBJECTIVES[settings.objective],
        "alpha": 1.0,  # of the huber loss: squared up to a typical distance, then absolute
        "num_leaves": settings.leaves,
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": settings.min_child,
        "lambda_l2": settings.l2,
        "bagging_fraction": settings.subsample,
        "bagging_freq": 1,
        "feature_fraction": settings.feature_share,
        "max_bin": _BINS,
        "seed": seed % 2**31,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    rows = lightgbm.Dataset(features, away, weight=weights, params={"max_bin": _BINS})
    return lightgbm.train(parameters, rows, settings.trees)


def _features(part: _Part) -> str:
    return f"{part.name}:features"


def _level(part: _Part) -> str:
    return f"{part.name}:level"


def _append_answer(graph: onnx.GraphProto, part: _Part) -> None:
    """Trees of all seeds, their mean in physical units, added to the level; rounded and bounded."""
    name = part.name
    graph.node.append(trees_node(part.trees, _features(part), f"{name}:scores"))
    steps: list[tuple[str, list[str], dict[str, Any]]] = [
        ("ReduceMean", [f"{name}:scores"], {"axes": [1], "keepdims": 0}),
        ("Mul", ["", _constant(graph, f"{name}:scale", part.scale)], {}),
        ("Add", ["", _level(part)], {}),
    ]
    if part.is_whole:
        steps.append(("Round", [""], {}))
    sides = zip(("lowest", "highest"), part.limits, strict=True)
    limits = [_constant(graph, f"{name}:{side}", bound) for side, bound in sides]
    steps.append(("Clip", ["", *limits], {}))
    before = ""
    for number, (operator, given, options) in enumerate(steps):
        after = name if number == len(steps) - 1 else f"{name}:step{number}"
        names = [text or before for text in given]
        graph.node.append(helper.make_node(operator, names, [after], **options))
        before = after
    graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["rows"]))


def _constant(graph: onnx.GraphProto, name: str, value: float) -> str:
    graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
    return name


def _example(seed: int, people: int = 5, days: int = 60, length: int = 14) -> Dataset:
    chance = np.random.default_rng(seed)
    signature = Signature(
        (
            Tensor("past_pulse", "FP32", (None, length), "bpm", step_s=86_400.0),
            Tensor("past_steps", "FP32", (None, length), "1", step_s=86_400.0),
            Tensor("age", "FP32", (None,), "1"),
            Tensor("usual_pulse", "FP32", (None, len(LEVELS)), "bpm", columns=LEVELS),
        ),
        (Tensor("pulse", "FP32", (None,), "bpm", low=25.0, high=120.0, missing=False),),
    )
    parts: list[dict[str, Array]] = []
    for _ in range(people):
        steps = chance.uniform(2_000, 14_000, days)
        pulse = chance.uniform(45, 75) + np.concatenate([[0.0], steps[:-1] / 2_000])
        pulse = np.where(chance.random(days) < 0.1, np.nan, pulse)
        table = past_windows(np.stack([pulse, steps], axis=1), length)[1:-1]
        parts.append(
            {
                "past_pulse": table[:, :, 0],
                "past_steps": table[:, :, 1],
                "age": np.full(days - 1, chance.uniform(18, 60)),
                "usual_pulse": past_levels(pulse)[1:-1],
                "target": pulse[1:],
            }
        )
    inputs = {
        name: np.concatenate([p[name] for p in parts]).astype(np.float32) for name in parts[0]
    }
    truth = inputs.pop("target")
    groups = np.repeat([f"person-{number}" for number in range(people)], days - 1)
    return Dataset("days", signature, inputs, {"pulse": truth}, groups)


PLUGIN = Personal()
