"""Values told day by day in, one table with a row per person and day and its repairs out."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np

from stadion.core.activity import Repair, Source, Table
from stadion.core.arrays import Array
from stadion.core.days import DAYS, Quantity
from stadion.core.errors import Code, StadionError
from stadion.ingest._texts import texts_of

__all__ = ["DayRows", "day_in", "moment_in", "number_in", "records_in", "table_of"]

_FIRST, _LAST = date(2000, 1, 1), date(2100, 1, 1)
_MOST_ROWS = 2_000_000
_WHOLE_DAY_MIN = 1_200.0
"""A day of which less was recorded is cut off: its sums are not those of a day."""
_SUMS = ("steps", "distance", "energy")
_LEVELS = ("sedentary", "lightly_active", "moderately_active", "very_active")
_ZONES = ("below_zone_1", "zone_1", "zone_2", "zone_3")


@dataclass(slots=True, eq=False)
class DayRows:
    """Collects values by person and day; what is told twice or cannot be is counted.

    `people` holds what is the same on all days of a person: numbers, and the texts `sex` and
    `age_group`.
    """

    values: dict[tuple[str, date], dict[str, float]] = field(default_factory=dict)
    people: dict[str, dict[str, float | str]] = field(default_factory=dict)
    mended: Counter[str] = field(default_factory=Counter)

    def put(self, person: str, day: date | None, name: str, value: float) -> None:
        """A value that a day has once; told again, the last one counts."""
        if day is None or not math.isfinite(value):
            return
        row = self.values.setdefault((person, day), {})
        if name in row and row[name] != value:
            self.mended[f"days with several values of {name}, the last one kept"] += 1
        row[name] = value

    def add(self, person: str, day: date | None, name: str, value: float) -> None:
        """A value of which a day may have several: they are summed."""
        if day is not None and math.isfinite(value):
            row = self.values.setdefault((person, day), {})
            row[name] = row.get(name, 0.0) + value

    def mend(self) -> None:
        """Sums of days on which the tracker was not worn, or not to the end, count as missing."""
        for row in self.values.values():
            if not any(name in row for name in (*_SUMS, *_LEVELS)):
                continue
            told = [row[name] for name in _LEVELS if name in row]
            minutes = sum(told) + row.get("in_bed", 0.0)
            if len(told) == len(_LEVELS) and minutes < _WHOLE_DAY_MIN:
                self._drop(row, "days only partly recorded, their sums left out")
            elif row.get("steps", 1.0) == 0.0 or (
                "steps" not in row and row.get("sedentary", 0.0) >= 1_440.0
            ):
                self._drop(row, "days on which the tracker was not worn, their sums left out")

    def _drop(self, row: dict[str, float], why: str) -> None:
        self.mended[why] += 1
        for name in (*_SUMS, *_LEVELS, *_ZONES):
            row.pop(name, None)

    def table(self, source: Source) -> Table:
        """The table of kind `days`, sorted by person and day; `source` gets the repairs.

        Raises
        ------
        StadionError
            INVALID when there is no day.
        """
        self.mend()
        keys = sorted(key for key, row in self.values.items() if row)
        if not keys:
            raise StadionError(Code.INVALID, "no day with a value; expected a date and numbers")
        columns: dict[str, Array] = {
            "person": texts_of([person for person, _ in keys]),
            "date": np.array([day for _, day in keys], "datetime64[D]"),
        }
        for name in ("sex", "age_group"):
            texts = [str(self.people.get(person, {}).get(name, "")) for person, _ in keys]
            columns[name] = texts_of(texts)
        facts = [
            {k: v for k, v in self.people.get(p, {}).items() if isinstance(v, float)} | row
            for p, row in ((person, self.values[person, day]) for person, day in keys)
        ]
        return table_of("days", columns, facts, DAYS, source, self.mended)


def table_of(
    kind: str,
    columns: dict[str, Array],
    rows: Iterable[Mapping[str, float]],
    words: Mapping[str, Quantity],
    source: Source,
    mended: Counter[str],
) -> Table:
    """Texts and dates at hand, with the columns of numbers that hold any value.

    A value outside of what its quantity can be counts as missing.
    """
    given = list(rows)
    units = dict.fromkeys(columns, "")
    for name, quantity in words.items():
        values = np.array([row.get(name, math.nan) for row in given], np.float64)
        wrong = (values < quantity.low) | (values > quantity.high)
        if wrong.any():
            what = "zeros" if not values[wrong].any() else "impossible values"
            mended[f"{what} of {name} left out"] += int(wrong.sum())
            values[wrong] = math.nan
        if np.isfinite(values).any():
            columns[name], units[name] = values, quantity.unit
    repairs = (*source.repairs, *(Repair(what, count) for what, count in sorted(mended.items())))
    return Table(kind, columns, units, Source(source.reader, source.digest, source.name, repairs))


def records_in(data: bytes) -> Iterator[dict[str, str]]:
    """Rows below the header of comma-separated text, each as names and texts.

    Raises
    ------
    StadionError
        INVALID for text that breaks off and for more rows than any such file has.
    """
    lines = csv.reader(io.StringIO(data.decode("utf-8-sig", "replace"), newline=""))
    try:
        names = [name.strip() for name in next(lines, [])]
        for count, row in enumerate(lines):
            if count >= _MOST_ROWS:
                raise StadionError(Code.INVALID, f"a table of over {_MOST_ROWS} rows")
            yield dict(zip(names, row, strict=False))
    except csv.Error as error:
        raise StadionError(Code.INVALID, f"a table that breaks off: {error}") from error


def number_in(value: object) -> float:
    """A number or the text of one; NaN for anything else, bounds such as '<19' without the sign.

    Examples
    --------
    >>> number_in("12.5"), number_in(">=25"), number_in("No Goal")
    (12.5, 25.0, nan)
    """
    if isinstance(value, bool):
        return float(value)
    try:
        number = float(value.strip().lstrip("<>=") if isinstance(value, str) else value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) and abs(number) < 1e12 else math.nan


def day_in(text: object, is_day_first: bool = False) -> date | None:
    """The date of ISO 8601 or of month/day/year; None for anything else or another century.

    `is_day_first` reads day/month/year; where that or its opposite cannot be, the other is taken.

    Examples
    --------
    >>> day_in("2016-04-12 00:00:00"), day_in("4/12/2016 12:00:00 AM"), day_in("13/11/2019")
    (datetime.date(2016, 4, 12), datetime.date(2016, 4, 12), datetime.date(2019, 11, 13))
    """
    if not isinstance(text, str):
        return None
    part = text.strip().replace("T", " ").partition(" ")[0]
    try:
        if "/" in part:
            first, second, year = (int(number) for number in part.split("/"))
            is_day_first = first > 12 or (is_day_first and second <= 12)
            month, day = (second, first) if is_day_first else (first, second)
            found = date(year, month, day)
        else:
            found = date.fromisoformat(part)
    except (ValueError, OverflowError):
        return None
    return found if _FIRST <= found < _LAST else None


def moment_in(text: object) -> datetime | None:
    """The wall-clock time of ISO 8601, whatever zone it claims; None for anything else.

    Trackers and questionnaires write the person's own clock and mark it Z.
    """
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return found if _FIRST <= found.date() < _LAST else None
