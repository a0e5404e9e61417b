"""An activity in, a file that other programs read out."""

from __future__ import annotations

import importlib

from stadion.core.activity import Activity
from stadion.core.errors import Code, StadionError

__all__ = ["KINDS", "export"]

KINDS = ("parquet", "csv", "gpx", "json")
"""What `export` can make; each is a file beside this one with `written(activity) -> bytes`."""


def export(activity: Activity, kind: str) -> bytes:
    """The bytes of a file of that kind.

    `json` holds everything and `parquet` all streams with everything else in its metadata;
    `csv` holds the main track, `gpx` those of its moments that have a position.

    Raises
    ------
    StadionError
        INVALID for another kind, or where such a file cannot hold the activity.
    """
    if kind not in KINDS:
        raise StadionError(
            Code.INVALID, f"kind is {kind[:40]!r}; expected one of {', '.join(KINDS)}"
        )
    written = importlib.import_module(f"stadion.archive.exporting.{kind}").written
    try:
        data: bytes = written(activity)
    except OverflowError:  # a clock that was set to the end of the calendar
        raise StadionError(
            Code.INVALID, f"the times of activity {activity.id[:12]} leave the calendar"
        ) from None
    return data
