"""Positions at regular steps in; speed, acceleration, turn rate and errors of forecasts out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stadion.core.arrays import FloatArray

__all__ = ["Motion", "best_of", "headings", "motion_of", "turned"]


class Motion(NamedTuple):
    """How a path is walked: `speed` (..., T - 1), `acceleration` and `turn_rate` (..., T - 2)."""

    speed: FloatArray
    acceleration: FloatArray
    turn_rate: FloatArray


def motion_of(positions: FloatArray, step_s: float, moving_mps: float) -> Motion:
    """Backward differences: what a step says of the time since the step before.

    Parameters
    ----------
    positions
        (..., T, 2) metres, NaN = unknown.
    moving_mps
        A direction counts where the player is faster than this; where one of the two steps that
        make a turn is slower, the turn rate is NaN.

    Returns
    -------
    Speed in m/s between steps 0-1, 1-2, ...; acceleration in m/s^2 (the change of that speed) and
    turn rate in rad/s (the change of direction, counterclockwise) of steps 0-1-2, 1-2-3, ...

    Examples
    --------
    >>> corner = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> speed, acceleration, turn_rate = motion_of(corner, 1.0, 0.5)
    >>> speed.tolist(), acceleration.tolist(), turn_rate.round(4).tolist()
    ([1.0, 2.0], [1.0], [1.5708])
    """
    velocity = np.diff(positions, axis=-2) / step_s
    speed = np.hypot(velocity[..., 0], velocity[..., 1])
    turn = turned(headings(positions)[..., :-1], headings(positions)[..., 1:]) / step_s
    with np.errstate(invalid="ignore"):
        moves = (speed[..., 1:] > moving_mps) & (speed[..., :-1] > moving_mps)
    return Motion(speed, np.diff(speed, axis=-1) / step_s, np.where(moves, turn, np.nan))


def headings(positions: FloatArray) -> FloatArray:
    """(..., T - 1) radians: the direction from each of (..., T, 2) positions to the next."""
    steps = np.diff(positions, axis=-2)
    angle: FloatArray = np.arctan2(steps[..., 1], steps[..., 0])
    return angle


def turned(first: FloatArray, second: FloatArray) -> FloatArray:
    """Radians from the first to the second direction, -pi to pi.

    Examples
    --------
    >>> float(turned(np.radians(170.0), np.radians(-170.0)).round(4))
    0.3491
    """
    angle: FloatArray = np.remainder(second - first + np.pi, 2 * np.pi) - np.pi
    return angle


def best_of(futures: FloatArray, truth: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Average and final displacement error of the best of K futures, each chosen for itself.

    Parameters
    ----------
    futures
        (n, K, T, 2).
    truth
        (n, T, 2) in the same unit.

    Returns
    -------
    (n,) least mean distance over the steps (ADE), and (n,) least distance at the last (FDE).

    References
    ----------
    A. Gupta et al., Social GAN, CVPR 2018 (best of N); P. Xu, J.-B. Hayet, I. Karamouzas,
    SocialVAE, ECCV 2022, takes both minima apart, as here.

    Examples
    --------
    >>> truth = np.zeros((1, 2, 2))
    >>> futures = np.array([[[[0.0, 1.0], [0.0, 1.0]], [[0.0, 3.0], [0.0, 0.5]]]])
    >>> [values.tolist() for values in best_of(futures, truth)]
    [[1.0], [0.5]]
    """
    apart = np.linalg.norm(futures - truth[:, None], axis=-1)
    return apart.mean(axis=2).min(axis=1), apart[:, :, -1].min(axis=1)
