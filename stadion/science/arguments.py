"""Arguments of a formula in; the same as floats, or an error that names the wrong one, out."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from stadion.core.days import SEXES
from stadion.core.errors import Code, StadionError

__all__ = [
    "above",
    "above_nought",
    "between",
    "enough",
    "known_together",
    "positive",
    "same_length",
    "series",
    "sex_of",
]

Numbers = npt.NDArray[np.float64]
_LARGEST = 1e12


def positive(name: str, value: float, unit: str) -> float:
    """The value, when it is a finite number above 0.

    Raises
    ------
    StadionError
        INVALID, with the argument's name, its value and what would be right.

    Examples
    --------
    >>> positive("ftp_w", 250, "W")
    250.0
    """
    return above(name, value, 0.0, unit)


def above(name: str, value: float, low: float, unit: str, limit: str = "") -> float:
    """The value, when it is finite and above `low`, which `limit` names where it is no constant."""
    if not low < value < math.inf:
        what = f"{limit} = {low:g}" if limit else f"{low:g}"
        raise StadionError(Code.INVALID, f"{name} is {value}; expected more than {what} {unit}")
    return float(value)


def between(name: str, value: float, low: float, high: float, unit: str) -> float:
    """The value, when it lies in [low, high].

    Examples
    --------
    >>> between("rpe", 7, 0, 10, "points")
    7.0
    """
    if not low <= value <= high:
        raise StadionError(
            Code.INVALID, f"{name} is {value}; expected {low:g} to {high:g} {unit}".rstrip()
        )
    return float(value)


def series(name: str, values: npt.ArrayLike) -> Numbers:
    """(n,) float64 of one line of numbers; what is beyond 1e12 becomes missing, NaN.

    Nothing that sport measures is so large, and its fourth power would overflow.

    Examples
    --------
    >>> series("power_w", [100, float("inf")])
    array([100.,  nan])
    """
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise StadionError(Code.INVALID, f"{name} is no array of numbers; expected (n,)") from error
    if array.ndim != 1:
        raise StadionError(Code.INVALID, f"{name} has shape {array.shape}; expected (n,)")
    return np.where(np.abs(array) > _LARGEST, np.nan, array)


def same_length(**arrays: Numbers) -> None:
    """Nothing, when all arrays have one length."""
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise StadionError(Code.INVALID, f"lengths differ ({lengths}); expected equal ones")


def known_together(**arrays: npt.ArrayLike) -> tuple[Numbers, ...]:
    """The arrays, by the names of the arguments, without the places at which one is missing.

    Examples
    --------
    >>> known_together(x=[1.0, float("nan"), 3.0], y=[4.0, 5.0, 6.0])
    (array([1., 3.]), array([4., 6.]))
    """
    numbers = {name: series(name, values) for name, values in arrays.items()}
    same_length(**numbers)
    known = ~np.any([np.isnan(values) for values in numbers.values()], axis=0)
    return tuple(values[known] for values in numbers.values())


def above_nought(**arrays: npt.ArrayLike) -> tuple[Numbers, ...]:
    """`known_together` of quantities that must be above 0."""
    numbers = known_together(**arrays)
    for name, values in zip(arrays, numbers, strict=True):
        if len(values) and values.min() <= 0.0:
            raise StadionError(
                Code.INVALID, f"{name} holds {values.min():g}; expected only values above 0"
            )
    return numbers


def enough(name: str, values: Numbers, needed: int) -> None:
    """Nothing, when the array has so many different values."""
    different = len(np.unique(values))
    if different < needed:
        raise StadionError(
            Code.INVALID,
            f"{name} has {different} different known values; expected {needed} or more",
        )


def sex_of(sex: str) -> str:
    """The word, when the formula has a line for it."""
    if sex not in SEXES:
        raise StadionError(
            Code.INVALID,
            f"sex is {sex!r}; expected {' or '.join(SEXES)}: this formula differs by sex",
        )
    return sex
