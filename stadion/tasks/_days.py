"""A table of days in; people on their own calendars, and what is known before a day, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from stadion.core.activity import Source, Table
from stadion.core.arrays import Array, FloatArray
from stadion.core.days import AGE_GROUPS, DAYS, SEXES
from stadion.core.signature import Signature
from stadion.science.daily import on_calendar, past_levels, past_windows

__all__ = ["Person", "example_days", "people_in", "person_inputs"]

_PAST, _USUAL, _OWN = "past_", "usual_", "own_"
_THURSDAY, _SATURDAY = 3, 5  # counted from Monday; 1970 began on a Thursday
_MOST_DAYS = 20_000  # of one record: a calendar with a mistyped century would fill the memory


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person's record: (T,) unbroken days, and (T, columns) values with NaN = missing."""

    name: str
    sex: str
    age_group: str
    calendar: Array
    values: FloatArray
    columns: tuple[str, ...]
    _nothing: FloatArray = field(repr=False)

    def column(self, name: str) -> FloatArray:
        """(T,) values of a quantity; NaN for one that the table does not have."""
        return self.values[:, self.columns.index(name)] if name in self.columns else self._nothing


def people_in(table: Table) -> list[Person]:
    """The people of a table of kind `days`, by name; rows without a name or a date do not count."""
    columns = tuple(name for name in DAYS if name in table.columns)
    names = np.asarray(table.columns.get("person", np.full(len(table), "")), "U")
    dates = np.asarray(table.columns["date"]).astype("datetime64[D]")
    values = np.stack([np.asarray(table.columns[name], np.float64) for name in columns], axis=1)
    people = []
    for name in np.unique(names):
        rows = np.flatnonzero((names == name) & ~np.isnat(dates))
        _, last = np.unique(dates[rows][::-1], return_index=True)
        rows = rows[len(rows) - 1 - last]
        if not len(rows) or (dates[rows].max() - dates[rows].min()).astype(int) > _MOST_DAYS:
            continue
        calendar, filled = on_calendar(dates[rows], values[rows])
        sex, age_group = (_text(table, column, rows) for column in ("sex", "age_group"))
        people.append(
            Person(
                str(name), sex, age_group, calendar, filled, columns, np.full(len(calendar), np.nan)
            )
        )
    return people


def _text(table: Table, column: str, rows: Array) -> str:
    """The first known of a text column."""
    known = [str(text) for text in table.columns.get(column, np.array([], "U"))[rows] if text]
    return known[0] if known else ""


def person_inputs(person: Person, at: Array, signature: Signature) -> dict[str, Array]:
    """Inputs for the days `at` (k,) of a person's calendar, from the days before each.

    `at` may be the calendar's length: the day after the last.
    """
    found: dict[str, Array] = {}
    given: Array
    for tensor in signature.inputs:
        if tensor.step_s is not None:
            past = person.column(tensor.name.removeprefix(_PAST))[:, None]
            given = past_windows(past, int(tensor.shape[1] or 0))[at, :, 0]
        elif tensor.name.startswith(_USUAL):
            given = past_levels(person.column(tensor.name.removeprefix(_USUAL)))[at]
        elif tensor.name.startswith(_OWN):
            given = _carried(person.column(tensor.name.removeprefix(_OWN)))[at]
        elif tensor.name in ("weekday", "is_weekend"):
            day = (int(person.calendar[0].astype(np.int64)) + at + _THURSDAY) % 7
            given = np.eye(7)[day] if tensor.name == "weekday" else day >= _SATURDAY
        else:
            words, text = _WORDS[tensor.name]
            known = words.index(getattr(person, text)) if getattr(person, text) in words else np.nan
            given = np.full(len(at), float(known))
        found[tensor.name] = np.asarray(given, np.float32)
    return found


_WORDS = {
    "is_female": (SEXES[::-1], "sex"),
    "is_30_or_over": (AGE_GROUPS, "age_group"),
}
"""Input -> words that mean 0 and 1, and where they stand."""


def _carried(values: FloatArray) -> FloatArray:
    """(T + 1,) the last known value before each day."""
    place = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), -1))
    latest = np.where(place >= 0, values[place], np.nan)
    return np.concatenate([[np.nan], latest])


def example_days(seed: int) -> Table:
    """Made-up days of four people."""
    chance = np.random.default_rng(seed)
    names = ("ann", "ben", "cem", "dia")
    parts = [_example_person(chance) for _ in names]
    days = len(parts[0]["steps"])
    columns: dict[str, Array] = {
        "person": np.repeat(np.array(names, "U"), days),
        "date": np.tile(np.datetime64("2024-03-01") + np.arange(days), len(names)),
        "sex": np.repeat(np.array(["female", "male", "male", ""], "U"), days),
        "age_group": np.repeat(np.array([*AGE_GROUPS, AGE_GROUPS[0], ""], "U"), days),
    }
    columns |= {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    units = {name: DAYS[name].unit if name in DAYS else "" for name in columns}
    digest = sha256(columns["steps"].tobytes()).hexdigest()
    return Table("days", columns, units, Source("example", digest))


def _example_person(chance: np.random.Generator, days: int = 40) -> dict[str, FloatArray]:
    """Steps tire: the day after many of them readiness is low and the resting heart rate high."""
    usual_steps, usual_rest = chance.uniform(5_000, 12_000), chance.uniform(48, 70)
    steps = np.maximum(usual_steps * chance.lognormal(0, 0.3, days), 500).round()
    tired = np.concatenate([[0.0], steps[:-1] / usual_steps - 1])
    rest = usual_rest + 3 * tired + chance.normal(0, 0.5, days)
    sleep = chance.normal(430, 40, days).round()
    readiness = np.clip(np.round(6 - 2 * tired + (sleep - 430) / 60), 1, 10)
    gaps: Sequence[FloatArray] = [
        np.where(chance.random(days) < 0.1, np.nan, column)
        for column in (steps, rest, sleep, readiness)
    ]
    return dict(zip(("steps", "resting_heart_rate", "sleep", "readiness"), gaps, strict=True))
