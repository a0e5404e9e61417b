"""An activity in, a GPX 1.1 track with heart rate, cadence, temperature and power out."""

from __future__ import annotations

from datetime import timedelta
from xml.sax.saxutils import escape

import numpy as np

from stadion.core.activity import Activity, Track
from stadion.core.arrays import IntArray
from stadion.core.errors import Code, StadionError
from stadion.science.gcj02 import to_wgs84

__all__ = ["written"]

# Namespaces of the schema and of the extension that most programs read.
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<gpx version="1.1" creator="Stadion" xmlns="http://www.topografix.com/GPX/1/1"'
    ' xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v1">\n'
)
_EXTENSION = {"temperature": "atemp", "heart_rate": "hr", "cadence": "cad"}
"""Channel -> element of the TrackPointExtension, in the order of its schema."""


def written(activity: Activity) -> bytes:
    """GPX of the moments with a position; the others have no place in such a file.

    Positions are WGS 84, as the standard asks: those of a shifted map are put back.

    Raises
    ------
    StadionError
        INVALID for an activity without a date or without positions.
    """
    if activity.start is None:
        raise StadionError(Code.INVALID, "the activity has no date; GPX cannot hold it")
    track = activity.tracks[0] if activity.tracks else Track("", np.empty(0), {})
    lat, long = (track.channels.get(f"position_{axis}") for axis in ("lat", "long"))
    if lat is None or long is None or not (found := np.isfinite(lat) & np.isfinite(long)).any():
        raise StadionError(Code.INVALID, "the activity has no positions; GPX cannot hold it")
    rows = np.flatnonzero(found)
    lat, long = lat[rows].astype(np.float64), long[rows].astype(np.float64)
    if activity.crs == "GCJ02":
        lat, long = to_wgs84(lat, long)
    begin = activity.start.replace(tzinfo=None)
    times = [begin + timedelta(microseconds=round(t * 1e6)) for t in track.time_s[rows].tolist()]
    parts = [f"<time>{time.isoformat()}Z</time>" for time in times]
    heights = _texts(track, "altitude", rows)
    extras = _extensions(track, rows)
    points = [
        f'<trkpt lat="{a!r}" lon="{b!r}">{f"<ele>{h}</ele>" if h else ""}{time}{extra}</trkpt>'
        for a, b, h, time, extra in zip(
            lat.tolist(), long.tolist(), heights, parts, extras, strict=True
        )
    ]
    name = f"<name>{_plain(activity.title)}</name>\n" if activity.title else ""
    sport = f"<type>{_plain(activity.sport)}</type>\n" if activity.sport else ""
    body = "\n".join(points)
    text = f"{_HEAD}<trk>\n{name}{sport}<trkseg>\n{body}\n</trkseg>\n</trk>\n</gpx>\n"
    return text.encode()


def _extensions(track: Track, rows: IntArray) -> list[str]:
    columns = {tag: _texts(track, name, rows) for name, tag in _EXTENSION.items()}
    power = _texts(track, "power", rows)
    extras: list[str] = []
    for k in range(len(rows)):
        inner = "".join(
            f"<gpxtpx:{tag}>{texts[k]}</gpxtpx:{tag}>" for tag, texts in columns.items() if texts[k]
        )
        both = f"<power>{power[k]}</power>" if power[k] else ""
        if inner:
            both += f"<gpxtpx:TrackPointExtension>{inner}</gpxtpx:TrackPointExtension>"
        extras.append(f"<extensions>{both}</extensions>" if both else "")
    return extras


def _plain(text: str) -> str:
    """A text as XML may hold it: control characters are not allowed, however written."""
    allowed = (c for c in text if c >= " " and not "\ud800" <= c <= "\udfff" and c < "\ufffe")
    return escape("".join(allowed))


def _texts(track: Track, name: str, rows: IntArray) -> list[str]:
    """Shortest numbers of a channel, empty where it knows nothing; whole ones without a point."""
    if name not in track.channels:
        return [""] * len(rows)
    values = track.channels[name][rows]
    known = np.isfinite(values).tolist()
    return [
        str(v).removesuffix(".0") if is_known else ""
        for v, is_known in zip(values, known, strict=True)
    ]
