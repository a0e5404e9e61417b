"""Heart rate packets are decoded as the Bluetooth specification says, and placed in time."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from stadion.core.errors import StadionError
from stadion.ingest.base import Member
from stadion.ingest.ble_heart_rate import Packet, decode_packet
from tests.ingest.real_files import only, read_bytes, reader


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        ("00 48", Packet(72)),
        ("01 48 01", Packet(328)),
        ("04 48", Packet(72, contact=False)),
        ("06 48", Packet(72, contact=True)),
        ("02 48", Packet(72)),  # contact is not supported: the bit beside it means nothing
        ("08 48 10 27", Packet(72, energy_kj=10_000)),
        ("10 48 00 04", Packet(72, (1.0,))),
        ("16 4E 2C 03 00 02", Packet(78, (812 / 1024, 0.5), contact=True)),
        ("1F 48 00 10 27 00 04 00 02", Packet(72, (1.0, 0.5), 10_000, True)),
        ("10 48", Packet(72)),
    ],
)
def test_the_flags_say_what_a_packet_holds(packet: str, expected: Packet) -> None:
    assert decode_packet(bytes.fromhex(packet)) == expected


@pytest.mark.parametrize("packet", ["", "00", "00 48 00", "01 48", "08 48 10", "10 48 00", "20 48"])
def test_a_packet_of_the_wrong_length_is_refused(packet: str) -> None:
    with pytest.raises(StadionError, match="its flags ask for"):
        decode_packet(bytes.fromhex(packet))


LOGS = [
    "2024-05-01T07:00:00.500Z 10 3C 00 04\n2024-05-01T07:00:01.500Z 10 3D 00 04\n",
    "time,hex\n2024-05-01T07:00:00.500Z,103c0004\n2024-05-01T07:00:01.500Z,103d0004\n",
    'time,packet\n1714546800500,"10-3C-00-04"\n1714546801500,"10-3D-00-04"\n',
    "1714546800.5 0x10 0x3C 0x00 0x04\n1714546801.5 0x10 0x3D 0x00 0x04\n",
    "nRF Connect, 2024-05-01\nX (AA)\nV\t07:00:00.100\tConnecting...\n"
    "I\t07:00:00.500\tNotification received from 00002a37-0000-1000-8000-00805f9b34fb, value: "
    '(0x) 10-3C-00-04\nA\t07:00:00.501\t"Heart Rate Measurement: 60 bpm" received\n'
    "I\t07:00:01.500\tNotification received from 00002a37-0000-1000-8000-00805f9b34fb, value: "
    "(0x) 10-3D-00-04\n",
]


@pytest.mark.parametrize("log", LOGS)
def test_every_way_of_writing_a_log_gives_the_same(log: str) -> None:
    assert reader("ble_heart_rate").claim([Member.of("x", log.encode())])
    activity = only(read_bytes("ble_heart_rate", log.encode()))
    assert activity.start == datetime(2024, 5, 1, 7, 0, 0, 500_000, tzinfo=UTC)
    rates, beats = activity.tracks
    assert rates.time_s.tolist() == [0, 1]
    assert rates.channels["heart_rate"].tolist() == [60, 61]
    assert beats.subject == "beats"
    assert beats.time_s.tolist() == [0, 1]
    assert beats.channels["rr"].tolist() == [1000, 1000]


def written(arrivals_s: list[float], intervals: list[list[float]]) -> bytes:
    """A log of packets that arrive at these seconds with these intervals in seconds."""
    lines = []
    for arrival, rr in zip(arrivals_s, intervals, strict=True):
        raw = b"\x10\x3c" + b"".join(round(x * 1024).to_bytes(2, "little") for x in rr)
        lines.append(f"{1_714_546_800 + arrival:.3f} {raw.hex(' ')}\n")
    return "".join(lines).encode()


def test_beats_follow_their_intervals_and_not_the_radio() -> None:
    chance = np.random.default_rng(3)
    rr = np.round(chance.uniform(0.7, 0.9, 300) * 1024) / 1024
    ends = np.cumsum(rr)
    jitter = chance.uniform(0.0, 0.4, 300)
    arrivals = np.maximum.accumulate(np.ceil(ends) + jitter)
    groups: dict[float, list[float]] = {}
    for arrival, interval in zip(arrivals.tolist(), rr.tolist(), strict=True):
        groups.setdefault(round(arrival, 3), []).append(interval)
    activity = only(read_bytes("ble_heart_rate", written(list(groups), list(groups.values()))))
    beats = activity.tracks[1]
    np.testing.assert_allclose(beats.channels["rr"], rr * 1e3)
    np.testing.assert_allclose(np.diff(beats.time_s), rr[1:], atol=2e-6)
    assert not activity.source.repairs


def test_lost_packets_leave_a_gap_between_the_beats_and_are_counted() -> None:
    arrivals = [1.0, 2.0, 3.0, 13.0, 14.0]
    activity = only(read_bytes("ble_heart_rate", written(arrivals, [[1.0]] * 5)))
    assert activity.tracks[1].time_s.tolist() == [0, 1, 2, 12, 13]
    assert [(r.what, r.count) for r in activity.source.repairs] == [("stretches of lost beats", 1)]


def test_heart_rates_without_contact_are_missing_and_energy_is_a_sum() -> None:
    log = b"0 0E 48 0A 00\n1 0C 00 0A 00\n2 0E 49 5E 02\nnoise\n"
    activity = only(read_bytes("ble_heart_rate", log))
    np.testing.assert_array_equal(activity.tracks[0].channels["heart_rate"], [72, np.nan, 73])
    assert only(activity.laps).values["energy_kcal"] == pytest.approx(596 / 4.184)
    assert {r.what for r in activity.source.repairs} == {
        "lines that hold no packet left out",
        "heart rates without contact to the skin left out",
    }


def test_tables_of_numbers_are_no_packets() -> None:
    for data in (b"time,hr\n0,0048\n1,0049\n", b"date,id\n20240501,10240501\n", b"a b\n"):
        assert not reader("ble_heart_rate").claim([Member.of("x.csv", data)])
