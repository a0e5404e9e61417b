"""Courses of rallies and what happened in, the losses of a training step out."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from stadion.train.rallies.module import Courses

__all__ = ["errors_of", "loss_of", "spread_loss"]

_CHANCE = 0.1  # weight of telling which future will come


def errors_of(courses: Courses, side: Tensor, types: Tensor, landing: Tensor, unit: Tensor
              ) -> Tensor:  # fmt: skip
    """(n, K + 1) error of each course: mean cross entropy and mean landing error, added.

    Parameters
    ----------
    types, landing
        (n, T) with -1 and (n, T, 2) in metres with NaN, where there was no stroke.
    """
    there = (types >= 0).float()
    logs = torch.log_softmax(courses.types, dim=3)
    place = types.clamp(min=0)[:, None, :, None].expand(-1, logs.shape[1], -1, 1)
    surprise = -logs.gather(3, place)[..., 0]
    truth = landing * side[:, None, None] / unit
    known = torch.isfinite(truth).all(dim=2).float() * there
    apart = (courses.landing - torch.nan_to_num(truth)[:, None]).abs().mean(dim=3)
    return _mean(surprise, there) + _mean(apart, known)


def loss_of(courses: Courses, errors: Tensor, softness: float) -> Tensor:
    """Of the futures the nearest counts, of the expected course every one does.

    With `softness` above 0 the others count as well, exp(-error / softness) each, so that no
    future is left behind before it has found what it is good for.

    References
    ----------
    C. Rupprecht et al., Learning in an uncertain world: representing ambiguity through multiple
    hypotheses, ICCV 2017; K. Rose, Deterministic annealing, Proc. IEEE 86 (1998) 2210.
    """
    futures, expected = errors[:, :-1], errors[:, -1]
    count = math.log(futures.shape[1])
    nearest = softness * (count - torch.logsumexp(-futures / softness, dim=1))
    share = torch.softmax(-futures.detach() / max(softness, 0.1), dim=1)
    told = functional.cross_entropy(courses.chance, share)
    return nearest.mean() + expected.mean() + _CHANCE * told


def spread_loss(courses: Courses, side: Tensor, landing: Tensor, unit: Tensor) -> Tensor:
    """Surprise at the error of the expected landing points, which are taken as they are.

    The spread is that of a Laplace distribution, so it is the expected absolute error.
    """
    truth = landing * side[:, None, None] / unit
    known = torch.isfinite(truth).float()
    off = (torch.nan_to_num(truth) - courses.landing[:, -1].detach()).abs()
    surprise = torch.log(courses.spread) + off / courses.spread
    return (surprise * known).sum() / known.sum().clamp(min=1.0)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Mean over the strokes of (n, K, T) values, each with its row's weight, (n, T)."""
    total = (values * weight[:, None]).sum(dim=2)
    return total / weight.sum(dim=1, keepdim=True).clamp(min=1.0)
