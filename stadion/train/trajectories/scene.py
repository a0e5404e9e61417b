"""Raw tensors of one player and his surroundings in; the same, turned and without gaps, out."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["STEP_S", "Scene", "mirrored", "scene_of"]

STEP_S = 0.12
"""Seconds between two steps of the path."""
_FARTHEST_M = 60.0  # farther than any two points of a court
_NEARNESS = 3.0  # how fast the weight of a known step falls with its distance from a missing one
_TINY = 1e-6


class Scene(NamedTuple):
    """Everything relative to the player's last known position, the attacked basket to the right.

    Parameters
    ----------
    path, path_known
        (n, T, 2) metres, and 1 where measured. The last step is the origin.
    others, others_known
        (n, m, T, 2) metres, and (n, m, T, 2) 1 where measured; the ball comes first.
    kind
        (n, m, 2): 1 for the ball; 1 for a teammate, -1 for an opponent, 0 unknown.
    basket, place
        (n, 3): x, y in metres and 1 where both are known.
    side
        (n,) 1, or -1 where the scene was turned by half a turn.
    """

    path: Tensor
    path_known: Tensor
    others: Tensor
    others_known: Tensor
    kind: Tensor
    basket: Tensor
    place: Tensor
    side: Tensor


def scene_of(
    path: Tensor, others: Tensor, ball: Tensor, teammate: Tensor, basket: Tensor, place: Tensor
) -> Scene:
    """Turn by half a turn where the basket is to the left, and fill gaps from the steps nearby.

    Parameters
    ----------
    path, ball
        (n, T, 2) metres from the player's last known position, NaN = missing.
    others
        (n, T, m - 1, 2) metres from the same origin.
    teammate
        (n, m - 1): 1 yes, 0 no, NaN unknown.
    basket
        (n, 2) metres from the origin.
    place
        (n, 2) the origin, in metres from the middle of the court.
    """
    side = _side(basket, place)
    around = torch.cat([ball.unsqueeze(2), others], dim=2).transpose(1, 2)
    path_known, around_known = _known(path), _known(around)
    path = _clean(path, path_known) * side.reshape(-1, 1, 1)
    around = _clean(around, around_known) * side.reshape(-1, 1, 1, 1)
    # the last step is the origin, measured or not
    anchored = torch.cat([path_known[:, :-1], torch.ones_like(path_known[:, -1:])], dim=1)
    mate_known = _known(teammate)
    mate = (2.0 * _clean(teammate, mate_known) - 1.0) * mate_known
    is_ball = torch.cat([torch.ones_like(mate[:, :1]), torch.zeros_like(mate)], dim=1)
    mate = torch.cat([torch.zeros_like(mate[:, :1]), mate], dim=1)
    return Scene(
        _filled(path, anchored),
        path_known,
        _filled(around, around_known),
        around_known,
        torch.stack([is_ball, mate], dim=2),
        _point(basket, side),
        _point(place, side),
        side,
    )


def mirrored(scene: Scene, flip: Tensor) -> Scene:
    """The scene as a mirror along the court's length shows it where `flip` (n,) is -1."""
    across = torch.stack([torch.ones_like(flip), flip], dim=1)
    lying = torch.cat([across, torch.ones_like(across[:, :1])], dim=1)
    return scene._replace(
        path=scene.path * across[:, None],
        others=scene.others * across[:, None, None],
        basket=scene.basket * lying,
        place=scene.place * lying,
    )


def _side(basket: Tensor, place: Tensor) -> Tensor:
    """(n,) where the attacked basket is: the half the player is in, else the side it lies on."""
    x = torch.where(torch.isfinite(place[:, 0]), place[:, 0], basket[:, 0])
    return torch.where(x < 0, -1.0, 1.0)  # a comparison with NaN is false


def _known(values: Tensor) -> Tensor:
    return torch.isfinite(values).to(torch.float32)


def _clean(values: Tensor, known: Tensor) -> Tensor:
    held = torch.where(known > 0, values, torch.zeros_like(values))
    return held.clamp(-_FARTHEST_M, _FARTHEST_M)


def _point(values: Tensor, side: Tensor) -> Tensor:
    known = _known(values)
    there = known[:, :1] * known[:, 1:]
    return torch.cat([_clean(values, known) * side.unsqueeze(1), there], dim=1)


def _filled(values: Tensor, known: Tensor) -> Tensor:
    """(..., T, 2) with each missing step as its known neighbours in time are; 0 where none is."""
    steps = range(values.shape[-2])
    decay = [[math.exp(-_NEARNESS * abs(here - there)) for there in steps] for here in steps]
    nearness = torch.tensor(decay, dtype=values.dtype, device=values.device)
    weight = torch.matmul(nearness, known)
    nearby = torch.matmul(nearness, values * known) / weight.clamp(min=_TINY * _TINY)
    return known * values + (1.0 - known) * nearby
