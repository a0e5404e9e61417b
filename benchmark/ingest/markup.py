"""GPX beside gpxpy, TCX beside tcxreader: a ride of three hours, and every file of the corpus."""

from __future__ import annotations

import gzip
import io
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import gpxpy
from tcxreader.tcxreader import TCXReader

from benchmark.ingest.measures import Figure, best_seconds
from stadion.core.errors import StadionError
from stadion.core.plugins import Cupboard
from stadion.ingest.base import Member, Reader

__all__ = ["measure", "written_gpx", "written_tcx"]

_POINTS = 10_800
_START = datetime(2024, 5, 1, 7, tzinfo=UTC)
_GPX_POINT = """   <trkpt lat="{lat:.7f}" lon="{lon:.7f}">
    <ele>{ele:.1f}</ele>
    <time>{time:%Y-%m-%dT%H:%M:%SZ}</time>
    <extensions>
     <power>{power}</power>
     <gpxtpx:TrackPointExtension>
      <gpxtpx:atemp>21</gpxtpx:atemp>
      <gpxtpx:hr>{hr}</gpxtpx:hr>
      <gpxtpx:cad>{cad}</gpxtpx:cad>
     </gpxtpx:TrackPointExtension>
    </extensions>
   </trkpt>
"""
_GPX_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<gpx creator="writer" version="1.1" xmlns="http://www.topografix.com/GPX/1/1"
 xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v1">
 <trk><name>Round the lake</name><type>cycling</type><trkseg>
"""
_TCX_POINT = """    <Trackpoint>
     <Time>{time:%Y-%m-%dT%H:%M:%S.000Z}</Time>
     <Position>
      <LatitudeDegrees>{lat:.15f}</LatitudeDegrees>
      <LongitudeDegrees>{lon:.15f}</LongitudeDegrees>
     </Position>
     <AltitudeMeters>{ele:.12f}</AltitudeMeters>
     <DistanceMeters>{distance:.11f}</DistanceMeters>
     <HeartRateBpm>
      <Value>{hr}</Value>
     </HeartRateBpm>
     <Cadence>{cad}</Cadence>
     <Extensions>
      <ns3:TPX>
       <ns3:Speed>{speed:.12f}</ns3:Speed>
       <ns3:Watts>{power}</ns3:Watts>
      </ns3:TPX>
     </Extensions>
    </Trackpoint>
"""
_TCX_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"
 xmlns:ns3="http://www.garmin.com/xmlschemas/ActivityExtension/v2">
 <Activities><Activity Sport="Biking"><Id>2024-05-01T07:00:00.000Z</Id>
  <Lap StartTime="2024-05-01T07:00:00.000Z"><TotalTimeSeconds>10800</TotalTimeSeconds>
   <DistanceMeters>86400</DistanceMeters><Calories>2100</Calories><Track>
"""


def measure(data: Path) -> list[Figure]:
    """How many times faster, on one core, from bytes to columns."""
    return [
        _beside("GPX", "gpxpy", [written_gpx()], f"a ride of {_POINTS} points", ">= 4"),
        _beside("TCX", "tcxreader", [written_tcx()], f"a ride of {_POINTS} points", ">= 2"),
        _beside("GPX", "gpxpy", _corpus(data, "gpx"), "all files of the corpus", ">= 4"),
        _beside("TCX", "tcxreader", _corpus(data, "tcx"), "all files of the corpus", ">= 2"),
    ]


def written_gpx(points: int = _POINTS) -> bytes:
    """A ride with power, heart rate, cadence and temperature, one point a second."""
    lines = "".join(_GPX_POINT.format(**_values(second)) for second in range(points))
    return f"{_GPX_HEAD}{lines} </trkseg></trk></gpx>\n".encode()


def written_tcx(points: int = _POINTS) -> bytes:
    """The same ride as a training center document."""
    lines = "".join(_TCX_POINT.format(**_values(second)) for second in range(points))
    end = "</Track></Lap></Activity></Activities></TrainingCenterDatabase>\n"
    return f"{_TCX_HEAD}{lines}{end}".encode()


def _values(second: int) -> dict[str, float | datetime]:
    angle = second / 1_700
    return {
        "time": _START + timedelta(seconds=second),
        "lat": 47.3 + 0.05 * math.sin(angle),
        "lon": 8.5 + 0.07 * math.cos(angle),
        "ele": 410 + 40 * math.sin(second / 900),
        "distance": second * 8.0 + math.sin(second),
        "speed": 8 + math.cos(second),
        "hr": 130 + int(20 * math.sin(second / 300)),
        "cad": 85 + second % 7,
        "power": 200 + int(60 * math.sin(second / 40)),
    }


def _corpus(data: Path, kind: str) -> list[bytes]:
    files = sorted((data / "B_activity_files" / kind).glob("*.gz"))
    return [gzip.decompress(file.read_bytes()) for file in files]


def _beside(kind: str, peer: str, files: Sequence[bytes], what: str, wanted: str) -> Figure:
    """Both readers on the files that the peer can read at all."""
    theirs: Callable[[bytes], object] = _by_gpxpy if kind == "GPX" else _by_tcxreader
    reader = Cupboard[Reader]("stadion.ingest").get(kind.lower())

    def ours(files: Sequence[bytes]) -> None:
        for file in files:
            with suppress(StadionError):  # what holds no recording: the peer reads it all the same
                reader.read([Member.of("file", file)])

    readable = [file for file in files if _can_read(theirs, file)]
    best = best_seconds(
        {
            "stadion": lambda: ours(readable),
            peer: lambda: [theirs(f) for f in readable],
        },
        {"stadion": 5, peer: 2 if len(files) > 1 else 3},
    )
    size = sum(map(len, readable))
    return Figure(
        f"{kind}, {what}: times faster than {peer}",
        best[peer] / best["stadion"],
        "x",
        wanted,
        {
            "seconds": best,
            "bytes": size,
            "files": len(readable),
            "left_out": len(files) - len(readable),
        },
    )


def _by_gpxpy(file: bytes) -> object:
    return gpxpy.parse(file.decode("utf-8-sig"))


def _by_tcxreader(file: bytes) -> object:
    return TCXReader().read(io.BytesIO(file), only_gps=False)


def _can_read(read: Callable[[bytes], object], file: bytes) -> bool:
    try:
        read(file)
    except Exception:  # noqa: BLE001  # whatever a peer raises: the file is left out for both
        return False
    return True
