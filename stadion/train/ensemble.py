"""A training set in; several learners' models that answer together, in one graph, out."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import onnx
from onnx import helper, numpy_helper

from stadion.core.arrays import Array, Arrays, FloatArray
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.model import Model
from stadion.core.plugins import Cupboard
from stadion.core.settings import read_settings
from stadion.core.signature import DATATYPES, Signature, Tensor
from stadion.science.folds import Fold, grouped_folds, time_folds
from stadion.train.base import Learner, Progress, Run
from stadion.train.graphs.merge import merged
from stadion.train.graphs.values import value_info
from stadion.train.network.chance import seed_of
from stadion.train.selection.blending import (
    FLOOR,
    Blend,
    average_blend,
    class_blend,
    quantity_blend,
)

__all__ = ["PLUGIN", "Ensemble", "EnsembleModel", "EnsembleSettings"]

_MOST_MEMBERS = 16


@dataclass(frozen=True, slots=True)
class EnsembleSettings:
    """Who answers together, and how.

    Parameters
    ----------
    members
        Learners, with commas. One may be named twice: its second model is `boosting-2`.
    options
        Settings of the members, `member.setting=value` with semicolons between them:
        `boosting.trees=400; mlp.hidden=128,64`.
    mode
        `average` lets all count the same; `stack` learns from answers to rows a member had not
        seen how much each one counts.
    folds
        Parts of the training set by which `stack` learns: every member is trained so often more.
        Whole groups, or later stretches where the rows have times.
    repeats
        Models of each member, with seeds of their own, that answer with their mean.
    """

    members: str = "rocket,boosting"
    options: str = ""
    mode: Literal["average", "stack"] = field(
        default="average", metadata={"search": ["average", "stack"]}
    )
    folds: int = field(default=5, metadata={"low": 2, "high": 20})
    repeats: int = field(default=1, metadata={"low": 1, "high": 50})


class Member(NamedTuple):
    """A learner under the name it has in this ensemble, with its settings."""

    name: str
    learner: Learner
    settings: Any


@dataclass(frozen=True, slots=True, eq=False)
class EnsembleModel:
    """Member name -> its models, one per seed; output name -> how the members' answers join."""

    signature: Signature
    members: dict[str, tuple[Model, ...]]
    blends: dict[str, Blend]

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        """Outputs by name; see `core.model.Model`."""
        self.signature.check_inputs(inputs)
        answers = [_mean_answers(models, inputs, self._names) for models in self.members.values()]
        return {
            tensor.name: self.blends[tensor.name](
                np.stack([answer[tensor.name] for answer in answers])
            ).astype(DATATYPES[tensor.datatype])
            for tensor in self.signature.outputs
        }

    def to_onnx(self, path: Path) -> None:
        """The graphs of all members side by side, and what joins their answers."""
        parts: dict[str, onnx.ModelProto] = {}
        for number, models in enumerate(self.members.values()):
            for repeat, model in enumerate(models):
                model.to_onnx(path)
                parts[f"m{number}-{repeat}"] = onnx.load(path)
        whole = merged(parts, [tensor.name for tensor in self.signature.inputs])
        del whole.graph.output[:]
        for tensor in self.signature.outputs:
            _append_blend(whole.graph, tensor, self.blends[tensor.name], self._parts(tensor.name))
        onnx.save(whole, path)

    @property
    def _names(self) -> list[str]:
        return [tensor.name for tensor in self.signature.outputs]

    def _parts(self, output: str) -> list[list[str]]:
        """Names of that output in the graphs of each member's models."""
        return [
            [f"m{number}-{repeat}/{output}" for repeat in range(len(models))]
            for number, models in enumerate(self.members.values())
        ]


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Members that err differently answer better together than each alone.

    Parameters
    ----------
    learners
        Where members are found by name.
    """

    learners: Cupboard[Learner]
    name = "ensemble"
    summary = "several learners that answer together: their mean, or a mix learned on unseen rows"
    Settings = EnsembleSettings

    def fit(self, data: Dataset, settings: EnsembleSettings, run: Run) -> EnsembleModel:
        """Train every member on all rows; to stack, also on all rows but a fold, for each fold.

        Raises
        ------
        StadionError
            INVALID for members or options that are not there, and what the members raise.
        """
        members = members_of(settings, self.learners)
        folds = _folds(data, settings.folds, run.seed) if settings.mode == "stack" else []
        work = _Work(data, members, settings.repeats, run, len(members) * (1 + len(folds)))
        blends = _stacked(work, folds) if folds else _averaged(data.signature, len(members))
        models = {
            member.name: _fitted(work, member, data, "all", len(members) * len(folds) + number)
            for number, member in enumerate(members)
        }
        run.progress(Progress("members", work.total, work.total))
        return EnsembleModel(_signature(data.signature, models), models, blends)


class _Work(NamedTuple):
    """What all trainings of an ensemble have in common; `total` of them are reported."""

    data: Dataset
    members: list[Member]
    repeats: int
    run: Run
    total: int


def members_of(settings: EnsembleSettings, learners: Cupboard[Learner]) -> list[Member]:
    """The learners named in the settings, each with its options read.

    Raises
    ------
    StadionError
        INVALID for no members, too many, an ensemble in an ensemble, or options of nobody.
    """
    names = [name.strip() for name in settings.members.split(",") if name.strip()]
    if not 1 <= len(names) <= _MOST_MEMBERS or "ensemble" in names:
        raise StadionError(
            Code.INVALID,
            f"learner ensemble: members is {settings.members[:200]!r}; expected 1 to "
            f"{_MOST_MEMBERS} other learners, with commas",
        )
    seen = [names[: place + 1].count(name) for place, name in enumerate(names)]
    given: dict[str, dict[str, str]] = {
        name if count == 1 else f"{name}-{count}": {}
        for name, count in zip(names, seen, strict=True)
    }
    for pair in filter(None, (part.strip() for part in settings.options.split(";"))):
        key, equals, value = pair.partition("=")
        member, dot, setting = key.strip().partition(".")
        if not equals or not dot or member not in given:
            raise StadionError(
                Code.INVALID,
                f"learner ensemble: options holds {pair[:200]!r}; expected member.setting=value, "
                f"the member one of {', '.join(given)}",
            )
        given[member][setting] = value.strip()
    found = [learners.get(name) for name in names]
    return [
        Member(name, learner, read_settings(learner.Settings, options, f"member {name}"))
        for (name, options), learner in zip(given.items(), found, strict=True)
    ]


def _folds(data: Dataset, k: int, seed: int) -> list[Fold]:
    """Later stretches of rows with times, else whole groups; a single group in stretches."""
    if data.times is not None and len(np.unique(data.times)) > 1:
        return time_folds(data, k)
    if len(np.unique(data.groups)) > 1:
        return grouped_folds(data, k, seed)
    rows = np.arange(len(data))
    stretches = [part for part in np.array_split(rows, k) if len(part)]
    return [Fold(np.setdiff1d(rows, part), part) for part in stretches]


def _fitted(work: _Work, member: Member, rows: Dataset, part: str, done: int) -> tuple[Model, ...]:
    """The member's models on some rows, one per seed, each in a folder of its own."""
    run = work.run
    run.progress(Progress("members", done, work.total))
    place = run.folder / part / member.name
    number = work.members.index(member)
    return tuple(
        member.learner.fit(
            rows, member.settings, Run(seed_of(run.seed, number, repeat), place / str(repeat))
        )
        for repeat in range(work.repeats)
    )


