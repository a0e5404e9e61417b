"""SRM power meter files in, activities out."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from stadion.core.activity import Activity, Lap, Repair, Table
from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import Code, StadionError
from stadion.ingest._clock import build_timeline
from stadion.ingest.base import Member, activity_id, digest_of, source_of

__all__ = ["PLUGIN", "SrmReader"]

_VERSIONS = (5, 6, 7, 9)
_HEADER = struct.Struct("<4sHHBBHHBB70s")
_MARKERS = {v: struct.Struct(f"<{3 if v < 6 else 255}sB{'HH' if v < 9 else 'II'}5H")
            for v in _VERSIONS}  # fmt: skip
_BLOCKS = {v: struct.Struct("<iH" if v < 9 else "<iI") for v in _VERSIONS}
_CALIBRATIONS = {v: struct.Struct("<HHHB" if v < 9 else "<HHIB") for v in _VERSIONS}
_PACKED = np.dtype([("speed_power", "u1", 3), ("cadence", "u1"), ("heart_rate", "u1")])
_PLAIN = [("power", "<u2"), ("cadence", "u1"), ("heart_rate", "u1"), ("speed", "<i4"),
          ("altitude", "<i4"), ("temperature", "<i2")]  # fmt: skip
_PLACED = [*_PLAIN, ("position_lat", "<i4"), ("position_long", "<i4")]
_RECORDS = {5: _PACKED, 6: _PACKED, 7: np.dtype(_PLAIN), 9: np.dtype(_PLACED)}
_FIRST_DAY = datetime(1880, 1, 1, tzinfo=UTC)
_PACKED_SPEED_MPS = 3.0 / 26.0 / 3.6


class SrmReader:
    """Versions 5 to 9: blocks of records at a fixed interval, and markers.

    Dates are those of the athlete's wall clock, which the file does not place.

    References
    ----------
    S. Mantler's description of the format, as the open readers of SRM files agree on it.
    """

    name = "srm"
    layout = "Binary files that begin with SRM and a version digit from 5 to 9."
    guesses = False

    def example(self) -> list[Member]:
        """Three seconds of a ride in one block, with one marker."""
        head = _HEADER.pack(b"SRM7", 52_000, 2_096, 1, 1, 1, 1, 0, 0, b"")
        markers = b"".join(
            _MARKERS[7].pack(b"", 1, first, last, 0, 0, 0, 0, 0) for first, last in ((1, 3), (2, 3))
        )
        block = _BLOCKS[7].pack(3_600_000, 3) + _CALIBRATIONS[7].pack(500, 7_000, 3, 0)
        rows = b"".join(
            struct.pack("<HBBiih", power, 90, 120, 10_000, 50, 200) for power in (200, 0, 210)
        )
        return [Member.of("ride.srm", head + markers + block + rows)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Files with the magic of a known version and a header that holds together."""
        return [
            [m]
            for m in members
            if m.head[:3] == b"SRM" and m.head[3:4].isdigit() and len(m.head) >= _HEADER.size
        ]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity."""
        (member,) = group
        data = member.data
        try:
            ride = _Ride.read(data)
        except struct.error as error:
            raise StadionError(
                Code.INVALID, f"an SRM file of {len(data)} bytes that ends inside its header"
            ) from error
        timeline = build_timeline(ride.clock(), _channels(ride.records))
        if timeline is None or not timeline.track.channels:
            raise StadionError(Code.INVALID, "an SRM file without any record")
        digest = digest_of([data])
        repairs = [*ride.repairs, *timeline.repairs, Repair("times without a zone taken as UTC")]
        return [
            Activity(
                id=activity_id(digest),
                athlete="",
                sport="cycling",
                start=ride.day + timedelta(seconds=timeline.zero_s),
                tracks=(timeline.track,),
                source=source_of(self.name, member.path, digest, repairs),
                laps=ride.laps(timeline.zero_s),
                device=f"SRM (file version {ride.version})",
                title=ride.comment,
            )
        ]


@dataclass(frozen=True, slots=True, eq=False)
class _Ride:
    version: int
    day: datetime
    interval_s: float
    comment: str
    markers: tuple[tuple[int, int, str], ...]
    blocks: tuple[tuple[float, int], ...]
    """(seconds since midnight, records) of each stretch without a pause."""
    records: Array
    repairs: tuple[Repair, ...]

    @classmethod
    def read(cls, data: bytes) -> _Ride:
        magic, day, _, numerator, denominator, blocks, markers, _, length, text = (
            _HEADER.unpack_from(data)
        )
        version = int(magic[3:4]) if magic[:3] == b"SRM" and magic[3:4].isdigit() else 0
        if version not in _VERSIONS:
            raise StadionError(
                Code.INVALID, f"SRM version is {magic[3:4]!r}; expected 5, 6, 7 or 9"
            )
        if not numerator or not denominator:
            raise StadionError(
                Code.INVALID, f"the recording interval is {numerator}/{denominator} s"
            )
        at = _HEADER.size
        found = []
        for _ in range(markers + 1):
            note, _, first, last, *_ = _MARKERS[version].unpack_from(data, at)
            at += _MARKERS[version].size
            found.append((int(first), int(last), _text(note)))
        stretches = []
        for _ in range(blocks):
            hundredths, count = _BLOCKS[version].unpack_from(data, at)
            at += _BLOCKS[version].size
            stretches.append((hundredths / 100.0, int(count)))
        _, _, count, _ = _CALIBRATIONS[version].unpack_from(data, at)
        at += _CALIBRATIONS[version].size
        # The total is a 16-bit number that overflows: the blocks say more.
        wanted = max(sum(n for _, n in stretches), int(count))
        dtype = _RECORDS[version]
        there = min(wanted, (len(data) - at) // dtype.itemsize)
        records = np.frombuffer(data, dtype, there, at)
        lost = (Repair("records lost where the file ends early", wanted - there),)
        return cls(
            version,
            _FIRST_DAY + timedelta(days=day),
            numerator / denominator,
            _text(text[: min(length, 70)]),
            tuple(found[1:]),
            tuple(stretches) or ((0.0, there),),
            records,
            lost if there < wanted else (),
        )

    def clock(self) -> FloatArray:
        """(n,) seconds since midnight; a block that would begin before the last ends follows it."""
        clock = np.full(len(self.records), np.nan)
        at, end = 0, -np.inf
        for told, wanted in self.blocks:
            count = min(wanted, len(clock) - at)
            begin = max(told, end)
            clock[at : at + count] = begin + self.interval_s * np.arange(count)
            at, end = at + count, begin + self.interval_s * count
        rest = len(clock) - at
        if rest:
            begin = end if np.isfinite(end) else 0.0
            clock[at:] = begin + self.interval_s * np.arange(rest)
        return clock

    def laps(self, zero_s: float) -> tuple[Lap, ...]:
        """The markers; records are counted from 1, and some programs swap their ends."""
        clock = self.clock() - zero_s
        found = []
        for number, (first, last, note) in enumerate(self.markers, 1):
            low, high = sorted((max(first, 1), max(last, 1)))
            if low <= len(clock):
                end = float(clock[min(high, len(clock)) - 1]) + self.interval_s
                found.append(Lap(float(clock[low - 1]), end, "lap", note or str(number)))
        return tuple(found)


def _channels(records: Array) -> dict[str, FloatArray]:
    names = records.dtype.names or ()
    told: dict[str, FloatArray] = {
        name: records[name].astype(np.float32)
        for name in ("cadence", "heart_rate", "power", "altitude")
        if name in names
    }
    if "speed_power" in names:
        packed = records["speed_power"].astype(np.int32)
        high = (packed[:, 1] & 0xF0) << 3
        told["speed"] = ((high | (packed[:, 0] & 0x7F)) * _PACKED_SPEED_MPS).astype(np.float32)
        told["power"] = ((packed[:, 1] & 0x0F) | (packed[:, 2] << 4)).astype(np.float32)
        return told
    told["speed"] = np.where(records["speed"] < 0, np.nan, records["speed"] / 1e3).astype("f4")
    told["temperature"] = (records["temperature"] / 10.0).astype(np.float32)
    if "position_lat" in names:
        for name in ("position_lat", "position_long"):
            told[name] = records[name] * (180.0 / 0x7FFFFFFF)
    return told


def _text(raw: bytes) -> str:
    text = raw.partition(b"\0")[0].decode("cp1252", "replace").strip()
    return "".join(c for c in text if c.isprintable())


PLUGIN = SrmReader()
