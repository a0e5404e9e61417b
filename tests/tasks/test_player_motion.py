"""Rows of where players go: the published protocol, and what each row holds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from stadion.core.activity import Activity, Track
from stadion.core.arrays import Array
from stadion.core.errors import StadionError
from stadion.ingest import open_path
from stadion.tasks._scenes import STEP_S
from stadion.tasks.player_motion import PLUGIN, MotionSettings
from tests.places import shared_data

FOOT_M = 0.3048


def scene() -> Activity:
    return PLUGIN.examples(3)[0]


def rows_of(activity: Activity, every: int = 1) -> dict[str, Array]:
    data = PLUGIN.dataset([activity], MotionSettings(every=every))
    return {**data.inputs, **data.targets}


def moved(activity: Activity, x: float) -> Activity:
    tracks = tuple(
        dataclasses.replace(
            track, channels={**track.channels, "position_x": track.channels["position_x"] + x}
        )
        for track in activity.tracks
    )
    return dataclasses.replace(activity, tracks=tracks)


def with_track(activity: Activity, index: int, track: Track) -> Activity:
    tracks = [*activity.tracks]
    tracks[index] = track
    return dataclasses.replace(activity, tracks=tuple(tracks))


def test_the_official_test_part_gives_the_published_rows_and_linear_figures() -> None:
    path = shared_data("E_player_tracking", "nba_sportvu_rebound", "test.tar.xz")
    data = PLUGIN.dataset(open_path(path).activities, MotionSettings(every=1))
    assert len(data) == 51_260
    assert len(set(data.groups.tolist())) == 417
    answer = PLUGIN.baselines(data, data)["constant velocity"]["position"]
    apart = np.linalg.norm(answer - data.targets["position"], axis=2) / FOOT_M
    assert apart.mean() == pytest.approx(2.144, abs=5e-4)
    assert apart[:, -1].mean() == pytest.approx(5.085, abs=5e-4)


def test_positions_are_relative_to_where_the_player_is() -> None:
    rows = rows_of(scene())
    assert len(rows["path"]) == 11 * 10  # 30 steps hold 11 moments of ten players
    assert rows["path"][:, -1] == pytest.approx(0.0)
    first = scene().tracks[0].channels
    here = np.array([first["position_x"][7], first["position_y"][7]])
    later = np.array([first["position_x"][19], first["position_y"][19]])
    assert rows["position"][0, -1] == pytest.approx(later - here, abs=1e-5)
    assert rows["place"][0] + [28.65 / 2, 15.24 / 2] == pytest.approx(here, abs=1e-5)


def test_a_shift_of_the_court_changes_only_the_places() -> None:
    here, there = rows_of(scene()), rows_of(moved(scene(), 0.5))
    for name in here.keys() - {"place", "basket"}:
        assert here[name] == pytest.approx(there[name], abs=1e-4, nan_ok=True), name


def test_rates_are_differences_of_the_positions() -> None:
    rows = rows_of(scene())
    path = np.concatenate([rows["path"][:, -2:], rows["position"]], axis=1)
    steps = np.diff(path, axis=1) / STEP_S
    speed = np.linalg.norm(steps, axis=2)
    assert rows["speed"] == pytest.approx(speed[:, 1:], abs=1e-3)
    assert rows["acceleration"] == pytest.approx(np.diff(speed, axis=1) / STEP_S, abs=1e-2)
    assert np.isnan(rows["turn_rate"][rows["speed"] < 0.9]).all()


def test_who_is_of_the_team_and_which_basket_is_attacked() -> None:
    rows = rows_of(scene())
    assert set(rows["teammate"].sum(axis=1)) == {4.0}
    apart = np.linalg.norm(rows["others"][:, -1], axis=2)
    assert (np.diff(apart, axis=1) >= 0).all()  # the nearest first
    at_left = rows_of(moved(scene(), -100.0))
    at_right = rows_of(moved(scene(), 100.0))
    assert np.allclose(
        at_left["basket"][:, 0] - 100.0 + at_left["place"][:, 0] + 100.0, 1.6 - 28.65 / 2, atol=1e-3
    )
    assert np.allclose(
        at_right["basket"][:, 0] + at_right["place"][:, 0], 28.65 / 2 - 1.6, atol=1e-3
    )


def test_a_request_has_a_row_for_each_player_seen_last() -> None:
    data = PLUGIN.dataset([scene()], MotionSettings())
    inputs = PLUGIN.features(scene(), data.signature, data.settings)
    assert len(inputs["path"]) == 10
    last = scene().tracks[3].channels["position_x"]
    assert inputs["path"][3, :, 0] == pytest.approx(last[-8:] - last[-1], abs=1e-5)


def test_a_player_lost_in_the_last_step_is_seen_from_where_he_was() -> None:
    activity = scene()
    track = activity.tracks[2]
    gone = Track(track.subject, track.time_s[:-1], {n: v[:-1] for n, v in track.channels.items()})
    data = PLUGIN.dataset([activity], MotionSettings())
    inputs = PLUGIN.features(with_track(activity, 2, gone), data.signature, data.settings)
    assert np.isnan(inputs["path"][2, -1]).all()
    assert inputs["path"][2, -2] == pytest.approx(0.0)
    assert np.isnan(inputs["others"][:, -1]).any()


def test_a_faster_clock_is_read_every_0_12_s() -> None:
    activity = scene()
    fast = []
    for track in activity.tracks:
        clock = np.round(np.arange(0, track.time_s[-1] + 1e-6, 0.04), 6)
        channels = {n: np.interp(clock, track.time_s, v) for n, v in track.channels.items()}
        fast.append(Track(track.subject, clock, channels))
    slow, quick = rows_of(activity), rows_of(dataclasses.replace(activity, tracks=tuple(fast)))
    assert quick["path"] == pytest.approx(slow["path"], abs=1e-4)


def test_scenes_of_one_match_stay_together_and_fewer_rows_can_be_asked_for() -> None:
    data = PLUGIN.dataset(PLUGIN.examples(0), MotionSettings(every=4))
    assert sorted(set(data.groups.tolist())) == ["match-0", "match-1", "match-2"]
    assert len(data) == 6 * 3 * 10


def test_too_short_a_scene_is_refused_in_words() -> None:
    activity = scene()
    short = tuple(
        Track(t.subject, t.time_s[:15], {n: v[:15] for n, v in t.channels.items()})
        for t in activity.tracks
    )
    with pytest.raises(StadionError, match=r"for 20 steps of 0\.12 s"):
        PLUGIN.dataset([dataclasses.replace(activity, tracks=short)], MotionSettings())
