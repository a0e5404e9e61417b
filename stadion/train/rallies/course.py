"""A network of rallies and its training set in, the same network trained out."""

from __future__ import annotations

import math
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from stadion.core.errors import Code, StadionError
from stadion.train.base import Progress, Run
from stadion.train.network.chance import seed_of
from stadion.train.rallies.losses import errors_of, loss_of, spread_loss
from stadion.train.rallies.module import RallyNetwork
from stadion.train.rallies.windows import Batch, Windows

__all__ = ["RallySettings", "train"]

_ORDER, _STEP = 1, 2  # what a seed is drawn for
_SORTED = 6.0  # strokes by which a batch's rallies may differ in length at random
_CLIP = 1.0
_FEWEST_STEPS = 20  # the schedule divides by its rise, which must have a length
_SOFTENED = 0.8  # of the updates, after which the softness stays as it is
_MIRRORED = ("past_landing", "past_player", "past_opponent")


@dataclass(frozen=True, slots=True)
class RallySettings:
    """Settings of the futures of rallies.

    Parameters
    ----------
    futures
        Ways on from the fourth stroke that are told beside the expected one.
    epochs, batch_size
        Passes over the rallies, and rallies per update.
    windows
        Chance that a rally shows, in one pass, four strokes from elsewhere in it.
    width, dropout
        Columns of the layers, and the share of them left out by an update.
    softness_start, softness_end
        How much the futures that are not the nearest count, at first and in the end, in units of
        the error.
    mirror
        Chance that left and right are exchanged.
    missing_rate
        Chance that a rally is shown with holes: up to 7 of 10 values are blanked then.
    """

    futures: int = field(default=6, metadata={"low": 1, "high": 64})
    epochs: int = field(default=30, metadata={"low": 1, "high": 10_000})
    batch_size: int = field(default=64, metadata={"low": 2, "high": 4_096})
    learning_rate: float = field(default=5e-3, metadata={"low": 1e-6, "high": 1.0})
    weight_decay: float = field(default=1e-2, metadata={"low": 0.0, "high": 10.0})
    windows: float = field(default=0.8, metadata={"low": 0.0, "high": 1.0})
    width: int = field(default=96, metadata={"low": 4, "high": 2_048})
    dropout: float = field(default=0.2, metadata={"low": 0.0, "high": 0.9})
    softness_start: float = field(default=0.4, metadata={"low": 1e-3, "high": 10.0})
    softness_end: float = field(default=0.03, metadata={"low": 1e-3, "high": 10.0})
    mirror: float = field(default=0.5, metadata={"low": 0.0, "high": 1.0})
    missing_rate: float = field(default=0.2, metadata={"low": 0.0, "high": 1.0})


