"""An activity as its reader gave it in, the same with its zone, flags and map's system out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stadion.core.activity import Activity
from stadion.science.quality import find_flags, valid
from stadion.science.quality.places import crs_of, is_virtual

__all__ = ["finished"]


def finished(activity: Activity) -> Activity:
    """The activity, ready to be kept: no stream is changed.

    The zone is that of the first position free of doubt; at sea it is one like 'Etc/GMT+3'.
    Where there is none, or the ride led through a made-up world, the reader's zone stays.
    """
    flagged = replace(activity, flags=find_flags(activity), crs=crs_of(activity))
    zone = _zone_of(flagged)
    return replace(flagged, zone=zone) if zone else flagged


def _zone_of(activity: Activity) -> str:
    """Empty where no position tells it."""
    if is_virtual(activity):
        return ""
    for track in activity.tracks:
        if "position_long" not in track.channels:
            continue
        lat, long = (track.channels.get(f"position_{axis}") for axis in ("lat", "long"))
        fixes = np.flatnonzero(
            valid(activity, track, "position_lat") & valid(activity, track, "position_long")
        )
        if lat is not None and long is not None and len(fixes):
            return _zone_at(float(lat[fixes[0]]), float(long[fixes[0]]))
    return ""


def _zone_at(lat: float, long: float) -> str:
    if not (-90 <= lat <= 90 and -180 <= long <= 180):
        return ""
    import tzfpy  # its polygons take a moment and some memory: only those who ingest pay

    return str(tzfpy.get_tz(long, lat))
