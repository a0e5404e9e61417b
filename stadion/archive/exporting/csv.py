"""An activity in, its main track as a table with units in the header out."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import numpy as np

from stadion.core.activity import Activity
from stadion.core.arrays import FloatArray
from stadion.core.channels import CHANNELS
from stadion.core.errors import Code, StadionError

__all__ = ["written"]


def written(activity: Activity) -> bytes:
    """CSV in UTF-8: `timestamp` in UTC if there is a date, `time (s)` since the start, channels.

    Numbers are the shortest that give the same value again; missing ones are empty.

    Raises
    ------
    StadionError
        INVALID for an activity without samples.
    """
    if not activity.tracks or not len(activity.tracks[0]):
        raise StadionError(Code.INVALID, "the activity has no samples; CSV would be empty")
    track = activity.tracks[0]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    clocks = ["time (s)"] if activity.start is None else ["timestamp", "time (s)"]
    table.writerow([*clocks, *(_heading(name) for name in track.channels)])
    columns = [] if activity.start is None else [_moments(activity.start, track.time_s)]
    columns += [_texts(values) for values in (track.time_s, *track.channels.values())]
    table.writerows(zip(*columns, strict=True))
    return text.getvalue().encode()


def _heading(name: str) -> str:
    channel = CHANNELS.get(name)
    return f"{name} ({channel.unit})" if channel else name


def _moments(begin: datetime, time_s: FloatArray) -> list[str]:
    start = begin.replace(tzinfo=None)
    return [
        (start + timedelta(microseconds=round(value * 1e6))).isoformat() + "Z"
        for value in time_s.tolist()
    ]


def _texts(values: FloatArray) -> list[str]:
    known = np.isfinite(values)
    # str of a numpy float is the shortest of its own precision.
    return [str(v) if k else "" for v, k in zip(values, known.tolist(), strict=True)]
