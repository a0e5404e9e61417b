"""Writes whole bike rides as FIT files, thousands of records in a few milliseconds."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from stadion.ingest.fitfile.crc import crc16
from tests.ingest.fit_writer import ENUM, SINT8, SINT32, T0, UINT8, UINT16, UINT32, FitWriter

__all__ = ["ride"]

Floats = npt.NDArray[np.floating[Any]]

_DAY_S = 86400
_LAP_S = 1800
_SEMICIRCLES = 2**31 / 180
_RECORD = np.dtype(
    [
        ("header", "u1"), ("timestamp", "<u4"), ("lat", "<i4"), ("long", "<i4"),
        ("distance", "<u4"), ("altitude", "<u2"), ("speed", "<u2"), ("power", "<u2"),
        ("heart_rate", "u1"), ("cadence", "u1"), ("temperature", "i1"),
    ]
)  # fmt: skip
_FIELDS = [
    (253, UINT32), (0, SINT32), (1, SINT32), (5, UINT32), (2, UINT16), (6, UINT16), (7, UINT16),
    (3, UINT8), (4, UINT8), (13, SINT8),
]  # fmt: skip
_SUMMARY = [
    (253, UINT32), (2, UINT32), (7, UINT32), (8, UINT32), (9, UINT32), (0, ENUM), (1, ENUM),
]  # fmt: skip


def ride(seconds: int = 10_800, number: int = 0) -> bytes:
    """A ride with a record a second, a lap every half an hour, and a session.

    Parameters
    ----------
    number
        Sets the ride apart: it starts that many days after the first, and the legs differ.
    """
    start = T0 + number * _DAY_S
    streams = _streams(seconds, np.random.default_rng(number))
    writer = FitWriter()
    writer.define(0, 0, [(0, ENUM), (1, UINT16), (2, UINT16), (4, UINT32)])
    writer.record(0, 4, 1, 1836, start)
    writer.define(1, 21, [(253, UINT32), (3, UINT32), (0, ENUM), (1, ENUM)])
    writer.record(1, start, 0, 0, 0)
    writer.define(3, 20, _FIELDS).define(2, 19, [*_SUMMARY, (19, UINT16), (15, UINT8)])
    for first in range(0, seconds, _LAP_S):
        last = min(first + _LAP_S, seconds)
        writer.raw(_records(streams, start, first, last))
        part = slice(first, last)
        metres = float(streams["distance"][last - 1] - streams["distance"][first])
        watts, rate = (float(streams[name][part].mean()) for name in ("power", "heart_rate"))
        elapsed = (last - first) * 1000
        writer.record(
            2, start + last, start + first, elapsed, elapsed, int(metres * 100), 9, 1,
            int(watts), int(rate),
        )  # fmt: skip
    writer.record(1, start + seconds, 0, 0, 4)
    writer.define(4, 18, [*_SUMMARY, (5, ENUM), (6, ENUM), (20, UINT16)])
    writer.record(
        4, start + seconds, start, seconds * 1000, seconds * 1000,
        int(streams["distance"][-1] * 100), 8, 1, 2, 7, int(streams["power"].mean()),
    )  # fmt: skip
    header = struct.pack("<BBHI4s", 14, 0x20, 2132, len(writer.body), b".FIT")
    # Some readers begin their sum behind the header, where a right sum of its own makes it 0.
    data = header + struct.pack("<H", crc16(header)) + bytes(writer.body)
    return data + struct.pack("<H", crc16(data))


def _streams(seconds: int, chance: np.random.Generator) -> dict[str, Floats]:
    time = np.arange(seconds)
    effort = (
        1 + 0.3 * np.sin(time / chance.uniform(200, 400)) + 0.1 * chance.standard_normal(seconds)
    )
    power = np.clip(chance.uniform(150, 250) * effort, 0, 1500)
    smooth = np.convolve(power, np.ones(60) / 60)[:seconds]
    speed = np.cbrt(np.maximum(smooth, 20)) * 1.5
    distance = np.cumsum(speed)
    angle = distance / 8000
    return {
        "power": power,
        "heart_rate": np.clip(90 + smooth * 0.3 + chance.standard_normal(seconds), 60, 190),
        "cadence": np.clip(85 + 5 * chance.standard_normal(seconds), 0, 120),
        "speed": speed,
        "distance": distance,
        "altitude": 200 + 100 * np.sin(angle * 3),
        "lat": (46.5 + 0.07 * np.sin(angle)) * _SEMICIRCLES,
        "long": (7.5 + 0.10 * np.cos(angle)) * _SEMICIRCLES,
        "temperature": 18 + 4 * np.sin(time / 5000),
    }


def _records(streams: dict[str, Floats], start: int, first: int, last: int) -> bytes:
    rows = np.empty(last - first, _RECORD)
    rows["header"] = 3
    rows["timestamp"] = start + np.arange(first, last)
    scales = {"distance": 100, "speed": 1000, "altitude": 5}
    for name in _RECORD.names or ():
        if name in streams:
            offset = 500 if name == "altitude" else 0
            stored = (streams[name][first:last] + offset) * scales.get(name, 1)
            rows[name] = np.round(stored)
    return rows.tobytes()
