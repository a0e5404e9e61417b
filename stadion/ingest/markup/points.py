"""Points as texts in, a track out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from stadion.core.arrays import FloatArray
from stadion.core.channels import canonical
from stadion.ingest._clock import Timeline, build_timeline

__all__ = ["Points", "epoch_seconds", "number_in"]

_MOST_COLUMNS = 128
_GPS_BEGAN = 315_964_800  # 1980-01-06
_WIDE = {"position_lat", "position_long", "distance"}
_NAMES = {
    "latitudedegrees": "position_lat",
    "longitudedegrees": "position_long",
    "altitudemeters": "altitude",
    "distancemeters": "distance",
    "heartratebpm": "heart_rate",
    "runcadence": "cadence",
    "powerinwatts": "power",
}


@dataclass(slots=True, eq=False)
class Points:
    """Points of one track, each a mapping of element names to texts."""

    rows: list[dict[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def timeline(self) -> Timeline | None:
        """The track; None when no point has a time."""
        clock = np.array([epoch_seconds(row.get("time", "")) for row in self.rows], np.float64)
        return build_timeline(clock, self._columns())

    def _columns(self) -> dict[str, FloatArray]:
        names = dict.fromkeys(name for row in self.rows for name in row)
        columns: dict[str, FloatArray] = {}
        for name in list(names)[:_MOST_COLUMNS]:
            if name == "time":
                continue
            channel = canonical(_NAMES.get(name, name))
            dtype: type[np.floating[Any]] = np.float64 if channel in _WIDE else np.float32
            with np.errstate(over="ignore"):
                values = np.array([number_in(row.get(name)) for row in self.rows], dtype)
            known = columns.get(channel)
            columns[channel] = values if known is None else np.where(np.isnan(known), values, known)
        return columns


def epoch_seconds(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 time; NaN for anything else. No zone means UTC.

    A time from before there was GPS comes from a clock that was not set: NaN too.

    Examples
    --------
    >>> epoch_seconds("2001-09-09T03:46:40.5+02:00"), epoch_seconds("noon")
    (1000000000.5, nan)
    """
    try:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return math.nan
    return seconds if seconds >= _GPS_BEGAN else math.nan


def number_in(text: str | None) -> float:
    """The number a text holds; NaN for none or anything else."""
    try:
        return float(text) if text else math.nan
    except ValueError:
        return math.nan
