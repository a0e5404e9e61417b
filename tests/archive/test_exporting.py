"""An activity that went out as a file comes back from it."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from stadion.archive.exporting import export
from stadion.archive.exporting.json import read
from stadion.core.activity import Activity, Track
from stadion.core.errors import Code, StadionError
from stadion.ingest import open_bytes, open_path
from stadion.science.gcj02 import from_wgs84
from tests.archive.made_up import assert_equal, made_up
from tests.archive.outings import body, recorded, route
from tests.places import shared_data


def outing(**changed: Any) -> Activity:
    streams = route(300) | body(300) | {"temperature": np.full(300, 21.0)}
    streams["cadence"] = np.round(80 + 5 * np.sin(np.arange(300.0)))
    streams = {n: v if "position" in n else v.astype(np.float32) for n, v in streams.items()}
    streams["heart_rate"][10:20] = np.nan
    streams["position_lat"][40:50] = np.nan
    return recorded(streams, "watch", title="A <dawn> & \x07more", **changed)


@pytest.mark.parametrize("activity", [made_up(), made_up(2, tracks=()), outing()])
def test_json_comes_back_whole(activity: Activity) -> None:
    assert_equal(read(export(activity, "json")), activity)


@pytest.mark.data
def test_a_real_run_comes_back_from_json_and_csv() -> None:
    (run,) = open_path(
        shared_data("B_activity_files", "fit", "fitdecode__garmin-fenix-5-run.fit.gz")
    ).activities
    again = read(export(run, "json"))
    assert_equal(again, run)
    assert (again.flags, again.profile, again.device) == (run.flags, run.profile, run.device)
    (table,) = open_bytes(export(run, "csv"), "run.csv").activities
    same_streams(table, run, ("heart_rate", "speed", "altitude", "position_lat", "stance_time"))


def same_streams(one: Activity, other: Activity, names: tuple[str, ...]) -> None:
    assert one.start is not None
    assert other.start is not None
    shift = (one.start - other.start).total_seconds()
    left, right = one.tracks[0], other.tracks[0]
    np.testing.assert_allclose(left.time_s + shift, right.time_s, atol=2e-6)
    for name in names:
        np.testing.assert_array_equal(
            left.channels[name].astype(right.channels[name].dtype), right.channels[name], name
        )


def test_csv_has_units_and_comes_back_equal() -> None:
    data = export(outing(), "csv")
    header = data.splitlines()[0].decode().split(",")
    assert header[:2] == ["timestamp", "time (s)"]
    assert {"speed (m/s)", "heart_rate (bpm)", "position_lat (deg)"} < set(header)
    (back,) = open_bytes(data, "ride.csv").activities
    same_streams(back, outing(), tuple(outing().tracks[0].channels))


def test_csv_may_begin_with_a_moment_of_which_nothing_is_known() -> None:
    rates = np.array([np.nan, 90, 91], np.float32)
    activity = made_up(tracks=(Track("", np.arange(3.0), {"heart_rate": rates}),))
    (back,) = open_bytes(export(activity, "csv"), "run.csv").activities
    np.testing.assert_array_equal(back.tracks[0].channels["heart_rate"], rates)


def test_csv_without_a_date_counts_seconds() -> None:
    data = export(outing(start=None), "csv")
    assert data.startswith(b"time (s),")
    (back,) = open_bytes(data, "ride.csv").activities
    assert back.start is None
    np.testing.assert_array_equal(back.tracks[0].time_s, outing().tracks[0].time_s)


def test_gpx_comes_back_equal_where_there_is_a_position() -> None:
    data = export(outing(), "gpx")
    (back,) = open_bytes(data, "ride.gpx").activities
    track, found = outing().tracks[0], back.tracks[0]
    rows = np.flatnonzero(np.isfinite(track.channels["position_lat"]))
    assert back.start == outing().start
    np.testing.assert_array_equal(found.time_s, track.time_s[rows])
    for name in ("position_lat", "position_long", "altitude", "heart_rate", "cadence", "power",
                 "temperature"):  # fmt: skip
        np.testing.assert_allclose(
            found.channels[name], track.channels[name][rows], rtol=1e-6, err_msg=name
        )
    assert b"A &lt;dawn&gt; &amp; more" in data


def test_gpx_puts_shifted_positions_back() -> None:
    true = (np.full(5, 31.23) + np.arange(5) / 1000, np.full(5, 121.47))
    lat, long = from_wgs84(*true)
    track = Track("", np.arange(5.0), {"position_lat": lat, "position_long": long})
    (back,) = open_bytes(
        export(made_up(tracks=(track,), crs="GCJ02"), "gpx"), "x.gpx", finish=False
    ).activities
    np.testing.assert_allclose(back.tracks[0].channels["position_lat"], true[0], atol=1e-7)


def test_parquet_has_units_and_everything_else_in_its_metadata() -> None:
    activity = made_up()
    table = pq.read_table(io.BytesIO(export(activity, "parquet")))
    assert table.column_names[:3] == ["subject", "timestamp", "time_s"]
    assert table.column_names[-1] == "channel_time_s"
    assert table.schema.field("heart_rate").metadata == {b"unit": b"bpm"}
    assert json.loads(table.schema.metadata[b"stadion.activity"])["id"] == activity.id
    rates = np.concatenate([t.channels["heart_rate"] for t in activity.tracks])
    np.testing.assert_array_equal(table["heart_rate"].to_numpy(), rates)
    assert table["heart_rate"].null_count == np.isnan(rates).sum()
    assert table["position_lat"].null_count == len(activity.tracks[1])


@pytest.mark.parametrize(
    ("activity", "kind", "told"),
    [
        (made_up(), "fit", "kind is 'fit'; expected one of parquet, csv, gpx, json"),
        (made_up(tracks=()), "csv", "no samples"),
        (made_up(start=None), "gpx", "no date"),
        (made_up(tracks=()), "gpx", "no positions"),
    ],
)
def test_what_no_such_file_can_hold_is_told(activity: Activity, kind: str, told: str) -> None:
    with pytest.raises(StadionError, match=told) as caught:
        export(activity, kind)
    assert caught.value.code is Code.INVALID


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b'{"format": "stadion.activity", "version": 1, "activity": 3}']
)
def test_other_json_is_no_export(data: bytes) -> None:
    with pytest.raises(StadionError, match="no JSON of an activity"):
        read(data)
