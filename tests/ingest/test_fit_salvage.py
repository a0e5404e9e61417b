"""Damaged FIT files: more records are saved than by other decoders, and fewer false ones."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from stadion.ingest.fitfile.order import out_of_order
from tests.ingest.compare_damage import Score, compared
from tests.ingest.damaging import DAMAGES
from tests.ingest.fit_decoders import DECODERS, by_stadion
from tests.ingest.fit_writer import ENUM, SINT32, T0, UINT8, UINT16, UINT32, FitWriter, activity
from tests.ingest.real_files import only, raw, read_bytes, reader, repairs

SMALL = (
    "fit/tormoder__2015-10-13-08-43-15.fit",
    "fit/sportslib__20171011_run_2088390344.fit",
    "fit/gc__10kUNLP2014-Garmin15.fit",
    "fit/tormoder__0161837998.fit",
)


def rates(data: bytes) -> list[float]:
    recording = only(read_bytes("fit", data))
    return [float(x) for x in recording.tracks[0].channels["heart_rate"]]


@pytest.fixture(scope="module")
def scores() -> list[tuple[str, dict[str, Score]]]:
    kinds = list(DAMAGES)
    found = compared(SMALL, len(kinds), 3, kinds, list(DECODERS))
    return [(f"{kind}, {name}", each) for name, kind, _, each in found]


def test_no_decoder_saves_more_of_a_damaged_file(
    scores: list[tuple[str, dict[str, Score]]],
) -> None:
    behind = [
        f"{what}: {decoder} {one.good}, stadion {each['stadion'].good} of {one.all}"
        for what, each in scores
        for decoder, one in each.items()
        if one.good > each["stadion"].good
    ]
    assert behind == []
    assert sum(each["fitdecode"].good for _, each in scores) > 1000  # the others do read


def test_most_records_are_saved_and_few_are_false(
    scores: list[tuple[str, dict[str, Score]]],
) -> None:
    totals = {name: Score() for name in DECODERS}
    for _, each in scores:
        for name, one in each.items():
            totals[name].add(one)
    assert totals["stadion"].good > 1.2 * totals["fitdecode"].good
    assert totals["stadion"].false < 0.01 * totals["stadion"].all
    assert totals["stadion"].false < totals["fitdecode"].false


@pytest.mark.parametrize("name", SMALL)
def test_a_wrong_checksum_alone_changes_no_value(name: str) -> None:
    data = raw(name)
    assert by_stadion(data[:-1] + bytes([data[-1] ^ 0x55])) == by_stadion(data)


def damaged_definitions() -> Iterator[tuple[str, int, int]]:
    start = 14 + len(FitWriter().define(1, 0, [(0, 0)]).record(1, 4).body)
    yield "local type", start, 0x43
    yield "reserved byte", start + 1, 0x77
    yield "order of bytes", start + 2, 0xC0
    yield "message", start + 3, 0x29
    yield "size of the time", start + 7, 0x44
    yield "type of the time", start + 8, 0x0F
    yield "size of the heart rate", start + 10, 0x55
    yield "size of the distance", start + 13, 12
    yield "type of the distance", start + 14, 0x02


@pytest.mark.parametrize(
    ("at", "value"), [pytest.param(at, v, id=what) for what, at, v in damaged_definitions()]
)
def test_a_damaged_definition_is_mended_from_what_its_records_ask_for(at: int, value: int) -> None:
    writer = FitWriter().define(1, 0, [(0, 0)]).record(1, 4)
    writer.define(0, 20, [(253, UINT32), (3, UINT8), (5, UINT32), (4, UINT8), (7, UINT16)])
    for k in range(40):
        writer.record(0, T0 + k, 120 + k, 300 * k, 80, 200)
    data = bytearray(writer.file())
    data[at] = value
    recording = only(read_bytes("fit", bytes(data)))
    channels = recording.tracks[0].channels
    assert len(recording.tracks[0]) == 40
    for name, first, last in (("heart_rate", 120, 159), ("cadence", 80, 80), ("power", 200, 200)):
        assert channels[name][0] == first
        assert channels[name][-1] == last
    if "distance" in channels:  # the type that was hit may not be sure; the others are
        assert channels["distance"][-1] == 117
    assert repairs(recording)["definitions mended"] == 1


def test_a_lost_definition_is_taken_from_elsewhere_in_the_file() -> None:
    fields = [(253, UINT32), (3, UINT8), (7, UINT16)]
    writer = FitWriter().define(1, 0, [(0, 0)]).record(1, 4)
    first = len(writer.body)
    writer.define(0, 20, fields)
    lost = len(writer.body) - first
    for k in range(20):
        writer.record(0, T0 + k, 120 + k, 200)
    writer.define(2, 20, fields)
    for k in range(20, 30):
        writer.record(2, T0 + k, 120 + k, 200)
    del writer.body[first : first + lost]
    assert rates(writer.file(crc=1)) == list(range(120, 150))


def moving(fields: Sequence[tuple[int, int]], rows: Sequence[tuple[int, ...]]) -> bytes:
    """A file whose definition of `rows` is lost: elsewhere it has only that of a place."""
    writer = FitWriter().define(1, 0, [(0, 0)]).record(1, 4)
    writer.define(3, 20, [(253, UINT32), (0, SINT32), (1, SINT32)])
    for k in range(5):
        writer.record(3, T0 + k, 500_000_000 + 40 * k, 100_000_000 - 30 * k)
    first = len(writer.body)
    writer.define(2, 20, fields)
    del writer.body[first:]
    for k, row in enumerate(rows):
        writer.record(2, T0 + 5 + k, *row)
    return writer.file(crc=1)


def test_a_layout_by_which_nobody_moves_so_is_not_used() -> None:
    inner = [(2, UINT16), (3, UINT8), (4, UINT8), (6, UINT16), (7, UINT16)]
    rows = [(2700 + k, 120 + k % 7, 80 + k % 3, 2000 + 50 * (k % 5), 200) for k in range(40)]
    recording = only(read_bytes("fit", moving([(253, UINT32), *inner], rows)))
    assert len(recording.tracks[0]) == 5
    assert recording.source.is_partial


def test_a_layout_by_which_people_move_is_used() -> None:
    rows = [(500_000_200 + 40 * k, 99_999_850 - 30 * k) for k in range(40)]
    fields = [(253, UINT32), (0, SINT32), (1, SINT32)]
    recording = only(read_bytes("fit", moving(fields, rows)))
    assert len(recording.tracks[0]) == 45
    assert repairs(recording)["definitions mended"] == 1


def test_a_damaged_definition_of_another_message_ends_the_layout_before_it() -> None:
    writer = FitWriter().define(1, 0, [(0, 0)]).record(1, 4)
    writer.define(0, 20, [(253, UINT32), (3, UINT8)])
    writer.define(2, 20, [(253, UINT32), (3, UINT8), (73, UINT32)])
    for k in range(10):
        writer.record(0, T0 + k, 120 + k)
    writer.record(2, T0 + 10, 130, 3000)
    at = len(writer.body)
    length = [(253, UINT32), (2, UINT32), (3, UINT32), (4, UINT32), (0, ENUM), (1, ENUM)]
    writer.define(2, 101, length)
    writer.body[at + 23] = 0xBD  # the type of its last field
    writer.record(2, T0 + 10, T0, 9_000, 9_000, 1, 1)
    for k in range(11, 30):
        writer.record(0, T0 + k, 120 + k)
    channels = only(read_bytes("fit", writer.file(crc=1))).tracks[0].channels
    assert channels["heart_rate"].tolist() == list(range(120, 150))
    assert channels["speed"][10] == 3


def test_a_field_has_a_size_even_when_the_message_is_hit_as_well() -> None:
    writer = FitWriter().define(1, 0, [(0, 0)]).record(1, 4)
    at = len(writer.body)
    writer.define(0, 20, [(253, UINT32), (2, UINT16), (3, UINT8), (4, UINT8), (6, UINT16)])
    writer.body[at + 3], writer.body[at + 10], writer.body[at + 20] = 0xA9, 0, 0x04
    writer.define(2, 20, [(253, UINT32), (3, UINT8), (4, UINT8), (6, UINT16)])
    for k in range(40):
        writer.record(2, T0 + 2 * k, 120 + k, 80, 3000)
        writer.record(0, T0 + 2 * k + 1, 2800, 120 + k, 80, 3000)
    channels = only(read_bytes("fit", writer.file(crc=1))).tracks[0].channels
    assert channels["heart_rate"].tolist() == [120 + k // 2 for k in range(80)]
    assert set(channels["speed"].tolist()) == {3}


def test_a_record_that_says_its_time_twice_survives_one_wrong_time() -> None:
    writer = FitWriter().define(1, 0, [(0, 0)]).record(1, 4)
    writer.define(0, 20, [(253, UINT32), (3, UINT8), (253, UINT32)])
    for k in range(40):
        writer.record(0, T0 + k, 100 + k, T0 + k)
    data = bytearray(writer.file())
    data[len(data) - 2 - 10 * 20 + 4] ^= 0x40
    recording = only(read_bytes("fit", bytes(data)))
    assert recording.tracks[0].channels["heart_rate"].tolist() == list(range(100, 140))
    assert repairs(recording)["wrong times told by a second one"] == 1


def test_a_header_that_is_hit_loses_no_record() -> None:
    data = bytearray(activity(40).file())
    at = len(data) - 2 - 6 * 20  # of the 21st record
    data[at] ^= 0x08
    recording = only(read_bytes("fit", bytes(data)))
    assert len(recording.tracks[0]) == 40
    assert repairs(recording)["wrong record headers mended"] == 1


def test_a_time_that_is_hit_loses_one_record() -> None:
    data = bytearray(activity(40).file())
    data[len(data) - 2 - 6 * 20 + 4] ^= 0x40
    recording = only(read_bytes("fit", bytes(data)))
    assert len(recording.tracks[0]) == 39
    assert repairs(recording)["records of another time dropped"] == 1


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_of_a_record_that_ends_in_a_filled_tail_the_first_fields_are_kept(fill: bytes) -> None:
    writer = FitWriter().define(1, 0, [(0, 0)]).record(1, 4)
    writer.define(0, 20, [(253, UINT32), (3, UINT8), (7, UINT16), (4, UINT8)])
    for k in range(30):
        writer.record(0, T0 + k, 120 + k, 0x1234, 80)
    data = writer.file()
    at = len(data) - 2 - 9 * 10 - 2  # into the power of the 20th record
    recording = only(read_bytes("fit", data[:at] + fill * (len(data) - at)))
    channels = recording.tracks[0].channels
    assert channels["heart_rate"].tolist() == list(range(120, 140))
    assert np.isnan(channels["power"][-1])
    assert (channels["power"][:-1] == 0x1234).all()
    assert repairs(recording)["records that end in zeros or 0xFF kept in part"] == 1


@pytest.mark.parametrize("at", [0, 8, 9, 10, 11])
def test_a_file_whose_header_is_hit_is_read_all_the_same(at: int) -> None:
    data = bytearray(activity(20).file())
    data[at] ^= 0x41
    member = reader("fit").example()[0].of("ride.fit", bytes(data))
    assert reader("fit").claim([member]) == [[member]]
    assert rates(bytes(data)) == list(range(120, 140))


def test_a_header_in_junk_does_not_end_the_file() -> None:
    writer = activity(20).raw(bytes([14, 16, 1, 2]) + b"\x30\x31\x32\x33.FIT" + b"\xee" * 9)
    for k in range(20, 40):
        writer.record(0, T0 + k, 120 + k)
    assert rates(writer.file(crc=1)) == list(range(120, 160))


def test_beats_between_the_records_do_not_hinder() -> None:
    writer = FitWriter().define(1, 0, [(0, 0)]).record(1, 4)
    writer.define(0, 20, [(253, UINT32), (3, UINT8)]).define(2, 78, [(0, UINT16)])
    for k in range(60):
        writer.record(0, T0 + k, 100 + k)
        writer.record(2, 800)
        if k == 30:
            writer.raw(b"\x0e\x0e\x0e")
    assert rates(writer.file(crc=1)) == list(range(100, 160))


def test_the_second_file_of_a_chain_survives_damage_of_the_first() -> None:
    first = bytearray(activity(30).file())
    first[40:60] = bytes(20)
    second = FitWriter().define(1, 0, [(0, 0)]).record(1, 4)
    second.define(0, 20, [(253, UINT32), (3, UINT8)])
    for k in range(30):
        second.record(0, T0 + 5000 + k, 60 + k)
    recordings = read_bytes("fit", bytes(first) + second.file())
    assert recordings[-1].tracks[0].channels["heart_rate"].tolist() == list(range(60, 90))
    assert recordings[0].source.is_partial
    assert len(recordings[0].tracks[0]) > 20


def test_what_is_out_of_order_is_told_from_what_was_moved() -> None:
    rising = np.arange(20.0)
    for place in (0, 7, 19):
        flipped = rising.copy()
        flipped[place] += 1e6
        assert out_of_order(flipped).tolist() == [place]
    moved = np.concatenate([rising[:5], rising[15:], rising[5:15]])
    assert not len(out_of_order(moved))
    swapped = np.concatenate([rising[:5], rising[12:16], rising[5:12], rising[16:]])
    assert not len(out_of_order(swapped))
    assert out_of_order(np.array([1.0, 2, 3, 4, 3, 6, 7])).tolist() == [4]
    assert not len(out_of_order(np.empty(0)))
    # Either of 40 and 37 may be the wrong one: that which stands less evenly is.
    assert out_of_order(np.array([22.0, 31, 40, 37, 50, 56])).tolist() == [3]
    assert out_of_order(np.array([22.0, 31, 48, 40, 50, 56])).tolist() == [2]


def many_times() -> bytes:
    return FitWriter().define(0, 20, [(253, UINT32)]).record(0, T0).raw(
        struct.pack("<I", T0) * (1 << 17)
    ).file(crc=1)  # fmt: skip


def damaged_definitions_only() -> bytes:
    one = bytes(FitWriter().define(0, 20, [(253, UINT32), (3, UINT8)]).body[:-2])
    record = b"\x21\x02\0" + struct.pack("<IB", T0, 9)
    return FitWriter().raw((one + record) * ((1 << 19) // (len(one) + len(record)))).file(crc=1)


def torn() -> bytes:
    data = bytearray(raw("fit/gc__Garmin1000_withFirstbeat.fit"))
    chance = random.Random(5)
    for _ in range(len(data) // 50):
        data[chance.randrange(14, len(data))] = chance.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("made", [many_times, damaged_definitions_only, torn])
def test_salvage_takes_less_than_a_second_per_megabyte(made: object) -> None:
    assert callable(made)
    data = made()
    began = time.process_time()
    read_bytes("fit", data)
    assert time.process_time() - began < max(len(data) / 2**20, 1)
