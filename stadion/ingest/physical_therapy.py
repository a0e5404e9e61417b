"""Folders of the physical-therapy set in, one activity per session of one exercise out."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import numpy as np

from stadion.core.activity import Activity, Lap, Repair, Table, Track
from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.ingest._clock import build_timeline
from stadion.ingest.base import Member, activity_id, digest_of, source_of

__all__ = ["PLUGIN", "PhysicalTherapyReader"]

_RATE_HZ = 25.0
_PATH = re.compile(
    r"(?P<folder>(?:.*?/)??(?:(?P<subject>s\d+)/)?(?P<exercise>e\d+)/)"
    r"(?:(?P<unit>u\d+)/(?P<session>template_session|test)\.txt"
    r"|(?P<times>template_times\.txt|test_times\.csv))"
)
_COLUMNS = b"time index;acc_x;acc_y;acc_z;gyr_x;gyr_y;gyr_z;mag_x;mag_y;mag_z"
_TIMES = {"template_session": "template_times.txt", "test": "test_times.csv"}
_CHANNELS = tuple(
    f"{quantity}_{axis}"
    for quantity in ("acceleration", "angular_velocity", "magnetic_field")
    for axis in "xyz"
)
_EXECUTIONS = {1: "correct", 2: "fast", 3: "low_amplitude"}


class PhysicalTherapyReader:
    """Five body-worn units at 25 Hz, eight exercises, executions marked right or wrong.

    References
    ----------
    Yurtman A., Barshan B., Automated evaluation of physical therapy exercises using
    multi-template dynamic time warping, Comput. Methods Programs Biomed. 117 (2014) 189-207;
    UCI Machine Learning Repository 730.
    """

    name = "physical_therapy"
    layout = "Folders sN/eM/uK with template_session.txt and test.txt; times of executions in eM."
    guesses = False

    def example(self) -> list[Member]:
        """A test session of one unit, three samples long."""
        rows = [f"{k};9.8;0.1;0.2;0.01;0.02;0.03;0.5;0.4;0.3" for k in (1, 2, 3)]
        data = "\r\n".join([_COLUMNS.decode(), *rows, ""]).encode()
        return [Member.of("s1/e1/u1/test.txt", data)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """One group per session: the units' files, and the times of the executions."""
        places = {member.path: _PATH.fullmatch(member.path) for member in members}
        times = {
            (place["folder"], place["times"]): member
            for member in members
            if (place := places[member.path]) and place["times"]
        }
        groups: dict[tuple[str, str], list[Member]] = {}
        for member in members:
            place = places[member.path]
            if place and place["session"] and member.head.startswith(_COLUMNS):
                groups.setdefault((place["folder"], place["session"]), []).append(member)
        for (folder, session), group in groups.items():
            if marks := times.get((folder, _TIMES[session])):
                group.append(marks)
        return list(groups.values())

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity; each unit is a track."""
        datas = {member.path: member.data for member in group}
        places = {path: _PATH.fullmatch(path) for path in datas}
        tracks: list[Track] = []
        marks: FloatArray | None = None
        repairs: list[Repair] = []
        subject, exercise = "", ""
        for path, data in sorted(datas.items()):
            place = places[path]
            if place is None:
                continue
            if place["times"]:
                marks = _rows(path, data, ";" if path.endswith(".txt") else ",")[:, -3:]
                continue
            subject, exercise = place["subject"] or "", place["exercise"]
            track, mended = _track(place["unit"], _rows(path, data, ";"), path)
            tracks.append(track)
            repairs += mended
        if not tracks:
            raise StadionError(Code.INVALID, "a session without any unit; expected eM/uK/*.txt")
        source = source_of(self.name, group[0].path, digest_of(datas.values()), repairs)
        whole = max(float(track.time_s[-1]) for track in tracks)
        return [
            Activity(
                id=activity_id(source.digest),
                athlete=subject,
                sport="training",
                start=None,
                tracks=tuple(tracks),
                source=source,
                laps=(
                    Lap(0.0, whole, "activity", f"exercise_{exercise[1:]}"),
                    *_executions(marks),
                ),
            )
        ]


def _rows(path: str, data: bytes, delimiter: str) -> FloatArray:
    """(n, columns) numbers below the header."""
    if not data.partition(b"\n")[2].strip():
        raise StadionError(Code.INVALID, f"{path} holds no row; expected some below the header")
    try:
        rows = np.loadtxt(
            io.BytesIO(data), delimiter=delimiter, skiprows=1, ndmin=2, encoding="utf-8"
        )
    except ValueError as error:
        raise StadionError(Code.INVALID, f"{path} holds something else than numbers") from error
    least = 3 if "times" in path.rpartition("/")[2] else 1 + len(_CHANNELS)
    if not rows.size or rows.shape[1] < least:
        raise StadionError(
            Code.INVALID, f"{path} holds {rows.shape} numbers; expected rows of at least {least}"
        )
    return np.asarray(rows, np.float64)


def _track(unit: str, rows: FloatArray, path: str) -> tuple[Track, tuple[Repair, ...]]:
    with np.errstate(over="ignore"):  # too large for a float32 is infinite
        channels = {
            name: rows[:, 1 + column].astype(np.float32) for column, name in enumerate(_CHANNELS)
        }
    timeline = build_timeline((rows[:, 0] - 1) / _RATE_HZ, channels, unit)
    if timeline is None:
        raise StadionError(Code.INVALID, f"{path} holds no row with a time index")
    return timeline.track, timeline.repairs


def _executions(marks: FloatArray | None) -> list[Lap]:
    """Laps of rows (execution type, first index, last index); indices count from 1."""
    laps: list[Lap] = []
    for kind, first, last in [] if marks is None else marks.tolist():
        if kind in _EXECUTIONS:
            start, end = (first - 1) / _RATE_HZ, (last - 1) / _RATE_HZ
            laps.append(Lap(start, end, "execution", _EXECUTIONS[int(kind)]))
    return laps


PLUGIN = PhysicalTherapyReader()
