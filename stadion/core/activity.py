"""What a recording holds: tracks of channels over time, laps, events, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import Code, StadionError
from stadion.core.profile import Profile

__all__ = [
    "FLAGS",
    "Activity",
    "Event",
    "Flag",
    "Lap",
    "Recording",
    "Repair",
    "Source",
    "Table",
    "Track",
]

FLAGS: dict[str, str] = {
    "smart_recording": "a gap of up to about 25 s: the device writes only what changes",
    "pause": "a gap while the device had paused by itself or no timer ran",
    "stop": "a gap between a manual stop and the next start",
    "corruption": "a gap where records were lost",
    "spike": "values that a body or a machine cannot reach from their neighbours",
    "cadence_lock": "heart rate that follows the cadence instead of the heart",
    "stuck": "a sensor that repeats one value",
    "gps_jump": "positions further apart than anybody moves in the time between",
    "time_backwards": "records whose time ran backwards and were sorted",
    "zero_for_null": "zeros that stand for no measurement",
    "indoor": "no or a fixed position: made indoors",
    "gcj02": "positions in China's shifted GCJ-02 system",
}
"""Kind of a flag -> what it means."""


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing a reader mended or had to drop, and how often."""

    what: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Source:
    """Which reader made a value, from which bytes, and what it had to repair.

    `digest` is the SHA-256 of the unwrapped bytes, so that a file and its gzip are the same.
    """

    reader: str
    digest: str
    name: str = ""
    repairs: tuple[Repair, ...] = ()

    @property
    def is_partial(self) -> bool:
        """True when something of the file was repaired or lost."""
        return bool(self.repairs)


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Streams of one subject (an athlete, a sensor position, a ball) on one clock.

    Parameters
    ----------
    subject
        Whom or what the sensor follows; empty when there is only one.
    time_s
        (n,) float64, seconds since the activity's start, strictly rising.
    channels
        Name -> (n,) float; NaN = missing. Names and units are those of `core.channels`.
    """

    subject: str
    time_s: FloatArray
    channels: Mapping[str, FloatArray]

    def __post_init__(self) -> None:
        if self.time_s.ndim != 1 or not np.isfinite(self.time_s).all():
            raise StadionError(Code.INVALID, "time_s must be one row of finite seconds")
        if (np.diff(self.time_s) <= 0).any():
            raise StadionError(Code.INVALID, "time_s must rise strictly")
        for name, values in self.channels.items():
            if values.shape != self.time_s.shape:
                raise StadionError(
                    Code.INVALID,
                    f"channel {name!r} has shape {values.shape}; expected {self.time_s.shape}",
                )

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True, slots=True)
class Lap:
    """A named stretch of time.

    `kind` says what it is: `lap` and `length` as the device cut them, `session` for one sport
    of several, `activity` and `execution` where somebody labelled what was done and how.
    """

    start_s: float
    end_s: float
    kind: str = "lap"
    label: str = ""
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at one moment: a timer stop, a gear change, a marker."""

    time_s: float
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Flag:
    """Something about the quality of a stretch that whoever uses it should know.

    Parameters
    ----------
    kind
        One of `FLAGS`.
    start_s, end_s
        Seconds since the activity's start, both ends included.
    channel, subject
        The stream it is about, and its track; empty for all of them.
    detail
        What was seen, for a person to read, such as '255 bpm between 131 and 133'.
    """

    kind: str
    start_s: float
    end_s: float
    channel: str = ""
    subject: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """One recording of one athlete.

    Parameters
    ----------
    id
        Digest of the content: the same recording always has the same id.
    athlete
        Pseudonym; empty when the file does not say.
    sport
        FIT's word for the sport, such as `running`; empty when unknown.
    start
        UTC; None when the file carries no date (then only durations mean something).
    tracks
        The main track first. Heart beats are a track of their own: subject 'beats', channel rr.
    zone
        IANA zone name; empty when unknown.
    sub_sport, device, title
        FIT's word such as `trail`; maker and model, never a serial number; what its owner
        called it. Empty when unknown.
    flags
        What is doubtful about the streams. Nothing is changed or filled because of one.
    profile
        What the file itself says of the athlete.
    crs
        Coordinate system of the positions: 'WGS84', or 'GCJ02' where they are known to be
        shifted.
    """

    id: str
    athlete: str
    sport: str
    start: datetime | None
    tracks: tuple[Track, ...]
    source: Source
    zone: str = ""
    laps: tuple[Lap, ...] = ()
    events: tuple[Event, ...] = ()
    sub_sport: str = ""
    device: str = ""
    title: str = ""
    flags: tuple[Flag, ...] = ()
    profile: Profile = field(default_factory=Profile)
    crs: str = "WGS84"

    def __post_init__(self) -> None:
        if self.start is not None and self.start.utcoffset() != timedelta(0):
            raise StadionError(Code.INVALID, f"start is {self.start}; expected a time in UTC")

    @property
    def duration_s(self) -> float:
        """Seconds from the activity's start to its last sample."""
        return max((float(t.time_s[-1]) for t in self.tracks if len(t)), default=0.0)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of all channels, each once, in the order of the tracks."""
        return tuple(dict.fromkeys(name for track in self.tracks for name in track.channels))


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What is no stream: matches, strokes, days, sessions.

    Parameters
    ----------
    columns
        Name -> (n,) values: numbers as float64 with NaN = missing, text as `U` with '' = missing,
        dates as datetime64 with NaT = missing.
    units
        The same names -> unit symbol; '1' for pure numbers, '' for text and dates.
    """

    kind: str
    columns: Mapping[str, Array]
    units: Mapping[str, str]
    source: Source

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise StadionError(Code.INVALID, f"columns differ in length: {lengths}")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


Recording = Activity | Table
"""What a reader gives and a task takes."""
