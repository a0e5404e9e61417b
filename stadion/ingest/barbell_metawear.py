"""Files of a wrist sensor beside a barbell in, one activity per set out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from stadion.core.activity import Activity, Event, Lap, Repair, Table
from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.ingest._clock import Timeline, build_timeline
from stadion.ingest.base import Member, activity_id, digest_of, source_of

__all__ = ["PLUGIN", "BarbellMetawearReader"]

_PATH = re.compile(
    r"(?:.*/)?(?P<who>[A-Za-z]\w*)-(?P<exercise>[a-z]+)-(?P<load>[a-z]+)(?P<number>\d*)"
    r"(?:-rpe(?P<rpe>\d+))? ?_MetaWear_(?P<moment>[^_]+)_[^/]*\.csv"
)
_HEAD = re.compile(rb"epoch \(ms\),time \([^)]*\),elapsed \(s\),x-axis \((g|deg/s)\),")
_QUANTITIES = {
    b"g": ("acceleration", 9.80665, 1_000.0),
    b"deg/s": ("angular_velocity", np.pi / 180, 200.0),
}
_EXERCISES = {
    "bench": "bench_press", "squat": "squat", "dead": "deadlift", "ohp": "overhead_press",
    "row": "barbell_row", "rest": "rest",
}  # fmt: skip
_FAULTS = {"half": "half_range", "high": "bar_too_high"}
_EPOCH, _X = 0, 3  # columns: the moment in ms, then text and seconds, then three axes


class BarbellMetawearReader:
    """Sets of barbell exercises by an MbientLab wristband: acceleration and angular velocity.

    The two files of a set have clocks of their own (12.5 and 25 Hz); their rows are laid into
    one track in the order of time, so that each channel is missing where only the other was
    measured. The name tells who lifted what; what it calls the weight (`heavy`: sets of five
    repetitions, `medium`: of ten) is an event of kind `load`, a known fault is an execution.

    References
    ----------
    D. Ebbelaar, Exploring the possibilities of context-aware applications for strength training,
    2019; files of github.com/daveebbelaar/tracking-barbell-exercises.
    """

    name = "barbell_metawear"
    layout = "Files WHO-EXERCISE-LOAD[-rpeN]_MetaWear_..., epoch (ms) and three axes in g or deg/s."
    guesses = False

    def example(self) -> list[Member]:
        """A moment of a bench press, from both sensors."""
        start = "A-bench-heavy2-rpe8_MetaWear_2019-01-11T16.10.08.270_C42732BE255C_"
        head = "epoch (ms),time (01:00),elapsed (s),x-axis ({0}),y-axis ({0}),z-axis ({0})\n"
        row = "15472194084{0:02d},2019-01-11T16:10:08.4{0:02d},{1},0.010,0.964,-0.087\n"
        return [
            Member.of(
                f"{start}{sensor}_1.4.4.csv",
                (head.format(unit) + "".join(row.format(k, k / 100) for k in (0, 40, 80))).encode(),
            )
            for sensor, unit in (("Accelerometer_12.500Hz", "g"), ("Gyroscope_25.000Hz", "deg/s"))
        ]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """One group per set: its accelerations, its angular velocities, or both."""
        groups: dict[tuple[str, str], list[Member]] = {}
        for member in members:
            place = _PATH.fullmatch(member.path)
            if place and _HEAD.match(member.head.removeprefix(b"\xef\xbb\xbf")):
                folder, _, file = member.path.rpartition("/")
                key = file.replace(" ", "").partition(place["moment"])[0] + place["moment"]
                groups.setdefault((folder, key), []).append(member)
        return list(groups.values())

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity; what was done is a lap over its whole length."""
        datas = {member.path: member.data for member in group}
        place = _PATH.fullmatch(group[0].path)
        if place is None:
            raise StadionError(
                Code.INVALID, f"{group[0].path} is not named WHO-EXERCISE-LOAD_MetaWear_..."
            )
        timeline, repairs = _joined(datas)
        source = source_of(self.name, group[0].path, digest_of(datas.values()), repairs)
        exercise, whole = place["exercise"], float(timeline.track.time_s[-1])
        laps = [Lap(0.0, whole, "activity", _EXERCISES.get(exercise, exercise))]
        if fault := _FAULTS.get(place["load"]):
            laps.append(Lap(0.0, whole, "execution", fault))
        return [
            Activity(
                id=activity_id(source.digest),
                athlete=place["who"],
                sport="training",
                start=_moment(timeline.zero_s),
                tracks=(timeline.track,),
                source=source,
                laps=tuple(laps),
                events=_events(place),
            )
        ]


def _joined(datas: dict[str, bytes]) -> tuple[Timeline, list[Repair]]:
    """Both sensors' rows on one clock."""
    clocks: list[FloatArray] = []
    blocks: list[tuple[str, FloatArray]] = []
    repairs: list[Repair] = []
    for path, data in sorted(datas.items()):
        quantity, rows, dropped = _rows(path, data)
        clocks.append(rows[:, 0] / 1e3)
        blocks.append((quantity, rows[:, 1:]))
        repairs += [Repair("rows that cannot be read dropped", dropped)] if dropped else []
    columns: dict[str, FloatArray] = {}
    first, total = 0, sum(map(len, clocks))
    for quantity, values in blocks:
        for axis, column in zip("xyz", values.T, strict=True):
            whole = columns.setdefault(f"{quantity}_{axis}", np.full(total, np.nan, np.float32))
            whole[first : first + len(values)] = column
        first += len(values)
    timeline = build_timeline(np.concatenate(clocks), columns)
    if timeline is None or not timeline.track.channels:
        raise StadionError(Code.INVALID, f"{min(datas)} holds no row with a moment and a value")
    # two files laid together are out of order and share moments; that is no fault of theirs
    lost = [repair for repair in timeline.repairs if "without a time" in repair.what]
    return timeline, [*repairs, *lost]


def _rows(path: str, data: bytes) -> tuple[str, FloatArray, int]:
    """Quantity, (n, 4) moments in ms beside the axes in SI units, and rows that were dropped."""
    text = data.removeprefix(b"\xef\xbb\xbf")
    head = _HEAD.match(text)
    if head is None:
        raise StadionError(Code.INVALID, f"{path} has no header 'epoch (ms),time,elapsed (s),...'")
    quantity, factor, limit = _QUANTITIES[head[1]]
    lines = text.decode("utf-8", "replace").splitlines()[1:]
    rows = [row for line in lines if (row := _row(line))]
    if not rows:
        raise StadionError(Code.INVALID, f"{path} holds no row of six columns")
    table = np.array(rows, np.float64)
    axes = table[:, 1:] * factor
    with np.errstate(invalid="ignore"):
        table[:, 1:] = np.where(np.abs(axes) <= limit, axes, np.nan)
    return quantity, table, len([line for line in lines if line.strip()]) - len(rows)


def _row(line: str) -> list[float] | None:
    cells = line.split(",")
    if len(cells) != _X + 3:
        return None
    try:
        return [float(cells[_EPOCH]), *(float(cell) for cell in cells[_X:])]
    except ValueError:
        return None


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _events(place: re.Match[str]) -> tuple[Event, ...]:
    """The load as the name calls it, and how hard the set felt (1 to 10) where it says so."""
    events = [Event(0.0, "load", place["load"])]
    if place["rpe"]:
        events.append(Event(0.0, "rpe", place["rpe"]))
    return tuple(events)


PLUGIN = BarbellMetawearReader()
