"""Players' steps in, a network that forecasts position, speed and turns, and futures, out."""

from __future__ import annotations

from typing import Any

import torch

from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.train.base import Run
from stadion.train.network.chance import seed_of
from stadion.train.network.model import TorchModel
from stadion.train.network.quiet import undisturbed
from stadion.train.trajectories.example import arcs
from stadion.train.trajectories.loop import train
from stadion.train.trajectories.network import MotionNetwork
from stadion.train.trajectories.rows import INPUTS, TARGETS, Rows
from stadion.train.trajectories.scene import STEP_S
from stadion.train.trajectories.settings import TrajectorySettings

__all__ = ["PLUGIN", "TrajectoryLearner"]


class TrajectoryLearner:
    """A trunk shared by all answers, a head for each, and K futures of which the best counts.

    Made for one question: where players go who are seen together. After the data set's outputs
    come `futures` (n, K, F, 2), K ways it may go on, and `future_probability` (n, K).
    """

    name = "trajectory"
    summary = "a network for players seen together: one trunk, a head per answer, several futures"
    Settings: type[Any] = TrajectorySettings

    def example(self, seed: int) -> Dataset:
        """A small set of the question it is made for."""
        return arcs(seed)

    def fit(self, data: Dataset, settings: TrajectorySettings, run: Run) -> TorchModel:
        """Train on all rows; on the GPU where there is one. The model comes back on the CPU.

        Raises
        ------
        StadionError
            UNSUPPORTED for another question; INVALID for fewer than two rows, and settings under
            which the training diverges.
        """
        # lightning takes seconds to import: only who trains pays for it
        from stadion.train.network.checkpoints import checkpoint_path

        past, ahead = _shape_of(data.signature)
        if len(data) < 2:
            raise StadionError(
                Code.INVALID, f"the training set has {len(data)} rows; expected at least 2"
            )
        if settings.features % 4:
            raise StadionError(
                Code.INVALID, f"features is {settings.features}; expected a multiple of 4"
            )
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        with undisturbed():
            torch.manual_seed(seed_of(run.seed, 0))
            network = MotionNetwork(
                past, ahead, settings.futures, settings.reader, settings.features,
                settings.hidden, settings.layers, settings.dropout,
            )  # fmt: skip
            checkpoint = checkpoint_path(run, self.name, data, settings, network)
            network.to(device).train()
            train(network, Rows.of(data, device), settings, run, checkpoint)
        return TorchModel(network.cpu().eval(), _answering(data.signature, settings, ahead))


def _shape_of(signature: Signature) -> tuple[int, int]:
    """Steps that are seen and that are asked for.

    Raises
    ------
    StadionError
        UNSUPPORTED for other inputs and outputs than those of the question.
    """
    inputs = tuple(tensor.name for tensor in signature.inputs)
    outputs = tuple(tensor.name for tensor in signature.outputs)
    if inputs != INPUTS or outputs != TARGETS:
        raise StadionError(
            Code.UNSUPPORTED,
            f"the learner 'trajectory' answers {', '.join(TARGETS)} from {', '.join(INPUTS)}; "
            f"this question has {', '.join(outputs)} from {', '.join(inputs)}",
        )
    past, ahead = signature.input("path").shape[1], signature.output("position").shape[1]
    if past is None or past < 2 or ahead is None:
        raise StadionError(
            Code.UNSUPPORTED,
            f"'path' has {past} steps and 'position' {ahead}; expected fixed numbers from 2",
        )
    return past, ahead


def _answering(signature: Signature, settings: TrajectorySettings, ahead: int) -> Signature:
    """The question's outputs, then the futures."""
    count = settings.futures
    position = signature.output("position")
    return Signature(
        signature.inputs,
        (
            *signature.outputs,
            Tensor("futures", "FP32", (None, count, ahead, 2), position.unit,
                   f"{count} ways it may go on, in steps of {STEP_S} s", position.columns,
                   missing=False),
            Tensor("future_probability", "FP32", (None, count), "1",
                   "how likely each of them is the nearest to what comes", low=0.0, high=1.0,
                   missing=False),
        ),
        signature.labels,
    )  # fmt: skip


PLUGIN = TrajectoryLearner()
