"""Texts of one column in, numbers out, NaN where there is none."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stadion.core.arrays import FloatArray

__all__ = ["Numbers", "has_decimal_comma", "is_blank", "numbers_in"]

_BLANKS = {"", "na", "n/a", "nan", "null", "none", "-", "--", "?", "#div/0!", "--:--", "-:--"}
_COMMA_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
_DOT_THOUSANDS = re.compile(r"[-+]?\d{1,3}(\.\d{3})+(,\d+)?")
_GROUPED = re.compile(r"(?<=\d)[\s'\u2019](?=\d{3}\b)")
_DECIMAL_COMMA = re.compile(r"[-+]?[\d.]*\d,\d+")


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """(n,) values, and how many fields held something else."""

    values: FloatArray
    strange: int


def numbers_in(texts: Sequence[str], is_comma_free: bool, uses_comma: bool = False) -> Numbers:
    """Numbers in the notation of any locale.

    Parameters
    ----------
    is_comma_free
        True when the comma parts no columns, so that one in a number is its decimal sign.
    uses_comma
        True when other columns of the table have a decimal comma: then points that part groups
        of three digits, in a column that has plain numbers too, are those of thousands.

    Examples
    --------
    >>> found = numbers_in(["1.234,5", "1.300", "", "x"], is_comma_free=True)
    >>> found.values.tolist(), found.strange
    ([1234.5, 1300.0, nan, nan], 1)
    """
    has_dots = is_comma_free and _has_dot_thousands(texts, uses_comma)
    if not has_dots:
        try:
            return Numbers(np.array([text or "nan" for text in texts], np.float64), 0)
        except ValueError:
            pass
    values = [_number(text.strip(), is_comma_free, has_dots) for text in texts]
    strange = sum(
        math.isnan(value) and not is_blank(text) for value, text in zip(values, texts, strict=True)
    )
    return Numbers(np.array(values, np.float64), strange)


def is_blank(text: str) -> bool:
    """True for what tables write where nothing was measured."""
    return text.strip().lower() in _BLANKS


def has_decimal_comma(texts: Sequence[str]) -> bool:
    """True when most texts with a comma are numbers with a decimal comma."""
    found = [text.strip() for text in texts if "," in text]
    commas = [t for t in found if _DECIMAL_COMMA.fullmatch(t) and not _COMMA_THOUSANDS.fullmatch(t)]
    return 2 * len(commas) > len(found)


def _has_dot_thousands(texts: Sequence[str], uses_comma: bool) -> bool:
    if "." not in "".join(texts):
        return False
    dotted = [text.strip() for text in texts if "." in text]
    if not all(_DOT_THOUSANDS.fullmatch(text) for text in dotted):
        return False
    return any("," in text for text in dotted) or (
        uses_comma and any(text.strip().isdigit() for text in texts)
    )


def _number(text: str, is_comma_free: bool, has_dots: bool) -> float:
    if has_dots:
        text = text.replace(".", "")
    if "," in text:
        if text.rfind(",") < text.rfind(".") or (
            not is_comma_free and _COMMA_THOUSANDS.fullmatch(text)
        ):
            text = text.replace(",", "")
        else:
            text = text.replace(".", "").replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return _grouped(text)


def _grouped(text: str) -> float:
    """A number whose thousands are parted by blanks or apostrophes."""
    if len(text) > 40 or not text[:1].isdigit():
        return math.nan
    try:
        return float(_GROUPED.sub("", text))
    except ValueError:
        return math.nan
