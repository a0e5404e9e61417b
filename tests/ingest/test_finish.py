"""What is told of every recording when it comes in: its zone, its doubts, its map."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from stadion.core.arrays import FloatArray
from stadion.ingest.opening.finish import finished
from stadion.science.quality import find_flags
from tests.science.recordings import activity, made_ride, real, with_channels


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("fit/sportslib__7432332116.fit", "Europe/Paris"),
        ("fit/gc__20130414_180506.fit", "America/Los_Angeles"),
        ("fit/tormoder__0134902991.fit", "Asia/Shanghai"),
    ],
)
def test_the_zone_is_that_of_the_first_position(name: str, zone: str) -> None:
    given = real(name)
    done = finished(given)
    assert done.zone == zone
    assert done.flags == find_flags(given)
    assert done.tracks == given.tracks


def at(lat: FloatArray | float, long: FloatArray | float, rows: int = 5) -> dict[str, FloatArray]:
    return {
        "position_lat": np.broadcast_to(np.asarray(lat, np.float64), (rows,)),
        "position_long": np.broadcast_to(np.asarray(long, np.float64), (rows,)),
    }


def test_a_position_that_is_none_is_passed_over() -> None:
    lat = np.array([np.nan, 0.0, 0.0, 41.9, 41.9])
    long = np.array([12.5, 0.0, 0.0, 12.5, 12.5])
    assert finished(activity(at(lat, long))).zone == "Europe/Rome"


def test_at_sea_the_zone_is_one_of_the_sea() -> None:
    assert finished(activity(at(30.0, -45.0))).zone == "Etc/GMT+3"


def test_a_made_up_world_leaves_the_readers_zone() -> None:
    island = replace(activity(at(-11.64, 166.95)), zone="Europe/London")
    assert finished(island).zone == "Pacific/Guadalcanal"
    assert finished(replace(island, sub_sport="virtual_activity")).zone == "Europe/London"
    assert finished(replace(island, device="zwift 0")).zone == "Europe/London"


def test_without_positions_the_readers_zone_stays() -> None:
    told = replace(activity({"heart_rate": np.full(5, 99.0)}), zone="Asia/Tokyo")
    assert finished(told).zone == "Asia/Tokyo"


@pytest.mark.parametrize("lat", [91.0, -1e308, np.inf, np.nan, 90.0, 1e-320])
@pytest.mark.parametrize("long", [181.0, 1e308, -np.inf, np.nan, -180.0, 180.0])
def test_no_place_is_so_odd_that_it_raises(lat: float, long: float) -> None:
    done = finished(replace(activity(at(lat, long)), zone="Asia/Tokyo"))
    assert done.zone


def test_the_map_is_gcj02_only_where_the_file_says_so() -> None:
    beijing = activity(at(39.9, 116.4))
    assert finished(replace(beijing, device="Keep")).crs == "WGS84"
    told = finished(replace(beijing, device="Keep (GCJ-02)"))
    assert told.crs == "GCJ02"
    assert [flag.kind for flag in told.flags if flag.kind == "gcj02"] == ["gcj02"]


def test_what_came_in_as_gcj02_stays_so() -> None:
    assert finished(replace(activity(at(39.9, 116.4)), crs="GCJ02")).crs == "GCJ02"


def test_a_ride_of_three_hours_is_finished_within_8_ms() -> None:
    ride = with_channels(made_ride())
    finished(ride)  # the polygons of the zones are loaded once
    took = []
    for _ in range(10):
        begun = time.perf_counter()
        finished(ride)
        took.append(time.perf_counter() - begun)
    print(f"finished: {1e3 * min(took):.2f} ms")
    assert min(took) < 8e-3
