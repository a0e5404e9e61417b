"""FIT files made up to cost much stay within the bounds: 1 s and 8 bytes for each byte, 128 MB."""

from __future__ import annotations

import struct
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from stadion.core.errors import StadionError
from stadion.ingest.fitfile.crc import crc16
from tests.ingest.fit_writer import BYTE, ENUM, T0, TEXT, UINT8, UINT16, UINT32, FitWriter, activity
from tests.ingest.real_files import read_bytes

TIME = (253, UINT32)
MEGABYTE = 1 << 20
SIZE = MEGABYTE // 2


def filled(writer: FitWriter, record: bytes) -> bytes:
    """The writer's file with half a megabyte of one record behind what it holds."""
    return sealed(writer.raw(record * (SIZE // len(record))))


def sealed(writer: FitWriter) -> bytes:
    data = writer.file(crc=0)  # the writer's own way to sum is slow
    return data[:-2] + struct.pack("<H", crc16(data[:-2]))


def records_of_nothing() -> bytes:
    return filled(activity().define(1, 20, []), b"\1")


def shortest_records() -> bytes:
    return filled(activity().define(1, 20, [(3, UINT8)]), b"\1\x77")


def shortest_timed_records() -> bytes:
    return filled(FitWriter().define(0, 20, [TIME]), b"\0" + struct.pack("<I", T0))


def compressed_times() -> bytes:
    return filled(activity().define(1, 20, [(3, UINT8)]), b"\xa1\x77\xa2\x78")


def laps() -> bytes:
    return filled(activity().define(1, 19, [(16, UINT8)]), b"\1\x77")


def laps_of_many_fields() -> bytes:
    fields = [TIME, (2, UINT32), *((n, UINT8) for n in range(3, 250))]
    record = b"\1" + struct.pack("<II", T0, T0) + bytes(range(3, 250))
    return filled(activity().define(1, 19, fields), record)


def events() -> bytes:
    return filled(activity().define(1, 21, [(0, ENUM)]).record(0, T0, 1), b"\1\0")


def timed_events() -> bytes:
    return filled(activity().define(1, 21, [TIME, (0, ENUM)]), b"\1" + struct.pack("<IB", T0, 0))


def beats() -> bytes:
    return filled(activity(60).define(1, 78, [(0, UINT16)]), b"\1" + struct.pack("<H", 700))


def beats_and_records() -> bytes:
    record = b"\0" + struct.pack("<IB", T0, 99) + b"\1" + struct.pack("<H", 60_000)
    return filled(activity().define(1, 78, [(0, UINT16)]), record)


def beats_of_a_strap() -> bytes:
    writer = activity(60).define(1, 132, [TIME, (9, UINT32), (6, UINT8)]).record(1, T0, 0, 70)
    return filled(writer.define(2, 132, [(10, BYTE, 3), (6, UINT8, 2)]), b"\2\1\2\3\x46\x46")


def moments_of_a_day() -> bytes:
    return filled(FitWriter().define(1, 55, [TIME]).record(1, T0).define(2, 55, [(26, UINT16)]),
                  b"\2\1\2")  # fmt: skip


def wide_lists() -> bytes:
    writer = activity().define(1, 20, [TIME, *((n, UINT8, 255) for n in range(200, 204))])
    return filled(writer, b"\1" + struct.pack("<I", T0) + bytes(range(255)) * 4)


def descriptions() -> bytes:
    writer = FitWriter().define(2, 206, [(0, UINT8), (1, UINT8), (2, UINT8), (3, TEXT, 4)])
    writer.define(0, 20, [TIME], developer=[(0, UINT8, 0, 1)])
    for k in range(20_000):
        writer.record(2, 0, 0, 2, b"%04x" % k).record(0, T0 + k, 7)
    return sealed(writer)


def developer_fields() -> bytes:
    writer = FitWriter().define(2, 206, [(0, UINT8), (1, UINT8), (2, UINT8), (3, TEXT, 2)])
    for number in range(200):
        writer.record(2, 0, number, 2, b"x")
    for number in range(200):
        writer.define(0, 20, [TIME], developer=[(number, UINT8, 0, 1)])
        for k in range(350):
            writer.record(0, T0 + k, 7)
    return sealed(writer)


def layouts() -> bytes:
    body = bytearray()
    for k in range(SIZE // 774):
        fields = bytes(x for n in range(255) for x in (n, 1 + (n + k) % 3, 13))
        body += struct.pack("<BBBHB", 0x40, 0, 0, 20, 255) + fields
    return sealed(FitWriter().raw(bytes(body)))


CLAIMS = [
    records_of_nothing, shortest_records, shortest_timed_records, compressed_times, laps,
    laps_of_many_fields, events, timed_events, beats, beats_and_records, beats_of_a_strap,
    moments_of_a_day, wide_lists, descriptions, developer_fields, layouts,
]  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_what_is_made_up_costs_no_more_than_its_size_allows(claim: Callable[[], bytes]) -> None:
    data = claim()
    seconds = min(seconds_of(data) for _ in range(3))
    tracemalloc.start()
    tried(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < len(data) / MEGABYTE, seconds
    assert peak < 64 * MEGABYTE + 8 * len(data), peak / MEGABYTE  # half a megabyte: half of 128


def seconds_of(data: bytes) -> float:
    began = time.process_time()
    tried(data)
    return time.process_time() - began


def tried(data: bytes) -> None:
    try:
        read_bytes("fit", data)
    except StadionError:
        return


@pytest.mark.parametrize("claimed", [10**9, 0xFFFFFFFF])
def test_a_claim_of_a_billion_bytes_costs_nothing(claimed: int) -> None:
    tracemalloc.start()
    values = read_bytes("fit", activity(50).file(size=claimed))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(values[0].tracks[0]) == 50
    assert peak < 8 * MEGABYTE


def test_numbers_that_are_no_numbers_stay_missing() -> None:
    writer = FitWriter().define(0, 20, [TIME, (114, 0x88), (115, 0x89, 8)])
    signalling = struct.unpack("<f", b"\1\0\x80\x7f")[0]
    writer.record(0, T0, signalling, struct.pack("<d", np.inf)).record(0, T0 + 1, 1.5, b"\0" * 8)
    channels = read_bytes("fit", writer.file())[0].tracks[0].channels
    np.testing.assert_equal(channels["grit"], [np.nan, 1.5])
    np.testing.assert_equal(channels["flow"], [np.nan, 0.0])
