"""Raw tensors with NaN = missing in; positions, speeds, turns and several futures out."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from stadion.train.trajectories.past import past_named
from stadion.train.trajectories.scene import STEP_S, Scene, scene_of

__all__ = ["Forecast", "MotionNetwork"]

_HEADS = 4
_SLOWING = 0.9  # of the last velocity, per step: where the forecast starts from
_METRES, _MPS = 3.0, 3.0  # typical sizes that bring inputs and outputs near 1
_MPS2, _RADPS = 3.0, 2.0
_FAR = 10.0
_OWN, _OTHER, _PLACES = 6, 13, 8


class Forecast(NamedTuple):
    """What the heads say, in the frame of a `Scene`, for each of F steps ahead.

    `position` (n, F, 2) m; `speed` (n, F) m/s; `acceleration` (n, F) m/s^2; `turn_rate` (n, F)
    rad/s; `futures` (n, K, F, 2) m; `likelihood` (n, K), logarithm of a weight.
    """

    position: Tensor
    speed: Tensor
    acceleration: Tensor
    turn_rate: Tensor
    futures: Tensor
    likelihood: Tensor


class MotionNetwork(nn.Module):
    """One trunk that knows the player, the others and the basket, and one head for each answer.

    The player asks the others, each by a few numbers relative to him, what matters to him
    (attention). Futures are K deterministic answers of one head: the loss lets each become good
    at something else.

    Parameters
    ----------
    past, ahead
        Steps that are seen, and that are forecast.
    reader
        What reads the player's own steps; see `past.PASTS`.
    """

    def __init__(
        self, past: int, ahead: int, futures: int, reader: str, features: int, hidden: int,
        layers: int, dropout: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.ahead, self.futures = ahead, futures
        self._past = past_named(reader, past, _OWN, features)
        self._own = nn.Linear(features + _PLACES, features)
        self._other = nn.Sequential(
            nn.Linear(4 * past + _OTHER, features), nn.GELU(), nn.Linear(features, features)
        )
        self._ask = nn.Linear(features, features)
        self._tell = nn.Linear(features, 2 * features)
        self._hear = nn.Linear(features, features)
        self._mix = Residual(features, 2 * features, dropout)
        self._enter = nn.Linear(2 * features + _PLACES, hidden)
        self._trunk = nn.ModuleList(Residual(hidden, 2 * hidden, dropout) for _ in range(layers))
        self._norm = nn.LayerNorm(hidden)
        self._futures = nn.Linear(hidden, futures * ahead * 2)
        self._likelihood = nn.Linear(hidden, futures)
        self._position = nn.Linear(hidden, 2 * ahead)
        self._speed = nn.Linear(hidden, ahead)
        self._acceleration = nn.Linear(hidden, ahead)
        self._turn_rate = nn.Linear(hidden, ahead)
        self._start_near_slowing_down()
        step = torch.arange(1.0, ahead + 1.0)
        self.register_buffer("_slowing", _SLOWING * (1 - _SLOWING**step) / (1 - _SLOWING))
        self.register_buffer("_reach", 0.15 + 1.05 * (step - 1) / max(ahead - 1, 1))

    _slowing: Tensor
    _reach: Tensor

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The outputs in physical units, turned back: see `Forecast`; the last are probabilities.

        Parameters
        ----------
        inputs
            As `scene_of` takes them.
        """
        scene = scene_of(*inputs)
        forecast = self.forecast(scene)
        side = scene.side.reshape(-1, 1, 1)
        return (
            forecast.position * side,
            forecast.speed,
            forecast.acceleration,
            forecast.turn_rate,
            forecast.futures * side.unsqueeze(3),
            functional.softmax(forecast.likelihood, dim=1),
        )

    @property
    def heads(self) -> list[nn.Module]:
        """The last layers."""
        return [
            self._futures, self._likelihood, self._position, self._speed, self._acceleration,
            self._turn_rate,
        ]  # fmt: skip

    def forecast(self, scene: Scene) -> Forecast:
        """What the heads say."""
        pace = (scene.path[:, 1:] - scene.path[:, :-1]) / STEP_S
        known = self._trunk_of(scene, pace)
        reach = self._reach.reshape(1, -1, 1)
        coast = pace[:, -1:] * STEP_S * self._slowing.reshape(1, -1, 1)
        futures = self._futures(known).reshape(-1, self.futures, self.ahead, 2)
        position = self._position(known).reshape(-1, self.ahead, 2)
        last = pace[:, -1].square().sum(dim=1, keepdim=True).add(1e-6).sqrt()
        return Forecast(
            coast + position * reach,
            functional.softplus((last + _MPS * self._speed(known)) * 3.0) / 3.0,
            _MPS2 * self._acceleration(known),
            _RADPS * self._turn_rate(known),
            coast.unsqueeze(1) + futures * reach.unsqueeze(0),
            self._likelihood(known),
        )

    def _trunk_of(self, scene: Scene, pace: Tensor) -> Tensor:
        places = _places(scene)
        own = self._own(torch.cat([self._past(_own_track(scene, pace)), places], dim=1))
        others = self._other(_others_of(scene, pace))
        own = self._mix(own + self._hear(self._heard(own, others)))
        joined = self._enter(torch.cat([own, others.amax(dim=1), places], dim=1))
        for layer in self._trunk:
            joined = layer(joined)
        return self._norm(joined)  # type: ignore[no-any-return]

    def _heard(self, own: Tensor, others: Tensor) -> Tensor:
        """(n, features) what the player attends to among (n, m, features)."""
        features = own.shape[1]
        shape = (-1, others.shape[1], _HEADS, features // _HEADS)
        key, value = self._tell(others).chunk(2, dim=2)
        key, value = key.reshape(shape).transpose(1, 2), value.reshape(shape).transpose(1, 2)
        query = self._ask(own).reshape(-1, _HEADS, 1, features // _HEADS)
        fit = torch.matmul(query, key.transpose(2, 3)) / math.sqrt(features // _HEADS)
        return torch.matmul(fit.softmax(dim=3), value).reshape(-1, features)

    def _start_near_slowing_down(self) -> None:
        with torch.no_grad():
            for head in self.heads:
                for weight in head.parameters():
                    weight.mul_(0.3)


class Residual(nn.Module):
    """What two layers add to what is known."""

    def __init__(self, features: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self._layers = nn.Sequential(
            nn.LayerNorm(features), nn.Linear(features, hidden), nn.GELU(),
            nn.Linear(hidden, features), nn.Dropout(dropout),
        )  # fmt: skip

    def forward(self, values: Tensor) -> Tensor:
        """(n, features) of the same."""
        return values + self._layers(values)  # type: ignore[no-any-return]


def _places(scene: Scene) -> Tensor:
    """(n, 8): basket and place, whether they are known, how far and which way the basket is."""
    basket = scene.basket[:, :2]
    far = basket.square().sum(dim=1, keepdim=True).add(1e-6).sqrt()
    way = basket[:, 1:] / (far + 0.5)
    return torch.cat([scene.basket / _FAR, scene.place / _FAR, far / _FAR, way], dim=1)


def _own_track(scene: Scene, pace: Tensor) -> Tensor:
    """(n, T, 6): position, velocity since the step before, and whether each was measured."""
    since = torch.cat([torch.zeros_like(pace[:, :1]), pace], dim=1)
    return torch.cat([scene.path / _METRES, since / _MPS, scene.path_known], dim=2)


def _others_of(scene: Scene, pace: Tensor) -> Tensor:
    """(n, m, 4 T + 13): where each other one is and goes, as the player sees it."""
    gap = (scene.others - scene.path.unsqueeze(1)) / _METRES
    speed = (scene.others[:, :, 1:] - scene.others[:, :, :-1]) / STEP_S / _MPS
    last = scene.others[:, :, -1]
    apart = last.square().sum(dim=2, keepdim=True).add(1e-6).sqrt()
    towards = last / (apart + 0.2)
    closing = (towards * pace[:, -1].unsqueeze(1)).sum(dim=2, keepdim=True) / _MPS
    basket = (last - scene.basket[:, :2].unsqueeze(1)) / _FAR
    far = basket.square().sum(dim=2, keepdim=True).add(1e-6).sqrt()
    measured = scene.others_known
    return torch.cat(
        [
            gap.flatten(2), speed.flatten(2), apart / _FAR, torch.exp(-apart),
            torch.exp(-apart / _METRES), towards, closing, basket, far,
            measured.mean(dim=2), measured[:, :, -1], scene.kind,
        ],
        dim=2,
    )  # fmt: skip
