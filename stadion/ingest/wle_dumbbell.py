"""The Weight Lifting Exercises table in, one activity per set of dumbbell curls out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np

from stadion.core.activity import Activity, Lap, Repair, Table, Track
from stadion.core.arrays import Array, FloatArray
from stadion.core.channels import CHANNELS
from stadion.core.errors import Code, StadionError
from stadion.ingest._clock import Timeline, build_timeline
from stadion.ingest._numbers import number_or_nan
from stadion.ingest._texts import texts_of
from stadion.ingest.base import Member, activity_id, digest_of, source_of

__all__ = ["PLUGIN", "WleDumbbellReader"]

_PLACES = ("belt", "arm", "dumbbell", "forearm")
_M_S2_PER_COUNT = 9.80665 / 256
_EARTHS_PER_COUNT = 1 / 650
_QUANTITIES = {
    "acceleration": ("accel", _M_S2_PER_COUNT),
    "angular_velocity": ("gyros", 1.0),
    "magnetic_field": ("magnet", _EARTHS_PER_COUNT),
}
_HEAD = ("user_name", "raw_timestamp_part_1", "raw_timestamp_part_2")
_EXECUTIONS = {
    "A": "correct", "B": "elbows_forward", "C": "lifting_halfway", "D": "lowering_halfway",
    "E": "hips_forward",
}  # fmt: skip
_SET_ENDS_S = 5.0  # of silence; the published table was cut so that sets follow at once


class WleDumbbellReader:
    """Belt, arm, dumbbell and forearm of people who lift a dumbbell well or with a known fault.

    The table's accelerations are counts of an uncalibrated sensor, taken as 256 to the g (the
    ADXL345 of the Razor unit it was made with), its magnetic field as 1,300 to the gauss: right
    in direction and proportion, with an offset that each mounting has. Angular velocities are in
    rad/s. The angles (roll, pitch, yaw) are derived from these and are left out, as are the
    summaries that stand in every some-tenth row.

    References
    ----------
    E. Velloso, A. Bulling, H. Gellersen, W. Ugulino, H. Fuks, Qualitative activity recognition
    of weight lifting exercises, Augmented Human 2013, doi 10.1145/2459236.2459256.
    """

    name = "wle_dumbbell"
    layout = "Comma-separated rows with user_name, raw_timestamp_part_1 and _2, sensors and classe."
    guesses = False

    def example(self) -> list[Member]:
        """Three moments of a correct curl."""
        sensors = [f"{quantity}_{place}_{axis}" for quantity, place, axis in _columns()]
        names = ["", *_HEAD, "new_window", "num_window", *sensors, "classe"]
        rows = [
            ["1", "ada", "1323084231", str(40_000 * k), "no", "1", *["1.5"] * len(sensors), "A"]
            for k in range(3)
        ]
        lines = [",".join(f'"{name}"' for name in names), *map(",".join, rows), ""]
        return [Member.of("pml-training.csv", "\n".join(lines).encode())]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Tables whose header holds the user, both parts of the time and a sensor of the set."""
        return [[member] for member in members if _is_ours(member.head)]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity per stretch of one user and one class."""
        (member,) = group
        data = member.data
        if not _is_ours(data[: len(member.head)]):
            raise StadionError(Code.INVALID, f"{member.path} has no header of the WLE table")
        table, broken = _table(data)
        digest = digest_of([data])
        activities: list[Activity | Table] = []
        for rows in _sets(table):
            timelines = _timelines(table, rows)
            if not timelines:
                continue
            repairs = [Repair("rows that cannot be read dropped", broken)] if broken else []
            source = source_of(self.name, member.path, digest, [*repairs, *timelines[0].repairs])
            user, grade = str(table["user"][rows[0]]), str(table["classe"][rows[0]])
            activities.append(
                Activity(
                    id=activity_id(digest, len(activities)),
                    athlete=user,
                    sport="training",
                    start=_moment(timelines[0].zero_s),
                    tracks=tuple(timeline.track for timeline in timelines),
                    source=source,
                    laps=_laps(timelines[0].track, grade),
                )
            )
        if not activities:
            raise StadionError(Code.INVALID, f"{member.path} holds no row with a time and a sensor")
        return activities


def _columns() -> Iterator[tuple[str, str, str]]:
    for quantity, _ in _QUANTITIES.values():
        for place in _PLACES:
            for axis in "xyz":
                yield quantity, place, axis


def _is_ours(head: bytes) -> bool:
    line = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    names = {name.strip().strip(b'"\r') for name in line.split(b",")}
    wanted = [name.encode() for name in (*_HEAD, "classe", "accel_belt_x")]
    # a header longer than `head` is cut: what is not reached yet cannot be asked for
    return len(line) < len(head) and names.issuperset(wanted)


def _table(data: bytes) -> tuple[dict[str, Array], int]:
    """Columns by name (clock in seconds since 1970), and how many rows could not be read."""
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    try:
        rows = list(csv.reader(io.StringIO(text.replace("\0", ""))))
    except csv.Error as error:
        raise StadionError(Code.INVALID, f"a table that cannot be read: {error}") from error
    header = [name.strip() for name in rows[0]]
    kept = [row for row in rows[1:] if len(row) == len(header)]
    columns = dict(zip(header, zip(*kept, strict=True), strict=False))
    if not kept or not {*_HEAD, "classe"} <= columns.keys():
        raise StadionError(Code.INVALID, "a WLE table without a row as long as its header")
    table: dict[str, Array] = {
        "user": texts_of(columns["user_name"]),
        "classe": texts_of(columns["classe"]),
        "clock": _numbers(columns[_HEAD[1]]) + _numbers(columns[_HEAD[2]]) / 1e6,
    }
    for names in _columns():
        name = "_".join(names)
        if name in columns:
            table[name] = _numbers(columns[name])
    return table, len(rows) - 1 - len(kept)


def _numbers(texts: Sequence[str]) -> FloatArray:
    return np.array([number_or_nan(text) for text in texts], np.float64)


def _sets(table: dict[str, Array]) -> Iterator[Array]:
    """Rows (indices in the order of time) of one user and class without a long pause."""
    clock, user, grade = table["clock"], table["user"], table["classe"]
    for name in dict.fromkeys(user.tolist()):
        rows = np.flatnonzero((user == name) & np.isfinite(clock))
        rows = rows[np.argsort(clock[rows], kind="stable")]
        ends = (grade[rows][1:] != grade[rows][:-1]) | (np.diff(clock[rows]) > _SET_ENDS_S)
        yield from (part for part in np.split(rows, np.flatnonzero(ends) + 1) if len(part))


def _timelines(table: dict[str, Array], rows: Array) -> list[Timeline]:
    """One track for each place; all of them on one clock."""
    timelines = [
        build_timeline(table["clock"][rows], _channels(table, rows, place), place)
        for place in _PLACES
    ]
    return [timeline for timeline in timelines if timeline and timeline.track.channels]


def _channels(table: dict[str, Array], rows: Array, place: str) -> dict[str, FloatArray]:
    channels: dict[str, FloatArray] = {}
    for channel, (quantity, factor) in _QUANTITIES.items():
        for axis in "xyz":
            if f"{quantity}_{place}_{axis}" in table:
                values = table[f"{quantity}_{place}_{axis}"][rows] * factor
                limit = CHANNELS[f"{channel}_{axis}"].high
                with np.errstate(invalid="ignore"):
                    sound = np.where(np.abs(values) <= limit, values, np.nan)
                channels[f"{channel}_{axis}"] = sound.astype(np.float32)
    return channels


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _laps(track: Track, grade: str) -> tuple[Lap, ...]:
    whole = float(track.time_s[-1])
    laps = (Lap(0.0, whole, "activity", "dumbbell_curl"),)
    execution = _EXECUTIONS.get(grade.strip())
    return (*laps, Lap(0.0, whole, "execution", execution)) if execution else laps


PLUGIN = WleDumbbellReader()
