"""JSON of rows and of columns comes in whichever way it nests, or is refused with a reason."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import orjson
import pytest

from stadion.core.activity import Activity
from stadion.core.errors import StadionError
from stadion.ingest import open_bytes
from stadion.ingest.base import Member
from stadion.ingest.tabular.guess import guess
from stadion.ingest.tabular.mapping import stated, with_mapping
from tests.ingest.real_files import only, read_bytes, reader


def read(data: bytes) -> Activity:
    assert reader("ndjson").claim([Member.of("x.json", data)])
    return only(read_bytes("ndjson", data))


ROWS = [
    b'{"t":0,"values":{"hr":120,"speed_kmh":36}}\n{"t":1,"values":{"hr":121,"speed_kmh":null}}\n',
    b'[{"t":0,"hr":120,"speed_kmh":36},{"t":1,"hr":121}]',
    b'{"samples":[{"t":0,"hr":120,"speed_kmh":36},{"t":1,"hr":121}]}',
    b'{"t":[0,1],"hr":[120,121],"speed_kmh":[36,null]}',
    b'{"time":{"data":[0,1]},"heartrate":{"data":[120,121]},"speed_kmh":{"data":[36]}}',
    b'[{"type":"time","data":[0,1]},{"type":"heartrate","data":[120,121]},'
    b'{"type":"velocity_smooth","data":[10,null]}]',
    b'\xef\xbb\xbf{"t":"0:00","hr":"120","speed_kmh":"36"}\r\n{"t":"0:01","hr":"121"}\r\n',
]


@pytest.mark.parametrize("data", ROWS)
def test_every_form_gives_the_same_recording(data: bytes) -> None:
    track = read(data).tracks[0]
    assert track.time_s.tolist() == [0, 1]
    assert track.channels["heart_rate"].tolist() == [120, 121]
    np.testing.assert_allclose(track.channels["speed"], [10, np.nan], rtol=1e-6)


def test_stravas_streams_have_positions_and_their_own_names() -> None:
    streams = {
        "latlng": {"data": [[52.1, 4.3], [52.2, 4.4]], "series_type": "distance"},
        "time": {"data": [0, 2]},
        "watts": {"data": [200, None]},
        "grade_smooth": {"data": [1.5, -1.5]},
        "moving": {"data": [True, False]},
    }
    track = read(orjson.dumps(streams)).tracks[0]
    assert track.channels["position_lat"].tolist() == [52.1, 52.2]
    assert track.channels["position_long"].tolist() == [4.3, 4.4]
    assert track.channels["power"][0] == 200
    assert np.isnan(track.channels["power"][1])
    assert track.channels["grade"].tolist() == [1.5, -1.5]
    assert track.channels["moving"].tolist() == [1, 0]


def test_what_stands_beside_the_arrays_is_the_start_and_the_sport() -> None:
    data = b'{"sport":"Run","start_date":"2024-05-01T07:00:00Z","time":[5,6],"hr":[120,121]}'
    activity = read(data)
    assert activity.sport == "running"
    assert activity.start == datetime(2024, 5, 1, 7, 0, 5, tzinfo=UTC)


def test_fitbits_heart_rate_of_a_day_is_understood_without_a_reader_of_its_own() -> None:
    data = (
        b'[{"dateTime":"05/13/24 07:00:00","value":{"bpm":61,"confidence":2}},'
        b'{"dateTime":"05/13/24 07:00:05","value":{"bpm":62,"confidence":3}}]'
    )
    activity = read(data)
    assert activity.start == datetime(2024, 5, 13, 7, tzinfo=UTC)
    assert activity.tracks[0].channels["heart_rate"].tolist() == [61, 62]


def test_a_column_that_begins_late_is_missing_before() -> None:
    rows = [{"t": k, "hr": 100 + k % 50} | ({"power": 200} if k >= 7_000 else {}) for k in
            range(12_000)]  # fmt: skip
    track = read(b"\n".join(map(orjson.dumps, rows))).tracks[0]
    power = track.channels["power"]
    assert len(power) == 12_000
    assert np.isnan(power[:7_000]).all()
    assert (power[7_000:] == 200).all()


def test_damaged_lines_are_dropped_and_counted() -> None:
    activity = read(b'{"t":0,"hr":120}\n{"t":1,"hr"\n[1]\n{"t":2,"hr":122}\n')
    assert activity.tracks[0].time_s.tolist() == [0, 2]
    assert [(r.what, r.count) for r in activity.source.repairs] == [
        ("lines that hold no JSON object dropped", 2)
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"t":0,"hr":1}' + b"[" * 100_000, "damaged"),
        (b'[{"t":0,"hr":1},' + b"[" * 100_000, "damaged"),
        (b'[{"t":0,"hr":1}' + b",{}" * 6_000_000 + b"]", "too many values"),
        (b'{"t":[0,1],"hr":["a","b"]}', "no column of numbers"),
        (b'[{"time":"noon","hr":1}]', "time column 'time' cannot be read: it holds 'noon'"),
    ],
)
def test_what_cannot_be_a_recording_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    assert reader("ndjson").claim([Member.of("x.json", data)])
    with pytest.raises(StadionError, match=reason):
        read_bytes("ndjson", data)


def test_json_of_something_else_is_not_claimed() -> None:
    for data in (
        b'{"type":"FeatureCollection","features":[{"geometry":{"coordinates":[1,2]}}]}',
        b'[{"name":"anna","score":3}]',
        b'{"columns": {"HR": "heart_rate"}, "zone": ""}',
        b"[[1,2],[3,4]]",
        b"{}",
    ):
        assert not reader("ndjson").claim([Member.of("x.json", data)])
    assert open_bytes(b"{}", "x.json").refused


def test_the_guess_is_shown_for_json_too() -> None:
    told = {c.header: c for c in guess(ROWS[0]).columns}
    assert (told["t"].channel, told["hr"].channel) == ("time", "heart_rate")
    assert told["speed_kmh"].unit == "km/h"
    assert told["speed_kmh"].value == pytest.approx(10)


def test_a_mapping_is_stated_for_json_as_for_tables() -> None:
    both = with_mapping(
        b'[{"a":0,"b":36},{"a":1,"b":72}]', stated(["a=time", "b=speed[km/h]"]), "x"
    )
    activity = only(open_bytes(both, "x.json").activities)
    np.testing.assert_allclose(activity.tracks[0].channels["speed"], [10, 20])