def _averaged(signature: Signature, members: int) -> dict[str, Blend]:
    return {
        tensor.name: average_blend(members, tuple(size or 1 for size in tensor.shape[1:]))
        for tensor in signature.outputs
    }


def _stacked(work: _Work, folds: list[Fold]) -> dict[str, Blend]:
    """Weights learned on answers of models that were trained without those rows."""
    names = [tensor.name for tensor in work.data.signature.outputs]
    answers: dict[str, list[FloatArray]] = {name: [] for name in names}
    for number, fold in enumerate(folds):
        train, test = work.data.take(fold.train), work.data.take(fold.test)
        given = [
            _mean_answers(
                _fitted(work, member, train, f"fold-{number}", number * len(work.members) + place),
                test.inputs,
                names,
            )
            for place, member in enumerate(work.members)
        ]
        for name in names:
            answers[name].append(np.stack([answer[name] for answer in given]))
    rows = np.concatenate([fold.test for fold in folds])
    return {
        name: _blend(work.data, name, rows, np.concatenate(answers[name], axis=1)) for name in names
    }


def _blend(data: Dataset, name: str, rows: Array, answers: FloatArray) -> Blend:
    truth = np.asarray(data.targets[name])[rows]
    if name in data.signature.labels:
        return class_blend(truth, answers)
    return quantity_blend(truth, answers)


def _mean_answers(
    models: tuple[Model, ...], inputs: Arrays, names: list[str]
) -> dict[str, FloatArray]:
    """Output name -> (n, ...) float64 mean over the models."""
    answers = [model.predict(inputs) for model in models]
    return {
        name: np.mean([answer[name] for answer in answers], axis=0, dtype=np.float64)
        for name in names
    }


def _signature(signature: Signature, models: dict[str, tuple[Model, ...]]) -> Signature:
    """The data's own, with what the members chose to read."""
    chosen = tuple(
        f"{name}: {column}"
        for name, fitted in models.items()
        for column in getattr(getattr(fitted[0], "signature", None), "selected", ())
    )
    return dataclasses.replace(signature, selected=chosen) if chosen else signature


def _append_blend(
    graph: onnx.GraphProto, tensor: Tensor, blend: Blend, parts: list[list[str]]
) -> None:
    """Mean over seeds, weights over members, the shift, and the softmax of a pool."""
    name = tensor.name
    counter = iter(range(10**6))

    def add(kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        output = output or f"{name}:blend-{next(counter)}"
        graph.node.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(value: float | FloatArray) -> str:
        label = f"{name}:blend-{next(counter)}"
        graph.initializer.append(numpy_helper.from_array(np.asarray(value, np.float32), label))
        return label

    scaled = []
    for weight, own in zip(blend.weights, parts, strict=True):
        answer = add("Mean", own) if len(own) > 1 else own[0]
        if blend.is_pool:
            answer = add("Log", [add("Clip", [answer, constant(FLOOR)])])
        scaled.append(add("Mul", [answer, constant(float(weight))]))
    joined = add("Sum", scaled) if len(scaled) > 1 else scaled[0]
    shifted = [joined, constant(blend.shift[None])]
    if blend.is_pool:
        add("Softmax", [add("Add", shifted)], name, axis=-1)
    else:
        add("Add", shifted, name)
    graph.output.append(value_info(tensor))


PLUGIN = Ensemble(Cupboard("stadion.train"))
