"""Records of a health export in, one quantity at a time, one table of days out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from stadion.core.activity import Source as Origin
from stadion.core.activity import Table
from stadion.core.arrays import Array, FloatArray
from stadion.core.days import age_group_of
from stadion.core.profile import Profile
from stadion.ingest._days import DayRows
from stadion.ingest.markup.health_export import Person
from stadion.ingest.markup.health_nights import Night, nights_in
from stadion.ingest.markup.health_records import Samples, Source
from stadion.ingest.markup.health_sources import Cover, sums_by_day

__all__ = ["Days"]

_PERSON = ""
"""The export does not say who it is of; the opener knows for whom it is read."""
"""An export is of one person and names them nowhere but in their devices' names."""
_DAY_S = 86_400
_EPOCH = date(1970, 1, 1)
_FIRST, _LAST = (date(2000, 1, 1) - _EPOCH).days, (date(2100, 1, 1) - _EPOCH).days
_SUMS = ("steps", "distance", "exercise_time")
_LASTS = ("resting_heart_rate", "mass", "bmi", "height")
_NIGHTLY = ("oxygen_saturation", "respiration_rate", "skin_temperature")
_MORNING_H = 6


class Days:
    """Takes the records of one quantity after the other; sleep has to come first.

    Steps, distances and energy count once, whoever saw them; a day is the local one by the
    offset in each time. Apple's variability of the heart is SDNN and stands under `sdnn`.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sources
        self._rows = DayRows()
        self._nights: list[Night] = []
        self._energy: dict[str, tuple[Array, FloatArray]] = {}

    def take(self, name: str, samples: Samples) -> None:
        """All records of one quantity."""
        if name == "sleep":
            self._nights = nights_in(samples, self.sources)
            for night in self._nights:
                _put(self._rows, [night.day], night.values)
        elif name in _SUMS:
            _put_all(self._rows, name, *sums_by_day(samples, self.sources))
        elif name in ("active_energy", "basal_energy"):
            self._energy[name] = sums_by_day(samples, self.sources)
        elif name in _LASTS:
            _put_all(self._rows, name, *_last_by_day(samples))
        elif name == "sdnn":
            _put_all(self._rows, name, *_means(_day(samples), samples.value))
        elif name == "heart_rate":
            _put_all(self._rows, name, *_mean_of_hours(samples))
        elif name in _NIGHTLY:
            _put_all(self._rows, name, *_nightly(samples, self._nights, name))

    def table(self, person: Person, origin: Origin) -> Table | None:
        """The table of kind `days`; None when no day has a value."""
        if len(self._energy) == 2:
            _put_all(self._rows, "energy", *_energy(**self._energy))
        _meet(self._rows, person)
        return self._rows.table(origin) if any(self._rows.values.values()) else None


def _put(rows: DayRows, days: Sequence[int], values: dict[str, float]) -> None:
    for day in days:
        if _FIRST <= day < _LAST:
            for name, value in values.items():
                rows.put(_PERSON, _EPOCH + timedelta(days=day), name, value)


def _put_all(rows: DayRows, name: str, days: Array, values: FloatArray) -> None:
    for day, value in zip(days.tolist(), values.tolist(), strict=True):
        _put(rows, [day], {name: value})


def _meet(rows: DayRows, person: Person) -> None:
    """What is the same on all days: age on the last of them, height as it was told last."""
    known: dict[str, float | str] = {"sex": person.sex}
    last = max((day for _, day in rows.values), default=_EPOCH)
    if math.isfinite(person.birth_year):
        age = Profile(birth_year=person.birth_year).age_on(last) or math.nan
        known |= {"age": age, "age_group": age_group_of(age)}
    for (_, day), values in sorted(rows.values.items()):
        if day <= last and "height" in values:
            known["height"] = values.pop("height")
    rows.people[_PERSON] = known


def _day(samples: Samples) -> Array:
    return np.floor((samples.start_s + samples.ahead_s) / _DAY_S).astype(np.int64)


def _last_by_day(samples: Samples) -> tuple[Array, FloatArray]:
    day = _day(samples)
    order = np.argsort(day, kind="stable")
    days, first = np.unique(day[order], return_index=True)
    lasts = np.append(first[1:], len(order)) - 1
    return days, samples.value[order][lasts[: len(days)]]


def _means(keys: Array, values: FloatArray) -> tuple[Array, FloatArray]:
    known, which = np.unique(keys, return_inverse=True)
    count = np.bincount(which, minlength=len(known))
    return known, np.bincount(which, values, len(known)) / np.maximum(count, 1)


def _mean_of_hours(samples: Samples) -> tuple[Array, FloatArray]:
    """The mean of the hours' means: a workout is sampled a hundred times as often as rest."""
    hour = np.floor((samples.start_s + samples.ahead_s) / 3600).astype(np.int64)
    hours, means = _means(hour, samples.value)
    return _means(hours // 24, means)


def _energy(
    active_energy: tuple[Array, FloatArray], basal_energy: tuple[Array, FloatArray]
) -> tuple[Array, FloatArray]:
    """Active and resting energy of the days on which both are told."""
    both, mine, theirs = np.intersect1d(active_energy[0], basal_energy[0], return_indices=True)
    return both, active_energy[1][mine] + basal_energy[1][theirs]


def _nightly(samples: Samples, nights: Sequence[Night], name: str) -> tuple[Array, FloatArray]:
    """Means during the main sleep; of nights that nobody recorded, until six in the morning."""
    if name == "oxygen_saturation":
        samples.value[samples.value <= 1.5] *= 100  # Apple tells a part of one
    day = _day(samples)
    hour = (samples.start_s + samples.ahead_s) / 3600 - day * 24
    cover = Cover.of(
        np.array([night.start_s for night in nights]), np.array([night.end_s for night in nights])
    )
    known = np.array([night.day for night in nights], np.int64)
    asleep = cover.holds(samples.start_s)
    if len(known):
        ends = np.array([night.end_s for night in nights])
        order = np.argsort(ends)
        at = np.searchsorted(ends[order], samples.start_s)
        night_day = known[order][np.minimum(at, len(known) - 1)]
        day = np.where(asleep, night_day, day)
    is_early = ~asleep & (hour < _MORNING_H) & ~np.isin(day, known)
    kept = asleep | is_early | (name == "skin_temperature")
    return _means(day[kept], samples.value[kept])
