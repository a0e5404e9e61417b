"""The catalogue's metrics in, sums per day and best efforts out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import sqlalchemy as sa

from stadion.archive.catalogue import Catalogue
from stadion.archive.rows import ActivityRow
from stadion.core.arrays import Array, FloatArray
from stadion.science.curve import DURATIONS_S

__all__ = ["DailyLoads", "best_curve", "daily_loads"]


@dataclass(frozen=True, slots=True, eq=False)
class DailyLoads:
    """One number per day without a gap.

    Parameters
    ----------
    days
        (n,) datetime64[D], the athlete's own dates.
    loads
        (n,) float64, 0 on days without a workout that has the metric.
    """

    days: Array
    loads: FloatArray


def daily_loads(
    catalogue: Catalogue, athlete: str, since: date | None, until: date | None, metric: str
) -> DailyLoads:
    """Sums of a metric per local day; a workout of several recordings counts once."""
    sums: dict[date, float] = {}
    for day, text in _rows(catalogue, ActivityRow.metrics, athlete, since, until, None):
        sums[day] = sums.get(day, 0.0) + json.loads(text).get(metric, 0.0)
    first = since or min(sums, default=None)
    last = until or max(sums, default=None)
    if first is None or last is None or last < first:
        return DailyLoads(np.empty(0, "datetime64[D]"), np.empty(0))
    days = np.arange(np.datetime64(first), np.datetime64(last) + 1)
    loads = np.zeros(len(days))
    for day, total in sums.items():
        loads[(day - first).days] = total
    return DailyLoads(days, loads)


def best_curve(
    catalogue: Catalogue,
    athlete: str,
    since: date | None,
    until: date | None,
    channel: str,
    sport: str | None,
) -> FloatArray:
    """The best mean of each duration over days; NaN where there is none."""
    best = np.full(len(DURATIONS_S), np.nan)
    for _, text in _rows(catalogue, ActivityRow.curves, athlete, since, until, sport):
        curve = json.loads(text).get(channel)
        if curve and len(curve) == len(best):
            best = np.fmax(best, np.array(curve, np.float64))
    return best


def _rows(
    catalogue: Catalogue,
    column: Any,
    athlete: str,
    since: date | None,
    until: date | None,
    sport: str | None,
) -> Iterator[tuple[date, str]]:
    row = ActivityRow
    query = sa.select(row.day, column).where(
        row.workout == row.id, row.athlete == athlete, row.day != ""
    )
    if since is not None:
        query = query.where(row.day >= since.isoformat())
    if until is not None:
        query = query.where(row.day <= until.isoformat())
    if sport is not None:
        query = query.where(row.sport == sport)
    with catalogue.reading() as session:
        for day, text in session.execute(query.order_by(row.start_us)):
            yield date.fromisoformat(day), text
