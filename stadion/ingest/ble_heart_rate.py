"""Logs of Bluetooth heart rate packets in, heart rates and beats out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from stadion.core.activity import Activity, Lap, Repair, Table, Track
from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.ingest._clock import build_timeline
from stadion.ingest._numbers import number_or_nan
from stadion.ingest.base import Member, activity_id, digest_of, source_of
from stadion.ingest.tabular.times import is_dated, moments_in, seconds_in

__all__ = ["PLUGIN", "BleHeartRateReader", "Packet", "decode_packet"]

_TIME = re.compile(
    r"""[\s"]*(?:[A-Z]\s+)?(?P<time>\d{4}-\d\d-\d\d[T ][\d:.,]{5,18}(?:Z|[+-]\d\d:?\d\d)?
    |\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?|\d{1,19}(?:\.\d{1,9})?)["\s,;|]+""",
    re.VERBOSE,
)
_HEX = re.compile(
    r"(?:\(0x\)\s*)?(?:0x)?[0-9a-f]{2}(?:[\s:-]?(?:0x)?[0-9a-f]{2}){1,63}", re.IGNORECASE
)
_DATE = re.compile(r"nRF Connect,\s*(\d{4}-\d\d-\d\d)")
_SIGNS = re.compile(r"[a-f]|\b[0-9a-f]{2}[\s:-][0-9a-f]{2}\b|0x", re.IGNORECASE)
_MOST_LINE, _SEEN_LINES = 300, 40
_LOST_S = 2.5
"""Arrivals this much later than the beats before tell of beats that were lost."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One Heart Rate Measurement.

    Parameters
    ----------
    heart_rate
        Beats per minute.
    rr_s
        Intervals between beats in seconds, the oldest first.
    energy_kj
        Energy spent since the last reset; None when it is not told.
    contact
        Whether the sensor touches the skin; None when it cannot tell.
    """

    heart_rate: int
    rr_s: tuple[float, ...] = ()
    energy_kj: int | None = None
    contact: bool | None = None


def decode_packet(data: bytes) -> Packet:
    """The value of characteristic 0x2A37.

    Raises
    ------
    StadionError
        INVALID for bytes whose length does not fit their flags.

    Examples
    --------
    >>> decode_packet(bytes.fromhex("164e0004"))
    Packet(heart_rate=78, rr_s=(1.0,), energy_kj=None, contact=True)

    References
    ----------
    Bluetooth SIG, Heart Rate Service 1.0, section 3.1 (flags, order of the fields, 1/1024 s).
    """
    flags = data[0] if data else 0xFF
    fixed = 2 + (flags & 1) + 2 * (flags >> 3 & 1)
    rest = len(data) - fixed
    if flags & 0xE0 or rest < 0 or (rest % 2 if flags & 0x10 else rest):
        raise StadionError(
            Code.INVALID,
            f"packet {data[:24].hex(' ')!r} has {len(data)} bytes; its flags ask for {fixed}"
            + (" and pairs of intervals" if flags & 0x10 else ""),
        )
    place = 2 + (flags & 1)
    rate = int.from_bytes(data[1:place], "little")
    energy = int.from_bytes(data[place : place + 2], "little") if flags & 8 else None
    intervals = tuple(
        int.from_bytes(data[k : k + 2], "little") / 1024 for k in range(fixed, len(data), 2)
    )
    return Packet(rate, intervals, energy, bool(flags & 2) if flags & 4 else None)


