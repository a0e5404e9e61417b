"""Positions on China's shifted maps in, positions of the world out, and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray

__all__ = ["from_wgs84", "is_in_china", "to_wgs84"]

# The ellipsoid of Krasovsky 1940, on which the shift is defined.
_AXIS_M = 6_378_245.0
_ECCENTRICITY = 0.00669342162296594323
_ROUNDS = 4
_SHORT = ((20.0, 1.0), (40.0, 1 / 3))

# Rectangles (north, west, south, east) in degrees that hold the mainland, and those in them that
# do not belong to it.
_INSIDE = (
    (49.2204, 79.4462, 42.8899, 96.33), (54.1415, 109.6872, 39.3742, 135.0002),
    (42.8899, 73.1246, 29.5297, 124.143255), (29.5297, 82.9684, 26.7186, 97.0352),
    (29.5297, 97.0253, 20.414096, 124.367395), (20.414096, 107.975793, 17.871542, 111.744104),
)  # fmt: skip
_OUTSIDE = (
    (25.398623, 119.921265, 21.785006, 122.497559),  # Taiwan
    (22.284, 101.8652, 20.0988, 106.665), (21.5422, 106.4525, 20.487800, 108.051),  # Vietnam
    (55.8175, 109.0323, 50.3257, 119.127), (55.8175, 127.4568, 49.5574, 137.0227),  # Russia
    (44.8922, 131.2662, 42.5692, 137.0227),
    # Hong Kong, whose border runs from Deep Bay up the Shenzhen river.
    (22.43, 113.82, 22.13, 113.95), (22.505, 113.95, 22.13, 114.08),
    (22.535, 114.08, 22.13, 114.45),
    (22.2175, 113.52, 22.1, 113.62),  # Macau
)  # fmt: skip


def is_in_china(lat: FloatArray, long: FloatArray) -> npt.NDArray[np.bool_]:
    """True for positions in mainland China, where maps are shifted; rough along the borders.

    Parameters
    ----------
    lat, long
        (n,) degrees; NaN is nowhere.

    References
    ----------
    The rectangles are those that converters of the field share (TQLocationConverter, 2014, and
    those after it); Hong Kong and Macau, whose maps are not shifted, added.

    Examples
    --------
    >>> is_in_china(np.array([39.9, 22.3, 52.5]), np.array([116.4, 114.17, 13.4])).tolist()
    [True, False, False]
    """
    return _in_any(lat, long, _INSIDE) & ~_in_any(lat, long, _OUTSIDE)


def from_wgs84(lat: FloatArray, long: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Positions as China's maps show them; those outside stay.

    Parameters
    ----------
    lat, long
        (n,) degrees, WGS 84.

    Returns
    -------
    (n,) latitude and (n,) longitude in GCJ-02, degrees.

    References
    ----------
    The transformation became known through the code of a map plug-in of 2010 ("eviltransform",
    GPS4C); its constants are of that source.

    Examples
    --------
    >>> lat, long = from_wgs84(np.array([39.9087]), np.array([116.3975]))
    >>> lat.round(5).tolist(), long.round(5).tolist()
    ([39.9101], [116.40374])
    """
    with np.errstate(invalid="ignore"):
        north, east = _shift(np.asarray(lat, np.float64), np.asarray(long, np.float64))
    inside = is_in_china(lat, long)
    return np.where(inside, lat + north, lat), np.where(inside, long + east, long)


def to_wgs84(lat: FloatArray, long: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The inverse of `from_wgs84` to less than a centimetre, found by going back and forth.

    Examples
    --------
    >>> shifted = from_wgs84(np.array([31.2304]), np.array([121.4737]))
    >>> [values.round(7).tolist() for values in to_wgs84(*shifted)]
    [[31.2304], [121.4737]]
    """
    goal_lat, goal_long = np.asarray(lat, np.float64), np.asarray(long, np.float64)
    true_lat, true_long = goal_lat, goal_long
    # The shift changes by less than 1 % of a step, so every round gains two digits.
    for _ in range(_ROUNDS):
        with np.errstate(invalid="ignore"):
            north, east = _shift(true_lat, true_long)
        true_lat, true_long = goal_lat - north, goal_long - east
    inside = is_in_china(true_lat, true_long)
    return np.where(inside, true_lat, lat), np.where(inside, true_long, long)


def _in_any(
    lat: FloatArray, long: FloatArray, boxes: tuple[tuple[float, float, float, float], ...]
) -> npt.NDArray[np.bool_]:
    found = np.zeros(np.shape(lat), np.bool_)
    for north, west, south, east in boxes:
        found |= (lat >= south) & (lat <= north) & (long >= west) & (long <= east)
    return found


def _shift(lat: FloatArray, long: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Degrees to the north and east by which a map is off."""
    x, y = long - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    both = _waves(x, (20.0, 6.0), (20.0, 2.0))
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * root
    north_m += (both + _waves(y, *_SHORT, (160.0, 1 / 12), (320.0, 1 / 30))) / 1.5
    east_m = 300.0 + x + 2.0 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * root
    east_m += (both + _waves(x, *_SHORT, (150.0, 1 / 12), (300.0, 1 / 30))) / 1.5
    angle = np.radians(lat)
    flattening = 1.0 - _ECCENTRICITY * np.sin(angle) ** 2
    radius = _AXIS_M / np.sqrt(flattening)
    north = np.degrees(north_m * flattening / ((1.0 - _ECCENTRICITY) * radius))
    return north, np.degrees(east_m / (radius * np.cos(angle)))


def _waves(value: FloatArray, *terms: tuple[float, float]) -> FloatArray:
    total = np.zeros(np.shape(value))
    for height, rate in terms:
        total += height * np.sin(rate * np.pi * value)
    return total
