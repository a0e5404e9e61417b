"""The loss of every epoch in; progress, an early stop and the best epoch's weights out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from stadion.core.errors import Code, StadionError
from stadion.train.base import Progress

__all__ = ["BestEpoch", "Reporter"]


class BestEpoch(Callback):  # type: ignore[misc]  # lightning is not typed
    """Remembers the epoch with the lowest held-out loss, and stops after `patience` without one.

    What it remembers, weights too, lies in the checkpoint: an own file of the best epoch could
    be of another moment than the state that a killed training continues from.
    """

    def __init__(self, patience: int) -> None:
        super().__init__()
        self._patience = patience
        self._lowest = math.inf
        self._waited = 0
        self.weights: dict[str, Tensor] = {}

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """A training that was already at its end stays there."""
        trainer.should_stop = self._waited >= self._patience

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Compare this epoch with the best one."""
        if module.loss_of_epoch() < self._lowest:
            self._lowest = module.loss_of_epoch()
            self._waited = 0
            weights = module.network.state_dict()
            self.weights = {name: value.detach().clone() for name, value in weights.items()}
        else:
            self._waited += 1
        trainer.should_stop = self._waited >= self._patience

    def state_dict(self) -> dict[str, Any]:
        """What the checkpoint keeps."""
        return {"lowest": self._lowest, "waited": self._waited, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        self._lowest = state_dict["lowest"]
        self._waited = state_dict["waited"]
        self.weights = state_dict["weights"]


class Reporter(Callback):  # type: ignore[misc]  # lightning is not typed
    """Tells how far the training is, and ends one that has run away."""

    def __init__(self, progress: Callable[[Progress], None]) -> None:
        super().__init__()
        self._progress = progress

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Report the epoch.

        Raises
        ------
        StadionError
            INVALID when the loss is no number any more.
        """
        done = trainer.current_epoch + 1
        if not math.isfinite(module.loss_of_epoch()):
            raise StadionError(
                Code.INVALID,
                f"the loss became {module.loss_of_epoch()} in epoch {done}: these settings diverge",
                "set a lower learning_rate, or a clip above 0",
            )
        self._progress(Progress("epoch", done, trainer.max_epochs, module.loss_of_epoch()))
