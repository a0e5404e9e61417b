"""Rallies of which four strokes are known in; a network that tells how they may go on out."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import torch

from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.settings import settings_to_dict
from stadion.core.signature import Signature, Tensor
from stadion.core.version import __version__
from stadion.train.base import Run
from stadion.train.network.chance import seed_of
from stadion.train.network.model import TorchModel
from stadion.train.network.quiet import undisturbed
from stadion.train.rallies.course import RallySettings, train
from stadion.train.rallies.example import made_up_rallies
from stadion.train.rallies.module import RallyNetwork, Shape
from stadion.train.rallies.reading import NAMES
from stadion.train.rallies.windows import Windows

__all__ = ["PLUGIN", "RallyFutures"]

_WEIGHTS = 3  # what a seed is drawn for


class RallyFutures:
    """One network, several futures: the nearest to what happens is the one that learns from it.

    Beside the data set's `type` and `landing`, the expected course of the rally, the graph gives
    `future_type` (n, K, T, types), `future_landing` (n, K, T, 2) and `future_chance` (n, K): K
    ways on, always the same for the same question, and how likely each is the nearest one; and
    `landing_spread` (n, T, 2), how far off `landing` is expected to be.
    """

    name = "rally_futures"
    summary = "strokes of a rally that has begun: the expected course, and several possible ones"
    Settings: type[RallySettings] = RallySettings

    def fit(self, data: Dataset, settings: RallySettings, run: Run) -> TorchModel:
        """Train on all rallies, on the GPU where there is one; the model is on the CPU.

        Raises
        ------
        StadionError
            UNSUPPORTED for a data set of another question; INVALID for fewer than two rallies,
            and settings under which the training diverges.
        """
        _check(data)
        with undisturbed():
            torch.manual_seed(seed_of(run.seed, _WEIGHTS))
            shape = Shape(settings.width, settings.futures, settings.dropout)
            network = RallyNetwork(data.signature, shape)
            train(network, Windows(data), settings, run, run.folder / _file(data, settings, run))
        return TorchModel(network.eval(), _with_futures(data.signature, settings.futures))

    def example(self, seed: int, rows: int = 64) -> Dataset:
        """A few rallies of made-up matches."""
        return made_up_rallies(seed, rows)


def _check(data: Dataset) -> None:
    names = {tensor.name for tensor in data.signature.inputs}
    if names != set(NAMES) or set(data.targets) != {"type", "landing"}:
        raise StadionError(
            Code.UNSUPPORTED,
            f"learner rally_futures is made for the task stroke_forecast; the data set of "
            f"{data.task!r} has inputs {sorted(names)[:4]} and targets {sorted(data.targets)[:4]}",
        )
    if len(data) < 2 or (data.targets["type"] < 0).all():
        raise StadionError(
            Code.INVALID, f"the training set has {len(data)} rallies; expected at least 2"
        )


def _file(data: Dataset, settings: RallySettings, run: Run) -> str:
    """The checkpoint of this training and no other: its name tells all that decides the result."""
    facts = [data.digest, repr(data.signature), settings_to_dict(settings), run.seed,
             [__version__, torch.__version__]]  # fmt: skip
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return f"rallies-{digest[:16]}.ckpt"


def _with_futures(signature: Signature, futures: int) -> Signature:
    """The data set's outputs, and those of the several futures after them."""
    kind, landing = signature.output("type"), signature.output("landing")
    several = (
        dataclasses.replace(
            kind, name="future_type", shape=(None, futures, *kind.shape[1:]),
            meaning="chance of each type, in each of several futures",
        ),
        dataclasses.replace(
            landing, name="future_landing", shape=(None, futures, *landing.shape[1:]),
            meaning="where the shuttle comes down or is met, in each of several futures",
        ),
        Tensor("future_chance", "FP32", (None, futures), "1",
               "chance of each future to be the nearest to what happens", low=0.0, high=1.0,
               missing=False),
        dataclasses.replace(
            landing, name="landing_spread", low=0.0,
            meaning="how far off the expected landing points are expected to be",
        ),
    )  # fmt: skip
    return dataclasses.replace(signature, outputs=(*signature.outputs, *several))


PLUGIN = RallyFutures()
