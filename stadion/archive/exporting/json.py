"""An activity in, one JSON document with everything out; and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from stadion.archive.document import activity_from, document_of
from stadion.core.activity import Activity, Track
from stadion.core.channels import CHANNELS
from stadion.core.errors import Code, StadionError

__all__ = ["read", "written"]

_FORMAT = "stadion.activity"
_VERSION = 1
_NUMBERS = ("float16", "float32", "float64")


def written(activity: Activity) -> bytes:
    """JSON with everything that is known, in SI units.

    `format` and `version` say what it is; `activity` holds what is no stream (id, athlete,
    sport, start in UTC, laps as [start_s, end_s, kind, label, values], events as [time_s, kind,
    label], flags as [kind, start_s, end_s, channel, subject, detail], profile, source); `tracks`
    is a list of {subject, time_s: [seconds since start], channels: {name: {unit, type,
    values}}}, null = missing.
    """
    tracks = [
        {
            "subject": track.subject,
            "time_s": np.ascontiguousarray(track.time_s, np.float64),
            "channels": {
                name: {
                    "unit": CHANNELS[name].unit if name in CHANNELS else "",
                    "type": str(values.dtype),
                    "values": np.ascontiguousarray(values),
                }
                for name, values in track.channels.items()
            },
        }
        for track in activity.tracks
    ]
    about: dict[str, Any] = json.loads(document_of(activity))
    whole = {"format": _FORMAT, "version": _VERSION, "activity": about, "tracks": tracks}
    return orjson.dumps(whole, option=orjson.OPT_SERIALIZE_NUMPY)


def read(data: bytes) -> Activity:
    """The activity that `written` wrote, equal to it but for numbers of laps that are none.

    Raises
    ------
    StadionError
        INVALID for anything else.
    """
    try:
        whole = orjson.loads(data)
        if whole["format"] != _FORMAT or whole["version"] != _VERSION:
            raise ValueError("another format")
        about = whole["activity"]
        for lap in about["laps"]:
            lap[4] = {name: np.nan if v is None else v for name, v in lap[4].items()}
        return activity_from(json.dumps(about), [_track(track) for track in whole["tracks"]])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise StadionError(
            Code.INVALID, f"no JSON of an activity ({type(error).__name__}); expected an export"
        ) from error


def _track(held: Mapping[str, Any]) -> Track:
    channels = {}
    for name, column in held["channels"].items():
        if column["type"] not in _NUMBERS:
            raise ValueError("a channel is of no float")
        channels[str(name)] = np.array(
            [np.nan if value is None else value for value in column["values"]], column["type"]
        )
    return Track(str(held["subject"]), np.array(held["time_s"], np.float64), channels)
