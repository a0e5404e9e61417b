"""Moments of workouts in; an equation of how hearts follow demand, learned from them, out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional

from stadion.core.arrays import FloatArray
from stadion.core.dataset import Dataset
from stadion.train._blanks import with_blanked_copies
from stadion.train.base import Progress, Run
from stadion.train.heart.crew import BPM, USUAL_BPM
from stadion.train.heart.ode import OdeNetwork
from stadion.train.heart.reading import ANSWER
from stadion.train.network.chance import seed_of

__all__ = ["OdeSettings", "trained_ode"]

_WEIGHTS, _ORDER, _COPIES = 1, 2, 3  # what a seed is drawn for
_BLANKED, _COPIED = 0.1, 0.3
"""Share of values missing over rows and copies, and share of the copies in an epoch."""
_POPULATION = 0.3
"""Weight of the population's own error beside the heart's."""


@dataclass(frozen=True, slots=True)
class OdeSettings:
    """How demand is learned, and how long.

    Parameters
    ----------
    hidden
        Cells of the network that tells the demand of a step.
    ways
        In how many ways hearts may answer demand differently.
    rows
        Moments of an epoch, spread over the workouts; `batch` of them in a step.
    """

    hidden: int = field(default=24, metadata={"low": 1, "high": 512, "search": (8, 64, "log")})
    ways: int = field(default=2, metadata={"low": 1, "high": 16})
    dropout: float = field(default=0.1, metadata={"low": 0.0, "high": 0.9})
    epochs: int = field(default=12, metadata={"low": 1, "high": 2_000, "search": (6, 40)})
    rows: int = field(default=4_000, metadata={"low": 16, "high": 10_000_000})
    batch: int = field(default=500, metadata={"low": 2, "high": 100_000})
    learning_rate: float = field(
        default=5e-3, metadata={"low": 1e-6, "high": 0.1, "search": (1e-3, 2e-2, "log")}
    )


def trained_ode(data: Dataset, settings: OdeSettings, run: Run) -> OdeNetwork:
    """Demand, equation and the prior of hearts learned together, through the unrolled steps."""
    torch.manual_seed(seed_of(run.seed, _WEIGHTS))
    network = OdeNetwork(data, settings.hidden, settings.ways, settings.dropout)
    everything = np.arange(len(data))
    both = with_blanked_copies(data, _BLANKED, seed_of(run.seed, _COPIES) % 2**31, everything)
    given = [torch.from_numpy(both.inputs[tensor.name]) for tensor in data.signature.inputs]
    truth = torch.from_numpy((np.tile(data.targets[ANSWER], 2) - USUAL_BPM) / BPM)
    truth = truth.to(torch.float32)
    rng = np.random.default_rng(seed_of(run.seed, _ORDER))
    chances = _chances(data)
    rows = min(settings.rows, len(data))
    steps = settings.epochs * len(range(0, rows, settings.batch))
    optimizer = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=steps
    )
    network.train()
    for epoch in range(settings.epochs):
        order = rng.choice(len(data), rows, p=chances) + len(data) * (rng.random(rows) < _COPIED)
        for start in range(0, rows, settings.batch):
            some = torch.from_numpy(order[start : start + settings.batch])
            population, heart = network.both(*(one[some] for one in given))
            target = truth[some]
            loss = functional.smooth_l1_loss(heart, target)
            loss = loss + _POPULATION * functional.smooth_l1_loss(population, target)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        run.progress(Progress("epochs", epoch + 1, settings.epochs, float(loss.detach())))
    return network.eval()


def _chances(data: Dataset) -> FloatArray:
    """(n,) of each row to be drawn: a group counts with the root of its size."""
    _, group, sizes = np.unique(data.groups, return_inverse=True, return_counts=True)
    weight = 1.0 / np.sqrt(sizes[group])
    return np.asarray(weight / weight.sum())
