"""A network and its rows in, the same network trained out; a kill in between is no harm."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from stadion.core.errors import Code, StadionError
from stadion.train.base import Progress, Run
from stadion.train.network.chance import batches_of, batches_per_epoch, seed_of
from stadion.train.trajectories.losses import loss_of
from stadion.train.trajectories.network import Forecast, MotionNetwork
from stadion.train.trajectories.rows import Rows
from stadion.train.trajectories.settings import TrajectorySettings

__all__ = ["train"]

_RISE = 0.03  # share of the updates in which the learning rate rises
_SPREAD_ENDS = 0.8  # share of the updates after which only the best future learns
_BETAS = (0.9, 0.98)
_SMALLEST, _LARGEST = 32, 1_024  # of the batches nobody chose


def train(
    network: MotionNetwork, rows: Rows, settings: TrajectorySettings, run: Run, checkpoint: Path
) -> None:
    """Train `network` in place; go on from `checkpoint` when it is there and whole.

    What an update sees and draws depends on the seed, the epoch and its number only, so that a
    continued training is the undisturbed one.

    Raises
    ------
    StadionError
        INVALID when the loss becomes no number.
    """
    course = _Course(network, rows, settings, run.seed)
    course.restore(checkpoint)
    keep = _Keeper(checkpoint, settings.checkpoint_s)
    while course.epoch < course.epochs:
        loss = course.one_epoch(keep)
        if not math.isfinite(loss):
            raise StadionError(
                Code.INVALID,
                f"the loss became {loss} in epoch {course.epoch}: these settings diverge",
                "set a lower learning_rate or clip",
            )
        run.progress(Progress("epoch", course.epoch, course.epochs, loss))
    keep.now(course.state())


class _Course:
    """The state of a training: weights, optimizer, and how many updates were made."""

    def __init__(
        self, network: MotionNetwork, rows: Rows, settings: TrajectorySettings, seed: int
    ) -> None:
        self._network, self._rows = network, rows
        self._settings, self._seed = settings, seed
        self._size = settings.batch_size or min(max(len(rows) // 50, _SMALLEST), _LARGEST)
        self._per_epoch = batches_per_epoch(len(rows), self._size)
        self.epochs = min(settings.epochs, max(1, settings.most_steps // self._per_epoch))
        self._done = 0
        self._optimizers = _optimizers_for(network, settings)

    @property
    def epoch(self) -> int:
        """Epochs that are complete."""
        return self._done // self._per_epoch

    def one_epoch(self, keep: _Keeper) -> float:
        """The updates that are left of this epoch; their mean loss."""
        epoch, losses = self.epoch, []
        batches = batches_of(len(self._rows), self._size, self._seed, epoch)
        for batch in batches[self._done % self._per_epoch :]:
            losses.append(self._update(torch.from_numpy(batch)))
            keep(self.state)
        return float(torch.stack(losses).mean()) if losses else 0.0

    def state(self) -> dict[str, Any]:
        """All that a checkpoint keeps."""
        return {
            "done": self._done,
            "network": self._network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
        }

    def restore(self, checkpoint: Path) -> None:
        """Go on from there, if it is whole."""
        from stadion.train.network.checkpoints import is_whole

        if is_whole(checkpoint):
            state = torch.load(checkpoint, weights_only=True)
            self._done = state["done"]
            self._network.load_state_dict(state["network"])
            for optimizer, kept in zip(self._optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(kept)

    def _update(self, rows: torch.Tensor) -> torch.Tensor:
        settings, share = self._settings, self._done / (self.epochs * self._per_epoch)
        seed = seed_of(self._seed, 1, self._done)
        device = self._rows.targets[0].device
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.manual_seed(seed)
        chance = torch.Generator(device).manual_seed(seed)
        batch = self._rows.batch(rows.to(device), settings.missing_rate, chance)
        spread = settings.spread * max(0.0, 1.0 - share / _SPREAD_ENDS)
        with torch.autocast(device.type, torch.bfloat16, settings.precision == "bfloat16"):
            said = self._network.forecast(batch.scene)
        said = Forecast(*(values.float() for values in said))
        loss = loss_of(said, batch.truth, batch.scene, spread, settings.tie, settings.end)
        self._network.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._network.parameters(), settings.clip)
        rates = (settings.matrix_rate, settings.learning_rate)
        for optimizer, rate in zip(self._optimizers, rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * _rate(share)
            optimizer.step()
        self._done += 1
        return loss.detach()


class _Keeper:
    """Writes a checkpoint as one step, every so many seconds."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._path, self._seconds = path, seconds
        self._last = time.monotonic()

    def __call__(self, state: Callable[[], dict[str, Any]]) -> None:
        if time.monotonic() - self._last >= self._seconds:
            self.now(state())

    def now(self, state: dict[str, Any]) -> None:
        """Write beside the file, sync, and rename."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path)
        self._last = time.monotonic()


def _rate(share: float) -> float:
    """Of the highest learning rate: rises shortly, then falls to 0 as a cosine does."""
    return min(1.0, 0.02 + share / _RISE) * 0.5 * (1.0 + math.cos(math.pi * share))


def _optimizers_for(
    network: MotionNetwork, settings: TrajectorySettings
) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Muon for the matrices between inputs and heads, AdamW for all else.

    References
    ----------
    K. Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024.
    """
    heads = {id(weight) for head in network.heads for weight in head.parameters()}
    matrices = [w for w in network.parameters() if w.dim() == 2 and id(w) not in heads]
    inside = {id(weight) for weight in matrices}
    others = [w for w in network.parameters() if id(w) not in inside]
    groups = [
        {"params": [w for w in others if w.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [w for w in others if w.dim() < 2], "weight_decay": 0.0},
    ]
    return (
        torch.optim.Muon(matrices, settings.matrix_rate, settings.weight_decay),
        torch.optim.AdamW(groups, settings.learning_rate, _BETAS),
    )
