"""Compares every GPX and TCX file of the corpus, whole, with gpxpy and tcxreader.

`python -m tests.ingest.compare_markup` takes half a minute; the tests do the same with some of
the points of each file.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import gpxpy
import numpy as np
import pytest
from tcxreader.tcxreader import TCXReader

from stadion.core.activity import Activity, Lap
from stadion.core.errors import StadionError
from tests.ingest.real_files import index, only, raw, read_bytes

__all__ = ["EXCEPTIONS", "names", "rows_as_by_gpxpy", "rows_as_by_tcxreader", "thinned"]

NOT_FOR_GPXPY = {
    "gpx/sportslib__6037744996.gpx": "prefixes that are not declared",
    "gpx/sportslib__amazfit_2.gpx": "two bytes of junk before the document",
    "gpx/gpxpy__Mojstrovka.gpx": "a clock that stood at 1901: refused here",
}
NOT_FOR_TCXREADER = {
    "tcx/gc__._activity_2677977976.tcx": "no XML",
    "tcx/gc__activity_165850259_multi-session.tcx": "tcxreader finds no sessions of a triathlon",
}
NOT_READ = {"tcx/gc__OWswim.tcx": {"speed"}}  # it stands in no TPX
WORDS = {
    "hr": "heart_rate", "heartrate": "heart_rate", "cad": "cadence", "runcadence": "cadence",
    "atemp": "temperature", "temp": "temperature", "powerinwatts": "power", "watts": "power",
    "verticalspeed": "vertical_speed",
}  # fmt: skip
GPXPY_FIELDS = {
    "latitude": "position_lat", "longitude": "position_long", "elevation": "altitude",
    "magnetic_variation": "magvar", "geoid_height": "geoidheight", "satellites": "sat",
    "horizontal_dilution": "hdop", "vertical_dilution": "vdop", "position_dilution": "pdop",
    "age_of_dgps_data": "ageofdgpsdata", "dgps_id": "dgpsid", "speed": "speed",
    "course": "course",
}  # fmt: skip
LAP_WORDS = {
    "AvgSpeed": "speed_mps", "AvgRunCadence": "cadence_rpm", "MaxRunCadence": "cadence_max_rpm",
    "MaxBikeCadence": "cadence_max_rpm", "AvgWatts": "power_w", "MaxWatts": "power_max_w",
}  # fmt: skip
TCXREADER_FIELDS = {
    "latitude": "position_lat", "longitude": "position_long", "elevation": "altitude",
    "distance": "distance", "hr_value": "heart_rate", "cadence": "cadence",
}  # fmt: skip
TCXREADER_SPORTS = {"Running": "running", "Biking": "cycling", "Other": ""}
EXCEPTIONS = {*NOT_FOR_GPXPY, *NOT_FOR_TCXREADER, *NOT_READ}

_POINT = re.compile(rb"<(trkpt|Trackpoint)\b[^>]*(?<!/)>.*?</\1\s*>", re.DOTALL)
_RUN, _OF_RUNS = 20, 8


def names(kind: str) -> list[str]:
    """Files of the corpus that the other reader of that kind can be asked about."""
    left_out = NOT_FOR_GPXPY if kind == "gpx" else NOT_FOR_TCXREADER
    return [name for name in index() if name.startswith(kind) and name not in left_out]


def thinned(data: bytes) -> bytes:
    """The same file with only every eighth run of twenty points, and with all else."""
    points = list(_POINT.finditer(data))
    kept, at = [], 0
    for number, point in enumerate(points[:-_RUN]):
        if number // _RUN % _OF_RUNS:
            kept.append(data[at : point.start()])
            at = point.end()
    return b"".join([*kept, data[at:]])


def rows_as_by_gpxpy(name: str, data: bytes) -> int:
    """How many points there are, all of which say the same to gpxpy and here."""
    document = gpxpy.parse(data.decode("utf-8-sig"))
    timed = []
    for track in document.tracks:
        rows: dict[float, dict[str, float]] = {}
        for point in (p for segment in track.segments for p in segment.points if p.time):
            told = {ours: getattr(point, theirs) for theirs, ours in GPXPY_FIELDS.items()}
            values = {key: float(value) for key, value in told.items() if value is not None}
            values |= {k: v for k, v in _extensions(point).items() if k not in values}
            rows.setdefault(_moment(point.time), {}).update(values)
        if rows:
            timed.append((track.name or "", rows))
    if not timed:
        with pytest.raises(StadionError):
            read_bytes("gpx", data)
        return 0
    for recording, (title, rows) in zip(read_bytes("gpx", data), timed, strict=True):
        _agree(recording, rows, name)
        # gpxpy does not know that the document's own name may stand for its only track.
        assert recording.title == (title or document.name or "")
        assert recording.device == (document.creator or "")
    return sum(len(rows) for _, rows in timed)


def rows_as_by_tcxreader(name: str, data: bytes) -> int:
    """How many points there are; they and the laps say the same to tcxreader and here."""
    exercise = TCXReader().read(io.BytesIO(data), only_gps=False)
    rows: dict[float, dict[str, float]] = {}
    for point in exercise.trackpoints:
        values = {
            ours: value
            for theirs, ours in TCXREADER_FIELDS.items()
            if (value := getattr(point, theirs)) is not None
        }
        for key, value in point.tpx_ext.items():
            if value is not None:
                values.setdefault(WORDS.get(key.lower(), key.lower()), value)
        rows.setdefault(_moment(point.time), {}).update(values)
    recording = only(read_bytes("tcx", data))
    _agree(recording, rows, name)
    _laps_agree(recording.laps, exercise.laps)
    laps = index()[name]["n_laps"]
    assert not laps or len(recording.laps) == int(laps)
    assert recording.sport == TCXREADER_SPORTS[exercise.activity_type]
    return len(rows)


def _extensions(point: Any) -> dict[str, float]:
    """Numbers of a point's extensions by gpxpy, under the vocabulary's names."""
    found: dict[str, float] = {}
    for element in point.extensions:
        for leaf in element.iter():
            name = leaf.tag.rpartition("}")[2].rpartition(":")[2].lower()
            if not len(leaf) and re.match(r"\s*[-+.\d]", leaf.text or ""):
                found.setdefault(WORDS.get(name, name), float(leaf.text))
    return found


def _moment(when: datetime) -> float:
    return round((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp(), 6)


def _agree(recording: Activity, rows: Mapping[float, Mapping[str, float]], name: str) -> None:
    """The main track holds exactly these values at these times, and no others."""
    assert recording.start is not None
    track, times = recording.tracks[0], sorted(rows)
    np.testing.assert_allclose(recording.start.timestamp() + track.time_s, times, atol=1e-5)
    told = set().union(*rows.values())
    assert told == set(track.channels) - NOT_READ.get(name, set()), name
    for channel in told:
        found = track.channels[channel]
        theirs = np.array([rows[time].get(channel, np.nan) for time in times]).astype(found.dtype)
        np.testing.assert_array_equal(found, theirs, f"{channel} of {name}")


def _laps_agree(ours: Iterable[Lap], theirs: Iterable[Any]) -> None:
    """Every lap that tcxreader keeps is one of ours: it leaves out those without points."""
    left = list(ours)
    for lap in theirs:
        wanted = {"distance_m": lap.distance, "energy_kcal": float(lap.calories)}
        for name, value in lap.lx_ext.items():
            wanted[LAP_WORDS.get(name, name.lower())] = value
        while left:
            mine = left.pop(0)
            known = {key: mine.values.get(key, 0.0) for key in wanted}
            known["energy_kcal"] = round(known["energy_kcal"])
            if known == pytest.approx(wanted):
                break
        else:
            pytest.fail(f"no lap with {wanted}")


def main() -> None:
    """One line per file; ends at the first that differs."""
    for name in names("gpx"):
        print(f"{name}: {rows_as_by_gpxpy(name, raw(name))} points equal", flush=True)
    for name in names("tcx"):
        print(f"{name}: {rows_as_by_tcxreader(name, raw(name))} points equal", flush=True)


if __name__ == "__main__":
    main()
