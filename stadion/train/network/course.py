"""One network's training as Lightning steps through it: batches in, losses and updates out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from stadion.core.dataset import Dataset
from stadion.core.signature import Signature
from stadion.train.network.augment import Augment
from stadion.train.network.chance import batches_of, batches_per_epoch, seed_of
from stadion.train.network.network import Network
from stadion.train.network.settings import LoopSettings
from stadion.train.network.updates import optimizer_for, schedule_for

__all__ = ["JUDGED", "Course", "Rows"]

JUDGED = 512
"""Held-out rows per step."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Inputs in the signature's order and targets in the answers' order, rows first."""

    inputs: Sequence[Tensor]
    targets: Sequence[Tensor]

    @classmethod
    def of(cls, network: Network, data: Dataset) -> Rows:
        """The data as tensors on the CPU."""
        outputs = zip(network.answers, data.signature.outputs, strict=True)
        return cls(
            [torch.tensor(data.inputs[tensor.name]) for tensor in data.signature.inputs],
            [answer.target(data.targets[tensor.name]) for answer, tensor in outputs],
        )

    def __len__(self) -> int:
        return len(self.targets[0])

    def take(self, rows: Tensor | slice) -> Rows:
        """Some of the rows."""
        return Rows([v[rows] for v in self.inputs], [v[rows] for v in self.targets])

    def to(self, device: torch.device) -> Rows:
        """The rows on that device."""
        return Rows([v.to(device) for v in self.inputs], [v.to(device) for v in self.targets])


class Course(LightningModule):  # type: ignore[misc]  # lightning is not typed
    """What a step does depends on the weights, the seed, the epoch and the step's number only.

    Order of rows, augmentation and dropout are drawn anew for each step from these numbers, so a
    training continued from a checkpoint between any two steps goes on as if nothing had been.
    """

    def __init__(
        self,
        network: Network,
        signature: Signature,
        rows: Rows,
        held: Rows | None,
        settings: LoopSettings,
        seed: int,
    ) -> None:
        super().__init__()
        self.network = network
        self._rows = rows
        self._held = held
        self._settings = settings
        self._seed = seed
        self._augment = Augment(signature, network.front, settings)
        self._order: tuple[int, list[Tensor]] = (-1, [])
        self._sums: list[tuple[Tensor, Tensor]] = []

    @property
    def batches(self) -> int:
        """Updates per epoch."""
        return batches_per_epoch(len(self._rows), self._settings.batch_size)

    @property
    def epochs(self) -> int:
        """As many as the settings' epochs and most_steps allow, and one at least."""
        return min(self._settings.epochs, max(1, self._settings.most_steps // self.batches))

    def configure_optimizers(self) -> dict[str, Any]:
        """The optimizer, and a learning rate that follows the number of the update."""
        optimizer = optimizer_for(self.network, self._settings)
        schedule = schedule_for(optimizer, self._settings, self.epochs * self.batches)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def on_fit_start(self) -> None:
        """Bring the rows to where the network is."""
        self._rows = self._rows.to(self.device)
        self._held = self._held.to(self.device) if self._held is not None else None

    def training_step(self, batch: int, batch_idx: int) -> Tensor:
        """The loss of this step's rows."""
        epoch = self.current_epoch
        seed = seed_of(self._seed, epoch, batch_idx + 1)
        _seed_dropout(seed, self.device)
        generator = torch.Generator(self.device).manual_seed(seed)
        rows = self._rows.take(self._batches_of(epoch)[batch_idx])
        prepared = self._augment(self.network.front(*rows.inputs), generator)
        total, weight = self.network.loss(prepared, rows.targets)
        if self._held is None:
            self._sums.append((total.detach(), weight.detach()))
        return _mean(total, weight)

    def validation_step(self, batch: int, batch_idx: int) -> None:
        """Add up the losses of some of the held-out rows."""
        if self._held is not None:
            rows = self._held.take(slice(batch_idx * JUDGED, (batch_idx + 1) * JUDGED))
            prepared = self.network.front(*rows.inputs)
            self._sums.append(self.network.loss(prepared, rows.targets))

    def on_train_epoch_end(self) -> None:
        """Nothing of this epoch is left for the next."""
        self._sums = []

    def loss_of_epoch(self) -> float:
        """Of the held-out rows where there are some, else of the updates of this epoch.

        After a checkpoint in mid-epoch only the updates made since then are known.
        """
        totals, weights = zip(*self._sums, strict=True)
        return float(_mean(torch.stack(totals).sum(0), torch.stack(weights).sum(0)))

    def _batches_of(self, epoch: int) -> list[Tensor]:
        if self._order[0] != epoch:
            size = self._settings.batch_size
            batches = batches_of(len(self._rows), size, self._seed, epoch)
            self._order = (epoch, [torch.from_numpy(b).to(self.device) for b in batches])
        return self._order[1]


def _seed_dropout(seed: int, device: torch.device) -> None:
    """Dropout draws from torch's own generators; `torch.manual_seed` takes a millisecond."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def _mean(total: Tensor, weight: Tensor) -> Tensor:
    """Mean over the rows of each answer, then over the answers; 0 where no row counts."""
    return (total / weight.clamp(min=1e-6)).mean()
