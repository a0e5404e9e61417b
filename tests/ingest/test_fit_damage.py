"""Damaged FIT files: what is there is saved, what is lost is said, nothing foreign escapes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadion.core.activity import Activity
from stadion.core.arrays import FloatArray
from stadion.core.errors import StadionError
from tests.ingest.fit_writer import T0, UINT8, UINT32, FitWriter, activity
from tests.ingest.real_files import only, raw, read_bytes, repairs

REAL = (
    "fit/gc__lap_swim_test_FR920xt.fit",
    "fit/tormoder__compressed-speed-distance.fit",
    "fit/gc__FR55-CoreTemp-Walk.fit",
    "fit/sportslib__7617306288.fit",
    "fit/fitdecode__garmin-fenix-5-run.fit",
)


def moments(recording: Activity) -> FloatArray:
    assert recording.start is not None
    return np.round(recording.start.timestamp() + recording.tracks[0].time_s)


def rates(recording: Activity) -> list[float]:
    return [float(x) for x in recording.tracks[0].channels["heart_rate"]]


@pytest.mark.parametrize(
    ("crc", "said"), [(0, "checksum is missing"), (0x1234, "checksum is wrong")]
)
def test_a_wrong_or_missing_checksum_loses_nothing(crc: int, said: str) -> None:
    recording = only(read_bytes("fit", activity(50).file(crc=crc)))
    assert rates(recording) == list(range(120, 170))
    assert repairs(recording) == {said: 1}


@pytest.mark.parametrize("size", [0, 5, 10_000, 0xFFFFFFFF])
def test_a_wrong_size_in_the_header_loses_nothing(size: int) -> None:
    recording = only(read_bytes("fit", activity(50).file(size=size)))
    assert rates(recording) == list(range(120, 170))
    assert recording.source.is_partial


def test_a_file_cut_short_keeps_every_whole_record() -> None:
    whole = activity(50).file()
    for lost in (1, 2, 3, 7, 8, 9, 100):
        recording = only(read_bytes("fit", whole[:-lost]))
        # 2 bytes of checksum, then records of 6 bytes from the back
        expected = 50 - max(0, -(-(lost - 2) // 6))
        assert len(recording.tracks[0]) == expected, lost
        assert repairs(recording)["file is cut short, bytes missing"] == lost


def test_junk_before_between_and_after_is_skipped_and_counted() -> None:
    writer = activity(20)
    writer.raw(b"\xfe\xdc\xba\x98" * 5)
    for k in range(20, 40):
        writer.record(0, T0 + k, 120 + k)
    recording = only(read_bytes("fit", b"junk!" + writer.file(crc=1) + b"more junk"))
    assert rates(recording) == list(range(120, 160))
    found = repairs(recording)
    assert found["bytes of junk skipped"] == 5
    assert found["bytes of damaged records skipped"] >= 20


def test_a_record_far_from_all_others_in_time_is_not_believed_in_a_damaged_file() -> None:
    writer = activity(20).record(0, T0 + 10**9, 7).record(0, T0 + 20, 140)
    recording = only(read_bytes("fit", writer.file(crc=1)))
    assert rates(recording) == list(range(120, 141))


def test_a_device_left_on_for_a_month_is_no_damage() -> None:
    recording = only(read_bytes("fit", activity(3).record(0, T0 + 27 * 86400, 99).file()))
    assert recording.duration_s == 27 * 86400
    assert not recording.source.is_partial


def test_nearly_all_records_survive_three_broken_bytes() -> None:
    data = raw("fit/sportslib__2067489619.fit")
    truth = moments(only(read_bytes("fit", data)))
    chance = random.Random(11)
    kept: list[float] = []
    for _ in range(15):
        broken = bytearray(data)
        for _ in range(3):
            broken[chance.randrange(2000, len(data) - 2)] ^= 1 << chance.randrange(8)
        recording = only(read_bytes("fit", bytes(broken)))
        kept.append(np.isin(truth, moments(recording)).mean())
        assert recording.source.is_partial
    assert min(kept) > 0.97


@pytest.mark.parametrize("name", REAL)
def test_mutated_real_files_raise_nothing_foreign(name: str) -> None:
    data = raw(name)
    chance = random.Random(name)
    saved = 0
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(chance.randrange(1, 12)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        cut = chance.randrange(len(broken)) if chance.random() < 0.3 else len(broken)
        saved += _is_saved(bytes(broken[:cut]))
    assert saved > 30


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=400))
def test_any_body_behind_a_header_raises_nothing_foreign(body: bytes) -> None:
    _is_saved(FitWriter().raw(body).file())
    _is_saved(FitWriter().raw(body).file(crc=1))


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(st.binary(min_size=1, max_size=12), max_size=12), st.randoms(use_true_random=False))
def test_junk_strewn_between_records_never_raises_and_never_invents(
    pieces: list[bytes], chance: random.Random
) -> None:
    writer = activity(5)
    for k, piece in enumerate(pieces):
        writer.record(0, T0 + 5 + k, chance.randrange(60, 200)).raw(piece)
    recording = only(read_bytes("fit", writer.file(crc=1)))
    assert len(recording.tracks[0]) <= 5 + 2 * len(pieces)
    assert recording.duration_s <= 90 * 86400


def _is_saved(data: bytes) -> bool:
    try:
        return bool(read_bytes("fit", data))
    except StadionError:
        return False


def random_megabyte() -> bytes:
    return FitWriter().raw(random.Random(3).randbytes(1 << 20)).file()


def headers_only() -> bytes:
    return FitWriter().file(size=0, header_size=12) * 50_000


def many_definitions() -> bytes:
    definition = bytes(FitWriter().define(0, 20, [(3, UINT8)]).body)
    return FitWriter().raw(definition * (2**20 // len(definition))).file()


def fields_spread_thin() -> bytes:
    writer = FitWriter()
    for number in range(200):
        writer.define(0, 20, [(253, UINT32), (number, UINT8)])
        for k in range(700):
            writer.record(0, T0 + k, 7)
    return writer.file()


@pytest.mark.parametrize(
    "made_up", [random_megabyte, headers_only, many_definitions, fields_spread_thin]
)
def test_made_up_files_cost_no_more_than_real_ones(made_up: Callable[[], bytes]) -> None:
    data = made_up()
    began = time.process_time()
    with pytest.raises(StadionError):
        read_bytes("fit", data)
    assert time.process_time() - began < 3  # a second per megabyte, with room for a busy machine
