"""A provider's coordinates in, metres from the pitch's corner out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from stadion.core.arrays import FloatArray

__all__ = ["Pitch"]

_LENGTH_M, _WIDTH_M = 105.0, 68.0


@dataclass(frozen=True, slots=True, eq=False)
class Pitch:
    """How places of one dataset become metres.

    Parameters
    ----------
    length_m, width_m
        105 by 68 m where the files do not say, then `is_told` is False.
    """

    low_x: float
    high_x: float
    low_y: float
    high_y: float
    length_m: float
    width_m: float
    is_down: bool
    """True when y grows downwards, as on a screen."""
    is_told: bool
    dimensions: Any

    @classmethod
    def of(cls, system: Any) -> Pitch:
        """The pitch of kloppy's coordinate system."""
        dims = system.pitch_dimensions
        length, width = dims.pitch_length, dims.pitch_width
        is_told = bool(length and width) and not dims.standardized
        length, width = float(length or _LENGTH_M), float(width or _WIDTH_M)
        x, y = dims.x_dim, dims.y_dim
        low_x, low_y = float(x.min or 0.0), float(y.min or 0.0)
        high_x = low_x + length if x.max is None else float(x.max)
        high_y = low_y + width if y.max is None else float(y.max)
        is_down = "top-to-bottom" in str(system.vertical_orientation.value)
        return cls(low_x, high_x, low_y, high_y, length, width, is_down, is_told, dims)

    def metres(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n,) along and (n,) across the pitch, from its lower left corner."""
        with np.errstate(over="ignore"):  # what no float can hold is on no pitch
            along = (x - self.low_x) / (self.high_x - self.low_x) * self.length_m
            across = (y - self.low_y) / (self.high_y - self.low_y) * self.width_m
        if self.is_down:
            across = self.width_m - across
        return _sane(along), _sane(across)

    def point(self, point: Any) -> tuple[float, float]:
        """One place; boxes and spots keep their place on pitches drawn to another scale."""
        if point is None or point.x is None or point.y is None:
            return math.nan, math.nan
        dims = self.dimensions
        if dims.x_dim.max is None or dims.y_dim.max is None:
            x, y = self.metres(np.array([float(point.x)]), np.array([float(point.y)]))
            return float(x[0]), float(y[0])
        moved = dims.to_metric_base(
            type(point)(**{"x": float(point.x), "y": float(point.y)} | _height(point)),
            pitch_length=self.length_m,
            pitch_width=self.width_m,
        )
        y = self.width_m - moved.y if self.is_down else moved.y
        return float(moved.x), float(y)


def _height(point: Any) -> dict[str, float]:
    return {"z": float(point.z or 0.0)} if hasattr(point, "z") else {}


def _sane(values: FloatArray) -> FloatArray:
    """Places a pitch's length outside of it are marks of nothing seen."""
    return np.where(np.abs(values) <= 300.0, values, np.nan).astype(np.float32)
