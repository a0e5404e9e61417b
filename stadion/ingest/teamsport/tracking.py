"""kloppy's frames in, a track for each player and the ball out."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from types import SimpleNamespace
from typing import Any

import numpy as np

from stadion.core.activity import Activity, Lap, Repair, Source, Track
from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.ingest._clock import build_timeline
from stadion.ingest.teamsport.pitch import Pitch

__all__ = ["activity_of"]

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_MOST_SUBJECTS = 200
_LATEST_S = 1e11


@dataclass(slots=True, eq=False)
class _Places:
    """Where one subject was: seconds and coordinates of the provider."""

    seconds: array[float] = field(default_factory=lambda: array("d"))
    x: array[float] = field(default_factory=lambda: array("d"))
    y: array[float] = field(default_factory=lambda: array("d"))
    z: array[float] = field(default_factory=lambda: array("d"))

    def add(self, seconds: float, point: Any) -> None:
        """One place; None is none."""
        if point is None or point.x is None or point.y is None:
            return
        self.seconds.append(seconds)
        self.x.append(float(point.x))
        self.y.append(float(point.y))
        height = getattr(point, "z", None)
        self.z.append(math.nan if height is None else float(height))


_NOWHERE = SimpleNamespace(x=math.nan, y=math.nan)


@dataclass(slots=True, eq=False)
class _Match:
    """What the frames so far hold: places by subject, first and last second of each period."""

    places: dict[str, _Places] = field(default_factory=dict)
    periods: dict[int, list[float]] = field(default_factory=dict)
    dead: int = 0

    def add(self, frame: Any, seconds: float) -> None:
        """One frame more."""
        if frame.period is not None:
            span = self.periods.setdefault(int(frame.period.id), [seconds, seconds])
            span[0], span[1] = min(span[0], seconds), max(span[1], seconds)
        is_dead = _is_dead(frame)
        self.dead += is_dead
        ball = _NOWHERE if is_dead else frame.ball_coordinates
        self.places.setdefault("ball", _Places()).add(seconds, ball)
        for player, seen in frame.players_data.items():
            if len(self.places) < _MOST_SUBJECTS:
                self.places.setdefault(_subject(player), _Places()).add(seconds, seen.coordinates)

    def laps(self, zero: float) -> tuple[Lap, ...]:
        """A lap for each period."""
        return tuple(
            Lap(round(first - zero, 4), round(last - zero, 4), "lap", f"period {number}")
            for number, (first, last) in sorted(self.periods.items())
        )


def activity_of(datasets: Iterable[Any], identity: str, source: Source, family: str) -> Activity:
    """One activity of a match: its clock runs on through the breaks.

    Places are metres from the lower left corner of the pitch; the direction in which a team
    plays is that of the file. While the ball is dead its place means nothing: it is NaN.
    """
    match = _Match()
    about: Any = None
    for dataset in datasets:
        about = about or dataset.metadata
        for frame in dataset.records:
            seconds = _seconds(frame, dataset.metadata, family)
            if abs(seconds) < _LATEST_S:
                match.add(frame, seconds)
    begun = [places.seconds[0] for places in match.places.values() if places.seconds]
    if about is None or not begun:
        raise StadionError(Code.INVALID, f"files of {family} without any frame")
    pitch = Pitch.of(about.coordinate_system)
    zero = min([*begun, *(first for first, _ in match.periods.values())])
    names = sorted(match.places, key=_order)
    tracks = [t for name in names if (t := _track(name, match.places[name], pitch))]
    start, told = _start(about)
    repairs = [
        *source.repairs,
        *([Repair("frames of a dead ball without its place", match.dead)] if match.dead else []),
        *([] if pitch.is_told else [Repair("pitch of unknown size taken as 105 x 68 m")]),
        *told,
    ]
    return Activity(
        id=identity,
        athlete="",
        sport="soccer",
        start=start,
        tracks=tuple(Track(t.subject, np.round(t.time_s - zero, 4), t.channels) for t in tracks),
        source=Source(source.reader, source.digest, source.name, tuple(repairs)),
        laps=match.laps(zero),
        title=_title(about),
    )


def _seconds(frame: Any, metadata: Any, family: str) -> float:
    """Seconds of a frame on one clock of the match: frames are numbered through the break."""
    if family == "statsperform_tracking":
        return float(frame.frame_id) / 1e3
    rate = float(metadata.frame_rate or 0.0)
    if family != "secondspectrum" and rate > 0:
        return round(float(frame.frame_id) / rate, 6)
    begin = frame.period.start_timestamp
    offset = begin.total_seconds() if isinstance(begin, timedelta) else 0.0
    return float(offset + frame.timestamp.total_seconds())


def _is_dead(frame: Any) -> bool:
    return frame.ball_state is not None and str(frame.ball_state.value) == "dead"


def _subject(player: Any) -> str:
    ground = str(getattr(player.team.ground, "value", "")) if player.team else ""
    number = player.player_id if player.jersey_no is None else player.jersey_no
    return f"{ground} {number}".strip()[:60]


def _order(subject: str) -> tuple[bool, str, int, str]:
    """Home first, by number; the ball last."""
    team, _, number = subject.rpartition(" ")
    return subject == "ball", "" if team == "home" else team, _digits(number), number


def _digits(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else 0


def _track(subject: str, places: _Places, pitch: Pitch) -> Track | None:
    x, y = pitch.metres(np.array(places.x), np.array(places.y))
    columns: dict[str, FloatArray] = {"position_x": x, "position_y": y}
    height = np.array(places.z)
    if subject == "ball" and np.isfinite(height).any():
        scale = pitch.length_m / (pitch.high_x - pitch.low_x)
        columns["position_z"] = (height * scale).astype(np.float32)
    seconds = np.array(places.seconds)
    timeline = build_timeline(seconds, columns, subject)
    if timeline is None or not timeline.track.channels:
        return None
    track = timeline.track
    time_s = np.round(track.time_s + timeline.zero_s, 6)
    return Track(subject, time_s, track.channels)


def _start(metadata: Any) -> tuple[datetime | None, list[Repair]]:
    begin = metadata.periods[0].start_timestamp if metadata.periods else None
    moment = begin if isinstance(begin, datetime) else metadata.date
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        return None, []
    moment = moment.astimezone(UTC)
    if moment < _EARLIEST:
        return None, []
    is_day = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    return moment, [Repair("only the day of the match is told")] if is_day else []


def _title(metadata: Any) -> str:
    names = [str(team.name) for team in metadata.teams if team.name]
    return unescape(" - ".join(names))[:200]
