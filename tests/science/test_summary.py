"""The measures of one activity: what devices say of it too, and what follows from the streams."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest

from stadion.core.activity import Activity, Event, Lap, Source, Track
from stadion.core.arrays import FloatArray
from stadion.core.profile import Profile
from stadion.ingest.opening.finish import finished
from stadion.science.climb import climbed
from stadion.science.curve import DURATIONS_S
from stadion.science.parts import parts_of
from stadion.science.seconds import seconds_of
from stadion.science.summary import curves_of, laps_of, summarise, zones_of
from tests.science.recordings import activity, corpus, made_ride, real, with_channels

PROFILE = Profile(
    birth_year=1980, sex="male", hr_max_bpm=190, hr_rest_bpm=50, hr_threshold_bpm=168,
    ftp_w=250, threshold_speed_mps=4.0, swim_threshold_speed_mps=1.1,
)  # fmt: skip

# Recording of another maker or sport each -> what its device means by something else.
DEVICES: dict[str, dict[str, str]] = {
    "gc__14211916346_ACTIVITY": {},
    "sportslib__7386755164": {"cadence_rpm": "it takes coasting into the cadence"},
    "gc__Karoo-Botley_BW_Swanmore_Wickham-2025-05-09-1238": {
        "power_w": "its own records give 171.0",
        "cadence_rpm": "its own records, without coasting, give 75.7"},
    "gc__SigmaRox11_1": {"power_w": "it leaves coasting out of the power",
        "speed_max_mps": "no record shows as much"},
    "sportslib__6909950168": {"power_max_w": "a record shows 304 W"},
    "sportslib__6916728382": {},
    "sportslib__7739869618": {},
    "gc__20130414_180506": {"power_w": "its own records give 177.1",
        "heart_rate_bpm": "it divides by all of elapsed"},
    "sportslib__broken-start-latlng": {"cadence_rpm": "it takes coasting into the cadence",
        "power_w": "its own records give 122.0", "power_max_w": "no record shows as much",
        "weighted_power_w": "no record shows its highest power"},
    "gc__2024-10-14-070422-Pool_Swim-BingiWatch": {},
    "sportslib__971150603": {},
    "gc__IpBike-HRV-Data": {"speed_max_mps": "a record shows 6.17 m/s",
        "cadence_max_rpm": "a record shows 99",
        "weighted_power_w": "its own is 1.7 times the mean of a steady run"},
    "tormoder__garmin": {"cadence_max_rpm": "a reed switch that bounced at a light: 239 rpm",
        "weighted_power_w": "it bridges the stops, ours does not"},
    "tormoder__garmin-edge-500-activitiy": {"speed_max_mps": "one record of 26 m/s among zeros"},
}  # fmt: skip
COMPARED = (
    "distance_m", "heart_rate_bpm", "heart_rate_max_bpm", "power_w", "power_max_w",
    "cadence_rpm", "cadence_max_rpm", "speed_max_mps", "weighted_power_w",
)  # fmt: skip


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_says_the_same_but_for_listed_reasons(name: str) -> None:
    each = finished(real(f"fit/{name}.fit"))
    (session,) = (lap for lap in each.laps if lap.kind == "session")
    found = summarise(each)
    for key in COMPARED:
        told = session.values.get(key, 0.0)
        if told <= 0 or key not in found:
            continue
        close = found[key] == pytest.approx(told, rel=0.01, abs=1.0 if "mps" not in key else 0.02)
        assert close != (key in DEVICES[name]), f"{key}: {found[key]:.2f}, device {told:.2f}"


def hour(watts: float = 200.0, beats: float = 150.0) -> Activity:
    return activity({"power": np.full(3601, watts), "heart_rate": np.full(3601, beats)})


def test_an_hour_at_threshold_is_100_by_every_load() -> None:
    ride = summarise(hour(250.0, 168.0), PROFILE)
    assert ride["power_load"] == pytest.approx(100.0, abs=0.05)
    assert ride["heart_rate_load"] == pytest.approx(100.0, abs=0.05)
    assert ride["load"] == ride["power_load"]
    assert ride["intensity"] == pytest.approx(1.0)
    assert ride["work_kj"] == pytest.approx(900.25)
    run = {"speed": np.full(3601, 4.0), "power": np.full(3601, 300.0)}
    ran = summarise(activity(run, sport="running"), PROFILE)
    assert ran["run_load"] == ran["load"] == pytest.approx(100.0, abs=0.05)
    assert "power_load" not in ran  # a runner's watts are not a cyclist's
    swum = {"distance": 1.1 * np.arange(3601.0)}
    swam = summarise(activity(swum, sport="swimming"), PROFILE)
    assert swam["swim_load"] == swam["load"] == pytest.approx(100.0, abs=0.1)


def test_the_golden_impulse() -> None:
    found = summarise(hour(), Profile(sex="male", hr_rest_bpm=50, hr_max_bpm=200))
    assert found["trimp"] == pytest.approx(92.07 * 3601 / 3600, abs=0.01)
    assert "heart_rate_load" not in found
    assert "load" not in found


def test_nothing_is_told_that_cannot_be_told() -> None:
    assert summarise(Activity("", "", "", None, (), Source("", ""))) == {
        "elapsed_s": 0.0, "timer_s": 0.0, "moving_s": 0.0,
    }  # fmt: skip
    found = summarise(activity({"heart_rate": np.full(100, 120.0)}))
    assert not {key for key in found if "power" in key or "distance" in key or "load" in key}
    assert all(math.isfinite(value) for value in found.values())


def test_an_odd_profile_leaves_measures_out_and_raises_nothing() -> None:
    low = Profile(hr_max_bpm=100, hr_rest_bpm=110, sex="male", hr_threshold_bpm=90)
    high = Profile(hr_max_bpm=150, hr_rest_bpm=50, sex="male", hr_threshold_bpm=170)
    for profile in (low, high):
        assert "heart_rate_load" not in summarise(hour(), profile)


def test_the_given_profile_goes_before_the_files_own() -> None:
    ride = replace(hour(), profile=Profile(ftp_w=100, hr_max_bpm=180))
    assert summarise(ride)["intensity"] == pytest.approx(2.0)
    assert summarise(ride, Profile(ftp_w=200))["intensity"] == pytest.approx(1.0)
    assert "edwards" in summarise(ride, Profile(ftp_w=200))


def test_what_is_flagged_does_not_count() -> None:
    ride = made_ride(1200)
    beats = ride.tracks[0].channels["heart_rate"].copy()
    beats[300:306] = 235.0
    beats[600:640] = 0.0
    spoilt = with_channels(ride, heart_rate=beats)
    clean, raw = summarise(finished(spoilt)), summarise(spoilt)
    healthy = summarise(ride)
    for key in ("heart_rate_bpm", "heart_rate_max_bpm", "heart_rate_min_bpm"):
        assert clean[key] == pytest.approx(healthy[key], abs=0.5)
    assert (raw["heart_rate_max_bpm"], raw["heart_rate_min_bpm"]) == (235.0, 0.0)


def test_means_are_by_time_and_leave_stops_out() -> None:
    time_s = np.concatenate([np.arange(100.0), 100.0 + 4.0 * np.arange(100.0)])
    watts = np.repeat([100.0, 300.0], 100)
    found = summarise(activity({"power": watts}, time_s))
    assert found["power_w"] == pytest.approx((100 * 100 + 397 * 300) / 497, rel=0.002)
    stop = (Event(100.0, "timer", "stop_all"), Event(400.0, "timer", "start"))
    assert summarise(activity({"power": watts}, time_s, events=stop))["power_w"] < 205.0


def test_a_tour_of_weeks_takes_the_room_of_its_hours() -> None:
    time_s = np.concatenate([np.arange(600.0), 4e7 + np.arange(600.0)])
    tour = activity({"power": np.full(1200, 200.0)}, time_s)
    seconds = seconds_of(tour)
    assert seconds is not None
    power = seconds.get("power")
    assert power is not None
    assert len(power) == 1230
    assert np.isnan(power[600:630]).all()
    assert curves_of(tour)["power"][DURATIONS_S.index(600)] == pytest.approx(200.0)
    assert np.isnan(curves_of(tour)["power"][DURATIONS_S.index(720)])


def test_cadence_leaves_coasting_out_and_takes_a_runners_stops_in() -> None:
    cadence = {"cadence": np.repeat([90.0, 0.0], 50)}
    assert summarise(activity(cadence))["cadence_rpm"] == 90.0
    assert summarise(activity(cadence, sport="running"))["cadence_rpm"] == 45.0


def test_up_a_hill_the_graded_speed_and_the_load_are_higher() -> None:
    way = 3.0 * np.arange(1800.0)
    channels = {"speed": np.full(1800, 3.0), "distance": way}
    level = summarise(activity(channels, sport="running"), PROFILE)
    uphill = summarise(activity({**channels, "altitude": 0.1 * way}, sport="running"), PROFILE)
    assert level["graded_speed_mps"] == pytest.approx(3.0)
    assert uphill["graded_speed_mps"] == pytest.approx(3.0 * 1.6578, rel=0.001)
    assert uphill["run_load"] > 2.5 * level["run_load"]


def test_decoupling_and_efficiency_follow_the_heart() -> None:
    beats = np.repeat([140.0, 147.0], 1800)
    found = summarise(activity({"power": np.full(3600, 200.0), "heart_rate": beats}))
    assert found["decoupling_percent"] == pytest.approx(4.762, abs=0.01)
    assert found["efficiency_w_per_bpm"] == pytest.approx(200 / 143.5)


def test_a_pool_swim_counts_lengths_strokes_and_swolf() -> None:
    swim = real("fit/sportslib__6688025408.fit")
    found = summarise(swim, PROFILE)
    active = [lap for lap in swim.laps if lap.kind == "length" and lap.label != "idle"]
    assert found["lengths"] == len(active)
    assert found["pool_length_m"] * found["lengths"] == pytest.approx(found["distance_m"])
    assert found["speed_moving_mps"] > found["speed_mps"]
    assert 30 < found["swolf"] < 80
    assert found["swim_load"] > 0


@pytest.mark.parametrize(
    "twins",
    [
        ("fit/sportslib__7432332116.fit", "gpx/sportslib__7555261629.gpx"),
        ("fit/sportslib__3939576645.fit", "gpx/sportslib__3939576645.gpx"),
        ("fit/sportslib__6782987395.fit", "tcx/sportslib__6782987395.tcx"),
        ("fit/sportslib__6782987395.fit", "gpx/sportslib__6782987395.gpx"),
    ],
)
def test_twins_in_other_formats_measure_alike(twins: tuple[str, str]) -> None:
    one, other = (summarise(finished(real(name))) for name in twins)
    for key, share in (("distance_m", 0.02), ("heart_rate_bpm", 0.01), ("moving_s", 0.06),
                       ("power_w", 0.01), ("ascent_stream_m", 0.1)):  # fmt: skip
        if key in one and key in other:
            assert other[key] == pytest.approx(one[key], rel=share), key


def test_a_triathlon_has_the_load_of_its_three_sports() -> None:
    race = finished(real("fit/sportslib__4623204522.fit"))
    parts = parts_of(race)
    assert [part.sport for part in parts] == ["swimming", "cycling", "running"]
    found, (swim, ride, run) = summarise(race, PROFILE), (summarise(p, PROFILE) for p in parts)
    assert found["load"] == pytest.approx(swim["load"] + ride["load"] + run["load"])
    assert found["swim_load"] == pytest.approx(swim["swim_load"])
    assert found["power_load"] == pytest.approx(ride["power_load"])
    assert found["run_load"] == pytest.approx(run["run_load"])
    for part, told in zip((swim, ride, run), (3933.3, 180_301.58, 42_563.91), strict=True):
        assert part["distance_m"] == pytest.approx(told)
    unknown = summarise(race, Profile(ftp_w=250))
    assert "load" not in unknown  # nothing is known of the swimmer and the runner
    assert "power_load" in unknown


def test_distance_without_a_counter_comes_from_fixes_or_speed() -> None:
    ride = made_ride(1800)
    track = ride.tracks[0].channels
    way = float(track["distance"][-1] - track["distance"][0])
    for names in (("position_lat", "position_long"), ("speed",), ("distance",)):
        found = summarise(activity({name: track[name] for name in names}))
        assert found["distance_m"] == pytest.approx(way, rel=0.01), names
    again = np.where(np.arange(1800) < 900, track["distance"], track["distance"] - 5000.0)
    found = summarise(activity({"distance": again}))
    assert found["distance_m"] == pytest.approx(way, rel=0.01)


def test_a_climb_is_not_its_noise() -> None:
    hill = 100.0 + 50.0 * (1.0 - np.cos(np.linspace(0.0, 4.0 * np.pi, 7200))) / 2.0
    noisy = hill + np.random.default_rng(0).normal(0.0, 0.6, 7200)
    assert np.maximum(np.diff(noisy), 0.0).sum() > 1000.0
    up, down = climbed(noisy)
    assert up == pytest.approx(100.0, rel=0.05)
    assert down == pytest.approx(100.0, rel=0.05)
    flat = np.random.default_rng(1).normal(20.0, 0.6, 7200)
    assert max(climbed(flat)) < 5.0
    lift = np.concatenate([np.full(100, 0.0), np.full(40, np.nan), np.full(100, 800.0)])
    assert climbed(lift) == (0.0, 0.0)
    assert all(math.isnan(metres) for metres in climbed(np.full(9, np.nan)))
    assert climbed(np.array([3.0])) == (0.0, 0.0)


def slow_climb(points: FloatArray, least: float) -> float:
    """Ups between turning points: the definition, by looking for the next one from each."""
    values = points.tolist()
    total, at = 0.0, 0
    while at < len(values) - 1:
        low = at
        while low + 1 < len(values) and values[low + 1] <= values[low]:
            low += 1
        best, k = low, low
        while k + 1 < len(values) and values[k + 1] > max(values[low], values[best] - least):
            k += 1
            best = k if values[k] > values[best] else best
        if k + 1 < len(values) and values[best] - values[low] < least:
            at = k + 1 if values[k + 1] <= values[low] else k
            continue
        total += values[best] - values[low] if values[best] - values[low] >= least else 0.0
        at = k + 1 if k + 1 < len(values) else len(values)
    return total


@pytest.mark.parametrize("seed", range(25))
def test_ways_up_agree_with_their_definition(seed: int) -> None:
    points = np.cumsum(np.random.default_rng(seed).integers(-4, 5, 60)).astype(np.float64)
    up, _ = climbed(points, smooth_s=1, least_m=3.0)
    assert up == pytest.approx(slow_climb(points, 3.0))


def test_zones_hold_all_seconds_and_only_of_what_the_profile_tells() -> None:
    ride = finished(real("ride"))
    found = zones_of(ride, PROFILE)
    assert set(found) == {"heart_rate", "power"}
    for each in found.values():
        assert len(each.seconds) == len(each.zones)
        assert each.seconds.sum() == pytest.approx(6180, abs=10)
    assert not zones_of(made_ride(60), Profile())
    assert set(zones_of(real("run"), PROFILE)) == {"heart_rate", "speed"}


def test_curves_fall_and_begin_at_the_maximum() -> None:
    ride = finished(real("ride"))
    found = curves_of(ride)
    assert set(found) == {"power", "speed", "heart_rate"}
    for name, values in found.items():
        known = values[np.isfinite(values)]
        assert values.shape == (len(DURATIONS_S),)
        assert (np.diff(known) <= 1e-9).mean() > 0.95, name
    assert found["power"][0] == summarise(ride)["power_max_w"]


def test_laps_get_what_the_device_did_not_count() -> None:
    each = finished(real("ride"))
    laps = [lap for lap in each.laps if lap.kind == "lap"]
    bare = replace(each, laps=tuple(Lap(lap.start_s, lap.end_s) for lap in laps))
    for told, found in zip(laps, laps_of(bare), strict=True):
        for key in ("elapsed_s", "distance_m", "heart_rate_bpm", "heart_rate_max_bpm", "power_w",
                    "speed_max_mps", "ascent_m"):  # fmt: skip
            if key in told.values and told.values["elapsed_s"] > 60:
                close = pytest.approx(told.values[key], rel=0.05, abs=3.0)
                assert found.values[key] == close, key
    assert laps_of(each)[0].values.items() >= each.laps[0].values.items()
    odd = replace(each, laps=(Lap(-50.0, -10.0), Lap(9e9, 9e9), Lap(100.0, 50.0)))
    assert len(laps_of(odd)) == 3


@pytest.mark.filterwarnings("error")
def test_the_corpus_is_summed_up_in_finite_numbers_and_climbs_as_its_devices_say() -> None:
    errors, files = [], 0
    for path, each in corpus():
        done = finished(each)
        found = summarise(done, PROFILE)
        files += 1
        assert all(type(value) is float and math.isfinite(value) for value in found.values()), path
        assert all(len(values) == len(DURATIONS_S) for values in curves_of(done).values())
        zones_of(done, PROFILE)
        assert len(laps_of(done)) == len(done.laps)
        sessions = [lap for lap in each.laps if lap.kind == "session"]
        told = sessions[0].values.get("ascent_m", 0.0) if len(sessions) == 1 else 0.0
        if told >= 30.0 and "ascent_stream_m" in found:
            assert found["ascent_m"] == told
            errors.append(found["ascent_stream_m"] / told - 1.0)
    off = np.abs(errors)
    print(f"{files} files; ascent of {len(off)} devices: median {100 * np.median(off):.1f} % off")
    assert files > 200
    assert len(off) > 35
    assert np.median(off) < 0.06
    assert np.mean(off < 0.2) > 0.85


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(25))
def test_no_stream_is_so_odd_that_it_raises(seed: int) -> None:
    chance = np.random.default_rng(seed)
    rows = int(chance.integers(1, 200))
    odd = [np.nan, np.inf, -np.inf, 0.0, 1e300, -1e300, 65_535.0]
    names = ("heart_rate", "power", "speed", "altitude", "cadence", "distance", "temperature",
             "position_lat", "position_long")  # fmt: skip
    channels = {
        name: np.where(chance.random(rows) < 0.3, chance.choice(odd, rows), chance.normal(90, 60))
        for name in names
        if chance.random() < 0.8
    }
    channels["x"] = np.zeros(rows)
    time_s = np.cumsum(chance.choice([0.01, 1.0, 5.0, 40.0, 1e7], rows))
    laps = (Lap(*chance.normal(0, 1e3, 2)), Lap(math.nan, math.inf, "session"))
    sport = str(chance.choice(["running", "", "cycling", "swimming"]))
    found = finished(replace(activity(channels, time_s, sport), laps=laps))
    assert all(math.isfinite(value) for value in summarise(found, PROFILE).values())
    assert len(laps_of(found)) == 2
    curves_of(found)
    zones_of(found, PROFILE)


def test_three_hours_are_summed_up_within_15_ms() -> None:
    ride = finished(made_ride())
    run = replace(ride, sport="running")
    for each in (ride, run):
        took = []
        for _ in range(10):
            begun = time.perf_counter()
            summarise(each, PROFILE)
            curves_of(each)
            took.append(time.perf_counter() - begun)
        print(f"summarise and curves_of, {each.sport}: {1e3 * min(took):.2f} ms")
        assert min(took) < 15e-3


def test_the_main_track_counts_and_beats_are_apart() -> None:
    ride = made_ride(600)
    beats = Track("beats", np.arange(0.5, 600.0, 0.5), {"rr": np.full(1199, 500.0)})
    both = replace(ride, tracks=(*ride.tracks, beats))
    found, alone = summarise(both), summarise(ride)
    assert {name: found[name] for name in alone} == alone
    assert found.keys() - alone.keys() == {"rmssd_ms", "sdnn_ms", "beats_mended_percent"}
