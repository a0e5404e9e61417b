"""What the heads say and what happened in; how far off they are, and from each other, out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from stadion.train.trajectories.network import Forecast
from stadion.train.trajectories.scene import STEP_S, Scene

__all__ = ["Truth", "loss_of", "ties"]

_MOVING_MPS = 0.9144  # 3 ft/s: below it a heading is noise
_TINY = 1e-6
_PATH, _SPEED, _ACCELERATION, _TURN, _HEADING = 0.5, 0.5, 0.05, 0.06, 0.3
_AUX = 1.0


@dataclass(frozen=True, slots=True)
class Truth:
    """Targets in the frame of a `Scene`, NaN = unknown, shapes as in `Forecast`."""

    position: Tensor
    speed: Tensor
    acceleration: Tensor
    turn_rate: Tensor


def loss_of(
    said: Forecast, truth: Truth, scene: Scene, spread: float, tie: float, end: float
) -> Tensor:
    """One number: the best of the futures, each head, and how well the heads agree.

    Parameters
    ----------
    spread
        Share of the loss that all futures have, whichever came true: without it some never learn.
    tie
        Weight of the agreement of the heads.
    end
        Weight of the last step beside that of the whole path.
    """
    known = torch.isfinite(truth.position).all(dim=2).to(torch.float32)
    position = torch.nan_to_num(truth.position)
    futures = _best(said, position, known, spread, end)
    heads = (
        _PATH * _mean(_length(said.position - position), known)
        + _SPEED * _distance(said.speed, truth.speed)
        + _ACCELERATION * _distance(said.acceleration, truth.acceleration)
        + _TURN * _distance(said.turn_rate, truth.turn_rate)
        + _HEADING * _astray(said.position, position, truth.speed, known)
    )
    return futures + _AUX * (heads + tie * sum(part.mean() for part in ties(said, scene)))


def ties(said: Forecast, scene: Scene) -> tuple[Tensor, Tensor, Tensor]:
    """(n, F) each: how far speed, acceleration and turn rate are from the derivatives they name.

    Speed in m/s from the length of the position's step; acceleration in m/s^2 from the speed's
    step, weighted down; turn rate in rad/s from the change of the step's direction, weighted by
    how fast the player moves, as the direction of a short step means nothing.
    """
    before = scene.path[:, -1:]
    step = _steps(said.position, before)
    pace = (before - scene.path[:, -2:-1]) / STEP_S
    speed = _length(step)
    first = torch.cat([_length(pace), said.speed[:, :-1]], dim=1)
    grown = (said.speed - first) / STEP_S
    turned = _angle(torch.cat([pace, step[:, :-1]], dim=1), step) / STEP_S
    moves = (speed.detach() / 3.0).clamp(max=1.0)
    return (
        (said.speed - speed).abs(),
        0.1 * (said.acceleration - grown).abs(),
        0.1 * moves * (said.turn_rate - turned).abs(),
    )


def _best(said: Forecast, position: Tensor, known: Tensor, spread: float, end: float) -> Tensor:
    """Best-of-K loss with a share for all (relaxed winner takes all).

    References
    ----------
    C. Rupprecht et al., Learning in an uncertain world: representing ambiguity through multiple
    hypotheses, ICCV 2017.
    """
    apart = _length(said.futures - position.unsqueeze(1))
    there = known.sum(dim=1, keepdim=True)
    whole = (apart * known.unsqueeze(1)).sum(dim=2) / there.clamp(min=1.0)
    ends = apart[:, :, -1]
    closest = whole.detach().argmin(dim=1)
    relaxed = _relaxed(whole, spread) + end * _relaxed(ends, spread) * known[:, -1]
    some = (there[:, 0] > 0).to(torch.float32)
    likely = functional.cross_entropy(said.likelihood, closest, reduction="none")
    return ((relaxed + 0.02 * likely) * some).sum() / some.sum().clamp(min=1.0)


def _relaxed(values: Tensor, spread: float) -> Tensor:
    return (1.0 - spread) * values.amin(dim=1) + spread * values.mean(dim=1)


def _astray(said: Tensor, position: Tensor, speed: Tensor, known: Tensor) -> Tensor:
    """Mean of 1 - cos of the angle between the said and the true step, where he moves."""
    origin = torch.zeros_like(position[:, :1])
    ours, true = _steps(said, origin), _steps(position, origin)
    cosine = (ours * true).sum(dim=2) / (_length(ours) * _length(true))
    moving = (torch.nan_to_num(speed) > _MOVING_MPS).to(torch.float32) * known
    return _mean(1.0 - cosine, moving)


def _steps(position: Tensor, before: Tensor) -> Tensor:
    """(n, F, 2) m/s between one position and the next."""
    return torch.diff(torch.cat([before, position], dim=1), dim=1) / STEP_S


def _angle(first: Tensor, second: Tensor) -> Tensor:
    """Radians from the first to the second direction, -pi to pi."""
    cross = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    return torch.atan2(cross, (first * second).sum(dim=-1) + _TINY)


def _length(values: Tensor) -> Tensor:
    return values.square().sum(dim=-1).add(_TINY).sqrt()


def _distance(said: Tensor, truth: Tensor) -> Tensor:
    known = torch.isfinite(truth)
    return _mean((said - torch.nan_to_num(truth)).abs(), known.to(torch.float32))


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=1.0)
