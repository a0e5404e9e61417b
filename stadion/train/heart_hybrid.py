"""Moments of workouts in; heart rate by filtered demand, one heart's way, and trees out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import lightgbm
import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor

from stadion.core.arrays import Array, Arrays, FloatArray
from stadion.core.dataset import Dataset
from stadion.core.signature import Signature
from stadion.core.signature import Tensor as Spec
from stadion.science.folds import grouped_folds
from stadion.train._blanks import with_blanked_copies
from stadion.train.base import Progress, Run
from stadion.train.heart.course import CourseSettings, Material, taught
from stadion.train.heart.crew import Crew
from stadion.train.heart.example import made_up_workouts
from stadion.train.heart.halves import Halves
from stadion.train.heart.ode_course import OdeSettings, trained_ode
from stadion.train.heart.reading import ANSWER, BEATS, episodes, suits_heart_learners
from stadion.train.heart.responses import Asked, Responses
from stadion.train.network.chance import seed_of
from stadion.train.network.onnx_graph import write_graph
from stadion.train.network.quiet import undisturbed
from stadion.train.windows.trees import TREES_DOMAIN, TREES_OPSET, trees_node

__all__ = ["PLUGIN", "HeartHybrid", "HybridModel", "HybridSettings"]

_FEATURES, _CURVE = "tree_features", "network_curve"
_CHUNK = 4_096
_TURNS = 3
"""Crew, equation and trees are learned one after the other."""
_HUBER_BPM = 10.0
"""Beyond this an error counts in proportion: a wrong sensor does not rule the trees."""
_BLANKED = 0.1
"""Share of the values that are missing over rows and copies."""
_CREW, _COURSE, _FOLDS, _COPIES = 1, 2, 3, 4  # what a seed is drawn for


@dataclass(frozen=True, slots=True)
class HybridSettings:
    """How much the two halves do.

    Parameters
    ----------
    networks, hidden, layers, ways, dropout, seen
        The crew; see `train.heart.crew`.
    epochs, learning_rate, elsewhere
        Its course; see `train.heart.course`.
    folds
        Each network leaves out one of so many parts of the workouts, by which the trees learn
        what it says of hearts it has not seen; at most as many as networks.
    trees, leaves, min_child, tree_rate
        The trees.
    ode_epochs
        Epochs of the equation; all else is as usual, see `train.heart.ode_course`.
    share
        Weight of the trees in the answer; 0 for crew and equation alone.
    ode_share
        Weight of the equation in what is not of the trees.
    """

    networks: int = field(default=8, metadata={"low": 2, "high": 64})
    hidden: int = field(default=32, metadata={"low": 1, "high": 1_024, "search": (16, 96, "log")})
    layers: int = field(default=3, metadata={"low": 1, "high": 8, "search": (1, 4)})
    ways: int = field(default=2, metadata={"low": 1, "high": 16})
    dropout: float = field(default=0.3, metadata={"low": 0.0, "high": 0.9, "search": (0.1, 0.6)})
    epochs: int = field(default=45, metadata={"low": 1, "high": 2_000, "search": (30, 120)})
    learning_rate: float = field(
        default=2e-3, metadata={"low": 1e-6, "high": 0.1, "search": (5e-4, 5e-3, "log")}
    )
    elsewhere: float = field(default=0.6, metadata={"low": 0.0, "high": 1.0, "search": (0.0, 0.9)})
    seen: float = field(default=1.0, metadata={"low": 0.05, "high": 1.0, "search": (0.3, 1.0)})
    folds: int = field(default=4, metadata={"low": 2, "high": 20})
    trees: int = field(default=300, metadata={"low": 1, "high": 5_000})
    leaves: int = field(default=15, metadata={"low": 2, "high": 512})
    min_child: int = field(default=100, metadata={"low": 1, "high": 100_000})
    tree_rate: float = field(default=0.03, metadata={"low": 1e-4, "high": 1.0})
    ode_epochs: int = field(default=12, metadata={"low": 1, "high": 2_000})
    share: float = field(default=1 / 3, metadata={"low": 0.0, "high": 1.0, "search": (0.2, 0.6)})
    ode_share: float = field(default=0.5, metadata={"low": 0.0, "high": 1.0, "search": (0.2, 0.8)})


@dataclass(frozen=True, slots=True, eq=False)
class HybridModel:
    """The halves and how much of the answer each one is."""

    signature: Signature
    halves: Halves
    trees: lightgbm.Booster
    share: float

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        """Outputs by name; see `core.model.Model`."""
        rows = self.signature.check_inputs(inputs)
        given = [torch.from_numpy(np.array(inputs[t.name])) for t in self.signature.inputs]
        answers = [np.zeros(0, np.float32)]
        with torch.inference_mode():
            for start in range(0, rows, _CHUNK):
                features, curve = self.halves(*(one[start : start + _CHUNK] for one in given))
                grown = self.trees.predict(features.numpy().astype(np.float64), num_threads=1)
                answers.append(self.share * np.asarray(grown) + (1.0 - self.share) * curve.numpy())
        return {ANSWER: np.concatenate(answers).clip(*_bounds(self.signature)).astype(np.float32)}

    def to_onnx(self, path: Path) -> None:
        """The graph of the halves, the trees on its features, and their mean."""
        given = self.signature.inputs
        example = [torch.full([2, *[int(s or 1) for s in t.shape[1:]]], 1.0) for t in given]
        width = self.halves(*example)[0].shape[1]
        between = (Spec(_FEATURES, "FP32", (None, width)), Spec(_CURVE, "FP32", (None,)))
        write_graph(self.halves, Signature(given, between), path)
        model = onnx.load(path)
        del model.graph.output[:]
        _append_mean(model.graph, self)
        model.opset_import.append(helper.make_opsetid(TREES_DOMAIN, TREES_OPSET))
        onnx.save(model, path)


def _bounds(signature: Signature) -> tuple[float, float]:
    """No curve of the mean leaves what the answer may be."""
    spec = signature.output(ANSWER)
    low = -np.inf if spec.low is None else spec.low
    return low, np.inf if spec.high is None else spec.high


def _append_mean(graph: onnx.GraphProto, model: HybridModel) -> None:
    low, high = _bounds(model.signature)
    constants: dict[str, Array] = {
        "flat": np.array([-1], np.int64),
        "of_trees": np.array(model.share, np.float32),
        "of_networks": np.array(1.0 - model.share, np.float32),
        "low": np.array(low, np.float32),
        "high": np.array(high, np.float32),
    }
    graph.initializer.extend(numpy_helper.from_array(v, f"mean:{k}") for k, v in constants.items())
    graph.node.extend(
        [
            trees_node([model.trees], _FEATURES, "mean:scores"),
            helper.make_node("Reshape", ["mean:scores", "mean:flat"], ["mean:grown"]),
            helper.make_node("Mul", ["mean:grown", "mean:of_trees"], ["mean:first"]),
            helper.make_node("Mul", [_CURVE, "mean:of_networks"], ["mean:second"]),
            helper.make_node("Add", ["mean:first", "mean:second"], ["mean:both"]),
            helper.make_node("Clip", ["mean:both", "mean:low", "mean:high"], [ANSWER]),
        ]
    )
    graph.output.append(helper.make_tensor_value_info(ANSWER, onnx.TensorProto.FLOAT, ["rows"]))


class HeartHybrid:
    """A population's curve by linear responses, adapted to the heart, and trees that correct it."""

    name = "heart_hybrid"
    summary = "heart rate by demand filtered as a linear ODE does, one heart's way, and trees"
    Settings: type[HybridSettings] = HybridSettings

    def fit(self, data: Dataset, settings: HybridSettings, run: Run) -> HybridModel:
        """Train the crew, also on all workouts but a fold, and the trees on what it then says.

        Raises
        ------
        StadionError
            UNSUPPORTED for a data set of another question; INVALID for fewer than two workouts.
        """
        suits_heart_learners(data, self.name)
        data = data.take(np.isfinite(data.targets[ANSWER]))
        with undisturbed():
            read = _read(data, run.seed)
            run.progress(Progress("hearts", 0, _TURNS))
            halves, unseen = _crew(read, settings, run)
            run.progress(Progress("hearts", 2, _TURNS))
            features = _told(halves, read, torch.cat([unseen, unseen], dim=1))
            trees = _grown(features, np.tile(read.truth, 2), settings, run.seed)
            run.progress(Progress("hearts", _TURNS, _TURNS))
        return HybridModel(data.signature, halves.eval(), trees, settings.share)

    def example(self, seed: int) -> Dataset:
        """Moments of a few made-up workouts."""
        return made_up_workouts(seed)


