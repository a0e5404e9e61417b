"""Streams at a steady pace or thinned out: gaps stay gaps, peaks stay peaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stadion.archive import Archive
from stadion.core.activity import Track
from stadion.core.errors import Code, StadionError
from tests.archive.made_up import made_up


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive")


def kept(archive: Archive, time_s: list[float], **channels: list[float]) -> str:
    held = {name: np.array(values, np.float32) for name, values in channels.items()}
    activity = made_up(tracks=(Track("", np.array(time_s), held),))
    archive.add(activity)
    return activity.id


def test_a_steady_pace_fills_short_gaps_only(archive: Archive) -> None:
    nan = float("nan")
    id = kept(archive, [0.5, 2.0, 10.0, 41.0], power=[100, 200, 280, 300], speed=[1, nan, nan, 4])
    (track,) = archive.streams(id, ["power", "speed"], every_s=1)
    assert track.time_s.tolist() == list(range(1, 42))
    power = track.channels["power"]
    assert power.dtype == np.float32
    assert power[1] == 200
    assert power[5] == 240
    assert np.isnan(power[10:39]).all()
    assert power[40] == 300
    assert np.isnan(track.channels["speed"][:39]).all(), "NaN is no sample to fill from"
    (wide,) = archive.streams(id, ["power"], every_s=1, max_gap_s=31)
    assert np.isfinite(wide.channels["power"]).all()


def test_a_coarser_pace_takes_every_so_many_seconds(archive: Archive) -> None:
    id = kept(archive, [float(k) for k in range(100)], power=[float(k) for k in range(100)])
    (track,) = archive.streams(id, every_s=10)
    assert track.channels["power"].tolist() == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]


def test_thinning_keeps_real_samples_the_extremes_and_the_ends(archive: Archive) -> None:
    chance = np.random.default_rng(4)
    values = chance.normal(200, 20, 20_000)
    values[777], values[12_345] = 1500, -300
    values[5000:6000] = np.nan
    rates = np.linspace(60, 180, 20_000)
    time_s = np.cumsum(chance.uniform(0.5, 2, 20_000))
    id = kept(archive, time_s.tolist(), power=values.tolist(), heart_rate=rates.tolist())
    (track,) = archive.streams(id, points=1000)
    assert 300 < len(track) <= 1000
    power = track.channels["power"]
    assert np.nanmax(power) == 1500
    assert np.nanmin(power) == -300
    assert (track.time_s[0], track.time_s[-1]) == (time_s[0], time_s[-1])
    assert np.isin(track.time_s, time_s).all()
    assert np.isnan(power).any(), "what is missing is not left out"
    (whole,) = archive.streams(id, points=20_000)
    assert len(whole) == 20_000


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"every_s": 0.0}, "every_s is 0.0"),
        ({"every_s": float("nan")}, "every_s is nan"),
        ({"points": 3}, "points is 3"),
        ({"every_s": 1.0, "points": 100}, "both given"),
        ({"every_s": 1.0, "max_gap_s": -1.0}, "max_gap_s is -1.0"),
    ],
)
def test_a_pace_that_is_none_is_named(archive: Archive, how: dict[str, float], told: str) -> None:
    id = kept(archive, [0.0, 1.0], power=[1.0, 2.0])
    with pytest.raises(StadionError, match=told) as caught:
        archive.streams(id, **how)  # type: ignore[arg-type]
    assert caught.value.code is Code.INVALID


def test_a_pace_too_fine_for_a_long_recording_is_refused(archive: Archive) -> None:
    id = kept(archive, [0.0, 1e6], power=[1.0, 2.0])
    with pytest.raises(StadionError, match="expected a larger one"):
        archive.streams(id, every_s=0.01)


def test_tracks_without_samples_stay_as_they_are(archive: Archive) -> None:
    id = kept(archive, [], power=[])
    assert len(archive.streams(id, every_s=1)[0]) == 0
    assert len(archive.streams(id, points=100)[0]) == 0