def train(
    network: RallyNetwork, windows: Windows, settings: RallySettings, run: Run, checkpoint: Path
) -> None:
    """Train `network` in place; go on from `checkpoint` when it is there and whole.

    Order, windows, holes and dropout of an epoch are drawn from the seed and its number alone.

    Raises
    ------
    StadionError
        INVALID when the loss is no number any more.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device).train()
    windows.to(device)
    batches = max(1, len(windows) // settings.batch_size)
    optimizer = torch.optim.AdamW(_groups(network, settings), lr=settings.learning_rate)
    steps = max(settings.epochs * batches + 1, _FEWEST_STEPS)
    schedule = OneCycleLR(optimizer, settings.learning_rate, total_steps=steps, pct_start=0.2)
    parts = {"network": network, "optimizer": optimizer, "schedule": schedule}
    for epoch in range(_restored(parts, checkpoint), settings.epochs):
        torch.manual_seed(seed_of(run.seed, epoch, _STEP))
        done = epoch / max(1.0, _SOFTENED * settings.epochs)
        softness = _between(settings.softness_start, settings.softness_end, min(1.0, done))
        total = torch.zeros((), device=device)
        for rows, begin in _order(windows, batches, settings, seed_of(run.seed, epoch, _ORDER)):
            batch = windows.take(rows, begin)
            loss = _loss(network, _changed(batch, network, settings), softness)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
            optimizer.step()
            schedule.step()
            total += loss.detach()
        mean = float(total) / batches
        if not math.isfinite(mean):
            raise StadionError(
                Code.INVALID,
                f"the loss became {mean} in epoch {epoch + 1}: these settings diverge",
                "set a lower learning_rate",
            )
        _keep(parts, epoch + 1, checkpoint)
        run.progress(Progress("epoch", epoch + 1, settings.epochs, mean))
    network.cpu().eval()


def _loss(network: RallyNetwork, batch: Batch, softness: float) -> Tensor:
    courses, side = network.courses(batch.types.shape[1], *batch.inputs)
    errors = errors_of(courses, side, batch.types, batch.landing, network.reading.unit)
    unit = network.reading.unit
    return loss_of(courses, errors, softness) + spread_loss(courses, side, batch.landing, unit)


def _groups(network: RallyNetwork, settings: RallySettings) -> list[dict[str, object]]:
    """Decay pulls on weights of two and more axes only."""
    weights = list(network.parameters())
    return [
        {"params": [w for w in weights if w.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [w for w in weights if w.dim() < 2], "weight_decay": 0.0},
    ]


def _order(
    windows: Windows, batches: int, settings: RallySettings, seed: int
) -> list[tuple[Tensor, Tensor]]:
    """Rows and windows of every batch of an epoch; rallies of about one length go together."""
    device = windows.later.device
    chance = torch.Generator().manual_seed(seed)
    later = windows.later.cpu()
    begin = (torch.rand(len(later), generator=chance) * (later + 1)).to(torch.int64)
    begin = torch.minimum(begin, later)
    begin[torch.rand(len(later), generator=chance) >= settings.windows] = 0
    lengths = later - begin + torch.rand(len(later), generator=chance) * _SORTED
    parts = lengths.argsort().tensor_split(batches)
    order = torch.randperm(batches, generator=chance).tolist()
    return [(parts[i].to(device), begin[parts[i]].to(device)) for i in order]


def _changed(batch: Batch, network: RallyNetwork, settings: RallySettings) -> Batch:
    """The batch with left and right exchanged in some rows, and holes in some."""
    rows, device = len(batch.types), batch.types.device
    flip = torch.where(torch.rand(rows, device=device) < settings.mirror, -1.0, 1.0)
    ones = torch.ones_like(flip)
    mirror = torch.stack([flip, ones], dim=1)[:, None]
    holed = torch.rand(rows, device=device) < settings.missing_rate
    share = torch.where(holed, 0.7 * torch.rand(rows, device=device), 0.0)
    inputs = []
    for name, values in zip(network.reading.order, batch.inputs, strict=True):
        seen = values * mirror if name in _MIRRORED else values
        lost = torch.rand(seen.shape, device=device) < share.reshape(-1, *[1] * (seen.dim() - 1))
        inputs.append(torch.where(lost, float("nan"), seen))
    return Batch(inputs, batch.types, batch.landing * mirror)


def _between(start: float, end: float, done: float) -> float:
    return float(start * (end / start) ** done)


def _restored(parts: dict[str, object], checkpoint: Path) -> int:
    """Epochs that are done already; 0 without a whole checkpoint."""
    try:
        with zipfile.ZipFile(checkpoint) as file:
            if file.testzip() is not None:
                return 0
    except (OSError, zipfile.BadZipFile):
        return 0
    state = torch.load(checkpoint, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state[name])  # type: ignore[attr-defined]
    return int(state["epoch"])


def _keep(parts: dict[str, object], epoch: int, checkpoint: Path) -> None:
    """Write beside the file and rename: a kill leaves the old checkpoint or the new one."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    partial = checkpoint.with_suffix(".partial")
    state = {name: part.state_dict() for name, part in parts.items()}  # type: ignore[attr-defined]
    with partial.open("wb") as file:
        torch.save(state | {"epoch": epoch}, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(checkpoint)