class _Read(NamedTuple):
    """Features of n rows, then of the same with holes; the opening's heart rate of both."""

    data: Dataset
    asked: Asked
    beats: Tensor
    truth: FloatArray


def _read(data: Dataset, seed: int) -> _Read:
    rows = np.arange(len(data))
    both = with_blanked_copies(data, _BLANKED, seed_of(seed, _COPIES) % 2**31, rows)
    given = [torch.from_numpy(both.inputs[tensor.name]) for tensor in data.signature.inputs]
    responses = Responses(data.signature).double()
    with torch.inference_mode():
        parts = [
            responses(*(one[start : start + _CHUNK].double() for one in given))
            for start in range(0, len(both), _CHUNK)
        ]
    asked = Asked(*(torch.cat(each).clone() for each in zip(*parts, strict=True)))
    truth = np.asarray(data.targets[ANSWER], np.float64)
    return _Read(data, asked, torch.from_numpy(both.inputs[BEATS]), truth)


def _crew(read: _Read, settings: HybridSettings, run: Run) -> tuple[Halves, Tensor]:
    """Networks, and (networks, n) 1 / k where k of them have not seen a row, and 0 elsewhere.

    Every network leaves out the workouts of one fold, so each workout is judged for the trees by
    networks that do not know it.
    """
    data = read.data
    responses = Responses(data.signature)
    responses.fit(read.asked.now[: len(data)].numpy())
    torch.manual_seed(seed_of(run.seed, _CREW))
    crew = Crew(2 * read.asked.now.shape[1], settings.networks, settings.hidden, settings.layers,
                settings.ways, settings.dropout, settings.seen)  # fmt: skip
    workouts = episodes(data)
    parts = min(settings.folds, settings.networks)
    folds = grouped_folds(data, parts, seed_of(run.seed, _FOLDS) % 2**31)
    fold_of_row = np.zeros(len(data), np.int64)
    for number, fold in enumerate(folds):
        fold_of_row[fold.test] = number
    left_out = np.arange(settings.networks) % len(folds)
    fold_of_workout = np.array([fold_of_row[rows[0]] for rows in workouts])
    bags = [np.flatnonzero(fold_of_workout != fold) for fold in left_out]
    course = CourseSettings(settings.epochs, settings.learning_rate, settings.elsewhere)
    material = Material(Asked(*(each.float() for each in read.asked)), read.truth, workouts, bags)
    taught(crew, responses, material, course, seed_of(run.seed, _COURSE))
    unseen = torch.from_numpy((left_out[:, None] == fold_of_row).astype(np.float32))
    run.progress(Progress("hearts", 1, _TURNS))
    ode = trained_ode(data, OdeSettings(epochs=settings.ode_epochs), Run(run.seed, run.folder))
    halves = Halves(responses, crew, ode, settings.ode_share)
    return halves.eval(), unseen / unseen.sum(dim=0, keepdim=True)


