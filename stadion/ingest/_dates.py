"""Dates as people of any country write them in, moments out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

__all__ = ["moment_told", "plain", "writes_month_first"]

_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_DOTTED_TIME = re.compile(r"(\d{1,2})[.h](\d{2})(?:[.m](\d{2}))?\D*$")
_NUMBERS = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]{3,}")
_AFTERNOON = ("pm", "p.m", "p. m", "下午", "晚上", "오후", "午後", "μμ")
_MORNING = ("am", "a.m", "a. m", "上午", "凌晨", "早上", "오전", "午前", "πμ")
_MONTHS = (
    ("jan", "ene", "gen", "янв", "sty"),
    ("feb", "fev", "фев", "lut"),
    ("mar", "maa", "mrt", "мар"),
    ("apr", "abr", "avr", "апр", "kwi"),
    ("may", "mai", "mag", "mei", "maj", "мая", "маи"),
    ("jun", "juin", "giu", "июн", "cze"),
    ("jul", "juil", "lug", "июл", "lip"),
    ("aug", "ago", "aou", "авг", "sie"),
    ("sep", "set", "сен", "wrz"),
    ("oct", "okt", "ott", "out", "окт", "paz"),
    ("nov", "ноя", "lis"),
    ("dec", "dez", "dic", "дек", "gru"),
)
"""How the names of the months begin, without accents, in the languages that are read here."""
_BY_BEGINNING = {word: number for number, words in enumerate(_MONTHS, 1) for word in words}


def plain(text: str) -> str:
    """Small letters without accents, for comparing words of people.

    Examples
    --------
    >>> plain("Août"), plain("Höhenzunahme")
    ('aout', 'hohenzunahme')
    """
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c))


def moment_told(text: str, month_first: bool = False) -> datetime | None:
    """The wall-clock moment of a date with a time of day; None when it cannot be told.

    Parameters
    ----------
    month_first
        How a date like 3/4/2024 is meant. Where only one reading can be, that one is taken.

    Examples
    --------
    >>> moment_told("Sep 1, 2023, 6:12:05 PM")
    datetime.datetime(2023, 9, 1, 18, 12, 5)
    >>> moment_told("01.09.2023, 06:12:05") == moment_told("2023年9月1日 06:12:05")
    True
    >>> moment_told("1 de set. de 2023 06:12:05") == moment_told("1 sept. 2023 à 06:12:05")
    True
    """
    found = _TIME.search(text) or _DOTTED_TIME.search(text)
    if found is None:
        return None
    day = _date(text[: found.start()], month_first) or _date(text[found.end() :], month_first)
    if day is None:
        return None
    hour = _hour(int(found[1]), text.casefold())
    try:
        return datetime(*day, hour, int(found[2]), int(found[3] or 0))
    except ValueError:
        return None


def writes_month_first(texts: Sequence[str]) -> bool:
    """True for a column of dates like 9/13/2023, of which one at least can be nothing else."""
    for text in texts:
        numbers = [int(number) for number in _NUMBERS.findall(text[:10])[:2]]
        if len(numbers) == 2 and numbers[0] <= 12 < numbers[1] <= 31 and "/" in text[:6]:
            return True
    return False


def _date(text: str, month_first: bool) -> tuple[int, int, int] | None:
    numbers = [int(number) for number in _NUMBERS.findall(text)[:3] if len(number) <= 4]
    named = next((m for word in _WORD.findall(plain(text)) if (m := _month(word))), 0)
    if named and len(numbers) >= 2:
        first, second = numbers[:2]
        day, year = (first, second) if first <= 31 else (second, first)
        return year, named, day
    if len(numbers) < 3:
        return None
    first, second, third = numbers
    if first > 31:
        return first, second, third
    if second > 12 or (month_first and first <= 12):
        return third, first, second
    return third, second, first


def _month(word: str) -> int:
    return _BY_BEGINNING.get(word[:4], 0) or _BY_BEGINNING.get(word[:3], 0)


def _hour(hour: int, text: str) -> int:
    if hour < 12 and any(mark in text for mark in _AFTERNOON):
        return hour + 12
    if hour == 12 and any(mark in text for mark in _MORNING):
        return 0
    return hour
