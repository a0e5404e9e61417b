"""Polar HRM files in, activities out."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np

from stadion.core.activity import Activity, Lap, Repair, Table, Track
from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.core.profile import LIMITS, Profile
from stadion.core.units import UNITS
from stadion.ingest._clock import build_timeline
from stadion.ingest._numbers import number_or_nan
from stadion.ingest.base import Member, activity_id, digest_of, source_of

__all__ = ["PLUGIN", "HrmReader"]

_SECTION = re.compile(r"^\[([A-Za-z0-9-]{2,20})\]\s*$", re.MULTILINE)
_RR_INTERVAL, _LAPS_ONLY = 238, 204
_SMODE_FROM, _CLOCK = 106, re.compile(r"(\d{1,3}):(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
_MONITORS: dict[str, str] = {str(k): name for k, name in {
    1: "Sport Tester", 2: "Vantage NV", 3: "Accurex Plus", 4: "XTrainer Plus", 6: "S520",
    7: "Coach", 8: "S210", 9: "S410", 10: "S510", 11: "S610", 12: "S710", 13: "S810", 15: "E600",
    20: "AXN500", 21: "AXN700", 22: "S725X", 23: "S725", 33: "CS400", 34: "CS600X", 35: "CS600",
    36: "RS400", 37: "RS800", 38: "RS800X",
}.items()}  # fmt: skip
_LAP_LINES = 5
_CHUNK_LINES = 20_000
_ROW = re.compile(r"[ \t]*-?\d{1,7}(?:[ \t]+-?\d{1,7})*\s*")
_MILLIMILE = 1.609344


class HrmReader:
    """Heart rate at a fixed interval or beat by beat, with speed, cadence, altitude and power.

    References
    ----------
    Polar Electro, Polar HRM files and formats, version 4 (2007): sections, SMode, units.
    """

    name = "hrm"
    layout = "Text sections of Polar recorders, [Params] first and [HRData] with the values."
    guesses = False

    def example(self) -> list[Member]:
        """Ten seconds of a ride with speed and altitude, in two laps."""
        return [Member.of("ride.hrm", _EXAMPLE)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Texts that begin with the section Params."""
        return [[m] for m in members if m.head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"[Params]")]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity; beat by beat recordings have a track of beats too."""
        (member,) = group
        data = member.data
        sections = _sections(data.decode("cp1252", "replace"))
        params = _params(sections.get("params", ""))
        mode = _Mode.of(params)
        rows, ragged = _rows(sections.get("hrdata", ""), len(mode.columns))
        repairs = [Repair("lines that cannot be read dropped", ragged)]
        tracks: tuple[Track, ...] = ()
        if len(rows):
            tracks, mended = mode.tracks(rows)
            repairs += mended
        trip = _trip(sections.get("trip", ""), mode)
        laps = _laps(sections, mode, trip.get("distance_m", 0.0))
        if not tracks and not laps:
            raise StadionError(Code.INVALID, "an HRM file without heart rates below [HRData]")
        start = _start(params)
        if start is not None:
            repairs.append(Repair("times without a zone taken as UTC"))
        length = _seconds(params.get("length", ""))
        reached = max((float(t.time_s[-1]) + mode.interval_s for t in tracks), default=0.0)
        if tracks and reached + 2 * mode.interval_s + 2 < length:
            repairs.append(Repair("seconds lost where the file ends early", int(length - reached)))
        digest = digest_of([data])
        sport = "cycling" if mode.is_bike else ""
        end = length or reached
        monitor = _MONITORS.get(params.get("monitor", "").strip(), "")
        return [
            Activity(
                id=activity_id(digest),
                athlete="",
                sport=sport,
                start=start,
                tracks=tracks,
                source=source_of(
                    self.name, member.path, digest, [repair for repair in repairs if repair.count]
                ),
                laps=(*laps, Lap(0.0, end, "session", sport, {"elapsed_s": end, **trip})),
                device=f"Polar {monitor}".strip(),
                title=" ".join(sections.get("note", "").split())[:200],
                profile=_profile(params),
            )
        ]


@dataclass(frozen=True, slots=True)
class _Mode:
    """What SMode, or Mode of older files, says of the columns and their units."""

    columns: tuple[str, ...]
    interval_s: float
    is_rr: bool
    is_us: bool
    is_bike: bool
    is_old: bool

    @classmethod
    def of(cls, params: Mapping[str, str]) -> _Mode:
        version = number_or_nan(params.get("version", ""))
        interval = number_or_nan(params.get("interval", ""))
        if not (math.isfinite(version) and 0 < interval < 10_000):
            raise StadionError(
                Code.INVALID,
                f"[Params] has Version={params.get('version', '')[:20]!r} and "
                f"Interval={params.get('interval', '')[:20]!r}; expected numbers",
            )
        is_old = version < _SMODE_FROM
        flags = params.get("mode" if is_old else "smode", "").strip()
        if not re.fullmatch(r"[0-9]{3,12}", flags):
            raise StadionError(
                Code.INVALID,
                f"{'Mode' if is_old else 'SMode'} is {flags[:20]!r}; expected digits for what "
                "was recorded",
            )
        columns = ["heart_rate"]
        if is_old:
            has_bike, is_us = flags[1] == "1", flags[2] == "1"
            columns += ["speed"] * has_bike
            columns += {"0": ["cadence"], "1": ["altitude"]}.get(flags[0], [])
        else:
            names = ("speed", "cadence", "altitude", "power", "balance")
            columns += [name for name, flag in zip(names, flags, strict=False) if flag == "1"]
            has_bike, is_us = flags[6:7] == "1", flags[7:8] == "1"
            columns += ["air_pressure"] * (flags[8:9] == "1" and version >= 107)
        is_rr = int(interval) == _RR_INTERVAL
        step = 1.0 if is_rr or int(interval) == _LAPS_ONLY else interval
        is_bike = has_bike and bool({"cadence", "power"} & set(columns))
        return cls(tuple(columns), step, is_rr, is_us, is_bike, is_old)

    def tracks(self, rows: FloatArray) -> tuple[tuple[Track, ...], list[Repair]]:
        """The main track, and for beats the track of their intervals."""
        if self.is_rr:
            return _beats(rows[:, 0])
        clock = np.arange(len(rows)) * self.interval_s
        channels = {
            name: self.converted(name, rows[:, k])
            for k, name in enumerate(self.columns)
            if name not in ("balance", "air_pressure")
        }
        # A heart rate of 0 is no heart: the transmitter was not heard.
        silent = channels["heart_rate"] == 0
        channels["heart_rate"][silent] = np.nan
        repairs = [Repair("heart rates of 0 left out", int(silent.sum()))]
        timeline = build_timeline(clock, channels)
        if timeline is None or not timeline.track.channels:
            return (), []
        return (timeline.track,), [*repairs, *timeline.repairs]

    def converted(self, name: str, values: FloatArray) -> FloatArray:
        """Values as the file counts them, in SI units."""
        factor = 1.0
        if name == "speed":
            factor = 0.1 * UNITS["mph" if self.is_us else "km/h"].factor
        elif name == "altitude":
            # Files before version 1.06 count tens of metres or feet.
            factor = (10.0 if self.is_old else 1.0) * (0.3048 if self.is_us else 1.0)
        with np.errstate(over="ignore"):
            return (values * factor).astype(np.float32)


def _sections(text: str) -> dict[str, str]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    parts = _SECTION.split(text)
    return {name.lower(): body for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def _params(body: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in body.splitlines()[:200])
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _rows(body: str, width: int) -> tuple[FloatArray, int]:
    """(n, width) numbers of the lines that have as many, and how many have not."""
    lines = io.StringIO(body)
    blocks: list[FloatArray] = []
    strange = 0
    while chunk := list(islice(lines, _CHUNK_LINES)):
        rows = [line.split()[:width] for line in chunk if _ROW.fullmatch(line)]
        whole = [row for row in rows if len(row) == width]
        strange += sum(not line.isspace() for line in chunk) - len(whole)
        blocks.append(np.array(whole, np.float64).reshape(len(whole), width))
    return (np.concatenate(blocks) if blocks else np.empty((0, width))), strange


def _beats(rr_ms: FloatArray) -> tuple[tuple[Track, ...], list[Repair]]:
    """Heart rate and intervals at the end of each beat."""
    is_beat = (rr_ms > 0) & (rr_ms < 60_000)
    rr = rr_ms[is_beat]
    if not len(rr):
        return (), []
    ends = np.cumsum(rr) / 1e3
    rate = (60_000.0 / rr).astype(np.float32)
    rate[rate > 254] = np.nan
    tracks = (Track("", ends, {"heart_rate": rate}), Track("beats", ends, {"rr": rr}))
    return tracks, [Repair("beats of an impossible interval dropped", int((~is_beat).sum()))]


def _laps(sections: Mapping[str, str], mode: _Mode, trip_m: float) -> list[Lap]:
    """Laps end at the times of IntTimes; their heart rates, distance and temperature."""
    lines = [line.split() for line in sections.get("inttimes", "").splitlines() if line.strip()]
    per_lap = 3 if mode.is_old else _LAP_LINES
    laps: list[Lap] = []
    for at in range(0, len(lines) - per_lap + 1, per_lap):
        end, start = _seconds(lines[at][0]), laps[-1].end_s if laps else 0.0
        if not end > start:
            break
        rates = [number_or_nan(text) for text in lines[at][1:5]]
        values = {"elapsed_s": end - start}
        if len(rates) == 4 and rates[2] > 0:
            values |= {"heart_rate_bpm": rates[2], "heart_rate_max_bpm": rates[3]}
        if per_lap == _LAP_LINES and len(lines[at + 3]) >= 4:
            _, length, _, warmth, *_ = (number_or_nan(text) for text in lines[at + 3])
            if length > 0:
                values["distance_m"] = length
            if warmth > 0:
                values["temperature_degc"] = _degrees(warmth / 10, mode.is_us)
        laps.append(Lap(start, end, "lap", "", values))
    return _measured(laps, trip_m, mode) if len(laps) > 1 else []


def _measured(laps: list[Lap], trip_m: float, mode: _Mode) -> list[Lap]:
    """Lap distances in metres: real files count in thousandths of a mile whatever they say."""
    total = sum(lap.values.get("distance_m", 0.0) for lap in laps)
    factor = _MILLIMILE if mode.is_us else 1.0
    if total and trip_m:
        factor = min((1.0, _MILLIMILE), key=lambda f: abs(total * f - trip_m))
    far = "distance_m"
    return [
        replace(lap, values={**lap.values, far: lap.values[far] * factor})
        if far in lap.values
        else lap
        for lap in laps
    ]


def _degrees(value: float, is_us: bool) -> float:
    return (value - 32) / 1.8 if is_us else value


def _trip(body: str, mode: _Mode) -> dict[str, float]:
    """Sums of the ride as the bike computer tells them."""
    numbers = [number_or_nan(line) for line in body.split()[:8]]
    if len(numbers) < 7:
        return {}
    far, high = (1609.344, 0.3048) if mode.is_us else (1_000.0, 1.0)
    fast = UNITS["mph" if mode.is_us else "km/h"].factor
    told = {
        "distance_m": numbers[0] * 0.1 * far,
        "ascent_m": numbers[1] * high,
        "timer_s": numbers[2],
        "speed_mps": numbers[5] * 0.1 * fast,
        "speed_max_mps": numbers[6] * 0.1 * fast,
    }
    return {name: value for name, value in told.items() if value > 0}


def _start(params: Mapping[str, str]) -> datetime | None:
    seconds = _seconds(params.get("starttime", ""))
    try:
        day = datetime.strptime(params.get("date", ""), "%Y%m%d").replace(tzinfo=UTC)
        return day + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None


def _profile(params: Mapping[str, str]) -> Profile:
    told = {"hr_max_bpm": "maxhr", "hr_rest_bpm": "resthr", "mass_kg": "weight"}
    values: dict[str, Any] = {
        name: number_or_nan(params.get(key, "")) for name, key in told.items()
    }
    if params.get("smode", "")[7:8] == "1" or params.get("mode", "")[2:3] == "1":
        values["mass_kg"] *= UNITS["lb"].factor
    fine = {n: v for n, v in values.items() if LIMITS[n][0] <= v <= LIMITS[n][1]}
    return Profile(**fine)


def _seconds(text: str) -> float:
    found = _CLOCK.fullmatch(text.strip())
    return int(found[1]) * 3600.0 + int(found[2]) * 60.0 + float(found[3]) if found else 0.0


_EXAMPLE = b"""[Params]
Version=106
Monitor=12
SMode=101000100
Date=20240501
StartTime=07:00:00.0
Length=00:00:10.0
Interval=5
MaxHR=190

[IntTimes]
00:00:05.0\t120\t110\t118\t125
0\t0\t0\t0\t0\t0
0\t0\t0\t0\t0
0\t40\t0\t150\t0\t0
0\t0\t0\t0\t0\t0
00:00:10.0\t121\t110\t119\t126
0\t0\t0\t0\t0\t0
0\t0\t0\t0\t0
0\t40\t0\t150\t0\t0
0\t0\t0\t0\t0\t0

[HRData]
120\t300\t12
121\t310\t13
"""

PLUGIN = HrmReader()