def _told(halves: Halves, read: _Read, weights: Tensor) -> FloatArray:
    """(2 n, d) what the trees are told, with (networks, 2 n) weights of the networks."""
    parts = []
    with torch.inference_mode():
        for start in range(0, weights.shape[1], _CHUNK):
            some = slice(start, start + _CHUNK)
            asked = Asked(*(each[some] for each in read.asked))
            parts.append(
                halves.told(asked, read.beats[some].double(), weights[:, some].double())[0].numpy()
            )
    return np.concatenate(parts)


def _grown(
    features: FloatArray, truth: FloatArray, settings: HybridSettings, seed: int
) -> lightgbm.Booster:
    """Each tree sees a quarter of the rows and their copies: neighbours in time are alike."""
    parameters = {
        "objective": "huber",
        "alpha": _HUBER_BPM,
        "num_leaves": settings.leaves,
        "learning_rate": settings.tree_rate,
        "min_data_in_leaf": settings.min_child,
        "lambda_l2": 10.0,
        "bagging_fraction": 0.25,
        "bagging_freq": 1,
        "feature_fraction": 0.3,
        "seed": seed_of(seed) % 2**31,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    return lightgbm.train(parameters, lightgbm.Dataset(features, truth), settings.trees)


PLUGIN = HeartHybrid()
