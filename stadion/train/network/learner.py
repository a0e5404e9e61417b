"""A name, settings and a body in; a learner of networks out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.train.base import Run
from stadion.train.network.answers import check_targets
from stadion.train.network.chance import seed_of
from stadion.train.network.front import Front
from stadion.train.network.holdout import held_out_rows
from stadion.train.network.model import TorchModel
from stadion.train.network.network import Body, Network
from stadion.train.network.quiet import undisturbed
from stadion.train.network.settings import LoopSettings

__all__ = ["NetworkLearner"]

_HOLD_OUT, _WEIGHTS = 1, 2  # what a seed is drawn for


@dataclass(slots=True)
class NetworkLearner:
    """A learner that differs from the others in its body.

    Parameters
    ----------
    Settings
        The loop's settings and the body's, in one dataclass.
    body
        Builds the body for the inputs a front prepares; INVALID when it cannot take them.
    """

    name: str
    summary: str
    Settings: type[Any]
    body: Callable[[Front, Any], Body]

    def fit(self, data: Dataset, settings: LoopSettings, run: Run) -> TorchModel:
        """Train on all rows, or on all but those held out for early stopping.

        On the GPU where there is one. The model that comes back is on the CPU.

        Raises
        ------
        StadionError
            INVALID for fewer than two rows, targets or inputs no network can take, one group
            where some must be held out, and settings under which the training diverges.
        """
        # lightning takes seconds to import: only who trains pays for it
        from stadion.train.network.checkpoints import checkpoint_path
        from stadion.train.network.loop import train

        if len(data) < 2:
            raise StadionError(
                Code.INVALID, f"the training set has {len(data)} rows; expected at least 2"
            )
        check_targets(data.signature, data.targets)
        with undisturbed():
            part, held = _parted(data, settings, run.seed)
            torch.manual_seed(seed_of(run.seed, _WEIGHTS))
            front = Front.fitted(part.signature, part.inputs)
            network = Network(front, self.body(front, settings), part, settings)
            checkpoint = checkpoint_path(run, self.name, data, settings, network)
            train(network, part, held, settings, run, checkpoint)
        return TorchModel(network.cpu().eval(), data.signature)


def _parted(data: Dataset, settings: LoopSettings, seed: int) -> tuple[Dataset, Dataset | None]:
    """What trains, and what judges the epochs."""
    if not settings.patience:
        return data, None
    held = held_out_rows(data, settings.holdout, seed_of(seed, _HOLD_OUT))
    return data.take(~held), data.take(held)
