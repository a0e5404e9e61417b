"""A field's text in, the number it holds out."""

from __future__ import annotations

import math

__all__ = ["number_or_nan"]


def number_or_nan(text: str | bytes | None, most: float = math.inf) -> float:
    """The number a text holds; NaN for anything else and for what is larger than `most`.

    Examples
    --------
    >>> number_or_nan("12.5"), number_or_nan("NA"), number_or_nan("-1e13", most=1e12)
    (12.5, nan, nan)
    """
    try:
        number = float(text) if text else math.nan
    except ValueError:
        return math.nan
    return number if abs(number) <= most else math.nan
