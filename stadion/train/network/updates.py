"""Settings and weights in; the optimizer and the course of its learning rate out."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from stadion.train.network.settings import LoopSettings

__all__ = ["optimizer_for", "schedule_for"]

_RISE = 0.3  # share of `onecycle` that rises, as in Smith & Topin, arXiv:1708.07120
_START = 0.04  # of the highest rate, where it begins


def optimizer_for(module: nn.Module, settings: LoopSettings) -> Optimizer:
    """The optimizer over all weights; decay pulls only on those of two and more axes."""
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    groups = [
        {"params": [w for w in weights if w.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [w for w in weights if w.dim() < 2], "weight_decay": 0.0},
    ]
    rate = settings.learning_rate
    if settings.optimizer == "adam":
        return torch.optim.Adam(groups, lr=rate)
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=rate)
    momentum = settings.momentum if settings.optimizer == "momentum" else 0.0
    return torch.optim.SGD(groups, lr=rate, momentum=momentum)


def schedule_for(optimizer: Optimizer, settings: LoopSettings, updates: int) -> LambdaLR:
    """The learning rate as a function of the update's number: it has no other state."""
    shape = _SHAPES[settings.schedule]
    return LambdaLR(optimizer, lambda step: shape(min(step / max(updates, 1), 1.0)))


def _cosine(done: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * done))


def _step(done: float) -> float:
    return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01


def _onecycle(done: float) -> float:
    if done < _RISE:
        return _START + (1 - _START) * (1 - _cosine(done / _RISE))
    return _cosine((done - _RISE) / (1 - _RISE))


_SHAPES: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": _cosine,
    "step": _step,
    "onecycle": _onecycle,
}
