"""Healthy FIT files say the same to Stadion as to fitdecode."""

from __future__ import annotations

from typing import Any

import fitdecode
import numpy as np
import pytest

from stadion.core.activity import Activity
from tests.ingest.real_files import index, only, raw, read_bytes

FILES = (
    "fitdecode__developer-types-sample",
    "fitdecode__garmin-fenix-5-bike",
    "fitdecode__garmin-fenix-5-walk",
    "gc__10kUNLP2014-Garmin15",
    "gc__2012_01_11_11_51_01",
    "gc__20130716_202738",
    "gc__FR55-CoreTemp-Walk",
    "gc__Morning_Swim",
    "gc__moxy",
    "sportslib__2020-01-09_virtualride",
    "sportslib__31-days-activity",
    "sportslib__broken-dates",
    "tormoder__0134902991",
    "tormoder__2013-02-06-12-11-14",
    "tormoder__antfs-dump.63",
    "tormoder__compressed-speed-distance",
)
ONE_SEMICIRCLE = 180 / 2**31
SCALE = {"position_lat": ONE_SEMICIRCLE, "position_long": ONE_SEMICIRCLE}
TOLERANCE = {"position_lat": 1e-9, "position_long": 1e-9, "distance": 1e-6}


@pytest.mark.parametrize("name", FILES)
def test_records_agree(name: str) -> None:
    data = raw(f"fit/{name}.fit")
    recording = only(read_bytes("fit", data))
    oracle = oracle_records(data)
    track = recording.tracks[0]
    lost = sum(r.count for r in recording.source.repairs if "merged" in r.what)
    assert len(track) + lost == len(oracle) == int(index()[f"fit/{name}.fit"]["n_records"])
    for channel in ("heart_rate", "power", "position_lat", "position_long", "distance"):
        expected = last_known(oracle, channel, len(track))
        if not np.isfinite(expected).any():
            continue
        np.testing.assert_allclose(
            track.channels[channel],
            expected,
            rtol=0,
            atol=TOLERANCE.get(channel, 0),
            err_msg=channel,
        )


@pytest.mark.parametrize("name", FILES)
def test_laps_and_sport_agree(name: str) -> None:
    recording = only(read_bytes("fit", raw(f"fit/{name}.fit")))
    row = index()[f"fit/{name}.fit"]
    assert sum(lap.kind == "lap" for lap in recording.laps) == int(row["n_laps"])
    assert sum(lap.kind == "session" for lap in recording.laps) == int(row["n_sessions"])
    assert recording.sport == row["sports"] or not row["sports"]


@pytest.mark.parametrize(
    ("fit", "tcx"),
    [
        ("sportslib__6860712481", "sportslib__6860712481"),
        ("gc__GarminHRMswim", "gc__GarminHRMswim"),
    ],
)
def test_heart_rates_stored_by_the_strap_agree_with_the_makers_own_export(
    fit: str, tcx: str
) -> None:
    swum, exported = (
        only(read_bytes("fit", raw(f"fit/{fit}.fit"))),
        only(read_bytes("tcx", raw(f"tcx/{tcx}.tcx"))),
    )
    ours, theirs = heart_rates(swum), heart_rates(exported)
    common = sorted(ours.keys() & theirs.keys())
    difference = np.array([ours[t] - theirs[t] for t in common])
    assert len(common) > 2000
    assert np.abs(difference).mean() < 0.5  # bpm: the maker rounds between beats
    assert np.abs(difference).max() <= 5


def heart_rates(recording: Activity) -> dict[float, float]:
    assert recording.start is not None
    zero = recording.start.timestamp()
    track = recording.tracks[0]
    pairs = zip(track.time_s, track.channels["heart_rate"], strict=True)
    return {round(zero + t): float(rate) for t, rate in pairs if np.isfinite(rate)}


def oracle_records(data: bytes) -> list[dict[str, Any]]:
    """Time as stored and native fields of each record, as fitdecode reads them."""
    records: list[dict[str, Any]] = []
    with fitdecode.FitReader(data) as frames:
        for frame in frames:
            if isinstance(frame, fitdecode.FitDataMessage) and frame.name == "record":
                native = [
                    field
                    for field in frame.fields
                    if not isinstance(field.field, fitdecode.types.DevField)
                ]
                found = {f.name: f.value for f in native if f.value is not None}
                found["timestamp"] = frame.get_raw_value("timestamp")
                records.append(found)
    return records


def last_known(records: list[dict[str, Any]], channel: str, rows: int) -> np.ndarray[Any, Any]:
    """(rows,) what the oracle knows of each moment: of several values the last."""
    known: dict[float, float] = {}
    for record in records:
        value = record.get(channel)
        known.setdefault(record["timestamp"], np.nan)
        if value is not None:
            known[record["timestamp"]] = float(value) * SCALE.get(channel, 1.0)
    assert len(known) == rows
    return np.array([known[moment] for moment in sorted(known)])