class BleHeartRateReader:
    """A packet per line with its time, as loggers, scripts and nRF Connect write them.

    Beats are placed by adding up their intervals: radios deliver packets late and in bunches.
    """

    name = "ble_heart_rate"
    layout = "Lines of a time and the bytes of a Bluetooth packet 0x2A37 in hexadecimal."
    guesses = False

    def example(self) -> list[Member]:
        """Two packets with an interval each."""
        rows = b"2024-05-01T07:00:00.123Z 16 4E 00 03\n2024-05-01T07:00:01.010Z 16 4F F0 02\n"
        return [Member.of("heart.log", rows)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Texts most of whose first lines hold a packet."""
        return [[member] for member in members if _is_log(member.head)]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity: heart rates as they arrived, and the track of beats."""
        (member,) = group
        data = member.data
        text = data.decode("utf-8-sig", "replace")
        times, packets, strange = _packets(text)
        clock, is_local = _clock(times, _DATE.search(text[:4096]))
        known = np.isfinite(clock)
        if not known.any():
            raise StadionError(
                Code.INVALID, "no line with a time and a heart rate packet in hexadecimal"
            )
        told = [packet for packet, is_known in zip(packets, known, strict=True) if is_known]
        timeline = build_timeline(clock[known], {"heart_rate": _rates(told)})
        if timeline is None or not timeline.track.channels:
            raise StadionError(Code.INVALID, "packets without any heart rate")
        beats, lost = _beats(clock[known] - timeline.zero_s, told)
        away = sum(packet.contact is False for packet in told)
        counts = {
            "lines that hold no packet left out": strange,
            "packets without a time dropped": int((~known).sum()),
            "heart rates without contact to the skin left out": away,
            "stretches of lost beats": lost,
            "times without a zone taken as UTC": int(is_local),
        }
        repairs = [Repair(what, count) for what, count in counts.items() if count]
        digest = digest_of([data])
        dated = is_dated(clock)
        tracks = (timeline.track, *beats)
        return [
            Activity(
                id=activity_id(digest),
                athlete="",
                sport="",
                start=datetime.fromtimestamp(timeline.zero_s, UTC) if dated else None,
                tracks=tracks,
                source=source_of(self.name, member.path, digest, [*repairs, *timeline.repairs]),
                laps=_energy(told, float(timeline.track.time_s[-1])),
            )
        ]


def _is_log(head: bytes) -> bool:
    if b"\0" in head:
        return False
    lines = [line for line in head.decode("utf-8", "ignore").splitlines() if line.strip()]
    cut = lines[:-1] if len(head) >= 4096 else lines
    seen = cut[:_SEEN_LINES]
    found = [line for line in seen if _packet_in(line) is not None]
    is_named = "2a37" in head.decode("utf-8", "ignore").lower()
    if not found or not (
        is_named or all(_SIGNS.search(_split(line.strip())[1]) for line in found[:8])
    ):
        return False
    return is_named or len(found) >= 0.7 * max(len(seen) - 2, 1)


def _split(line: str) -> tuple[str, str]:
    """Time and hexadecimal of a line; empty when it has none."""
    time = _TIME.match(line) if len(line) <= _MOST_LINE else None
    if time is None:
        return "", ""
    told = line[time.end() :].rpartition("value:")[2].strip(' "\t')
    return (time["time"], told) if _HEX.fullmatch(told) else ("", "")


def _packet_in(line: str) -> tuple[str, Packet] | None:
    time, told = _split(line.strip())
    try:
        raw = bytes.fromhex(re.sub(r"\(0x\)|0x|[\s:-]", "", told, flags=re.IGNORECASE))
        return (time, decode_packet(raw)) if time else None
    except (ValueError, StadionError):
        return None


def _packets(text: str) -> tuple[list[str], list[Packet], int]:
    times: list[str] = []
    packets: list[Packet] = []
    strange = 0
    for line in _lines(text):
        found = _packet_in(line)
        if found is None:
            strange += 1
        else:
            times.append(found[0])
            packets.append(found[1])
    return times, packets, strange


def _lines(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if line := text[start:end].strip():
            yield line
        start = end + 1


def _clock(times: Sequence[str], date: re.Match[str] | None) -> tuple[FloatArray, bool]:
    """(n,) seconds since 1970 or some start, and whether they name no zone."""
    numbers = np.array([number_or_nan(text.replace(",", ".")) for text in times], np.float64)
    if np.isfinite(numbers).sum() * 2 > len(times):
        return seconds_in(numbers, ""), False
    found = moments_in([f"{date[1]} {t}" if date and len(t) < 16 else t for t in times])
    return found.month_first, bool(found.kinds.get("local"))


def _rates(packets: Sequence[Packet]) -> FloatArray:
    return np.array(
        [p.heart_rate if 0 < p.heart_rate < 255 and p.contact is not False else np.nan
         for p in packets], np.float32
    )  # fmt: skip


def _beats(arrivals_s: FloatArray, packets: Sequence[Packet]) -> tuple[tuple[Track, ...], int]:
    """Ends of the beats: sums of intervals, as late as every packet's arrival allows."""
    placed = [(t, p.rr_s) for t, p in zip(arrivals_s.tolist(), packets, strict=True) if p.rr_s]
    runs: list[tuple[float, list[float]]] = []
    told: list[float] = []
    summed = earliest = 0.0
    for arrival, intervals in placed:
        summed += sum(intervals)
        if told and arrival - summed - earliest > _LOST_S:
            runs.append((earliest, told))
            told, summed = [], sum(intervals)
        earliest = min(earliest, arrival - summed) if told else arrival - summed
        told.extend(intervals)
    if not told:
        return (), 0
    runs.append((earliest, told))
    return (_joined(runs),), len(runs) - 1


def _joined(runs: Sequence[tuple[float, list[float]]]) -> Track:
    ends: list[FloatArray] = []
    reached = -math.inf
    for begin, intervals in runs:
        rr = np.maximum(np.array(intervals), 1 / 1024)
        run = max(begin, reached) + np.cumsum(rr)
        ends.append(run)
        reached = float(run[-1])
    rr_ms = np.array([rr * 1e3 for _, intervals in runs for rr in intervals])
    time_s = np.round(np.concatenate(ends), 6)
    return Track("beats", time_s, {"rr": np.where(rr_ms > 0, rr_ms, np.nan)})


def _energy(packets: Sequence[Packet], end_s: float) -> tuple[Lap, ...]:
    spent = [packet.energy_kj for packet in packets if packet.energy_kj is not None]
    if not spent or spent[-1] <= spent[0]:
        return ()
    return (Lap(0.0, end_s, "session", "", {"energy_kcal": (spent[-1] - spent[0]) / 4.184}),)


PLUGIN = BleHeartRateReader()
