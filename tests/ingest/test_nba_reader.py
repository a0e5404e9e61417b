"""Scenes of basketball games come in with teams, metres and the match they belong to."""

from __future__ import annotations

import tarfile

import numpy as np
import pytest

from stadion.core.activity import Activity, Track
from stadion.core.errors import StadionError
from stadion.ingest import open_path
from stadion.ingest.base import Member
from stadion.ingest.nba_sportvu import PLUGIN
from tests.places import shared_data

SET = ("E_player_tracking", "nba_sportvu_rebound", "test.tar.xz")


def scene(rows: list[str], name: str = "scene.txt") -> Activity:
    (activity,) = PLUGIN.read([Member.of(name, "\n".join(rows).encode())])
    assert isinstance(activity, Activity)
    return activity


def ten_players(steps: int = 3) -> list[str]:
    return [
        f"{12 * step} {agent} {10.0 + step:.6f} {20.0:.6f} {'BALL' if agent < 0 else 'PLAYER'}"
        for step in range(steps)
        for agent in (-1, *range(100, 110))
    ]


def track_of(activity: Activity, subject: str) -> Track:
    return next(track for track in activity.tracks if track.subject == subject)


def test_every_scene_of_the_official_test_part_is_read() -> None:
    opened = open_path(shared_data(*SET))
    assert len(opened.activities) == 938
    assert not opened.refused
    assert not any(activity.source.repairs for activity in opened.activities)
    assert {len(activity.tracks) for activity in opened.activities} == {11}
    assert len({activity.laps[0].label for activity in opened.activities}) == 417
    teams = [{t.subject.split(":")[0] for t in a.tracks} for a in opened.activities]
    assert all(len(names - {"ball"}) == 2 for names in teams)


def test_a_scene_of_the_set_says_what_its_rows_say() -> None:
    name, rows = "ATL_BOS_0021500389_3_314.96_312.36.txt", b""
    with tarfile.open(shared_data(*SET)) as archive:
        for entry in archive:
            if entry.name.endswith(name) and (file := archive.extractfile(entry)):
                rows = file.read()
    (activity,) = PLUGIN.read([Member.of(f"test/{name}", rows)])
    assert isinstance(activity, Activity)
    ball, korver = track_of(activity, "ball"), track_of(activity, "ATL:2594")
    assert ball.channels["position_x"][0] == pytest.approx(5.153240 * 0.3048)
    assert korver.channels["position_y"][:2] == pytest.approx(
        [29.318330 * 0.3048, 29.137080 * 0.3048]
    )
    assert np.diff(korver.time_s) == pytest.approx(0.12)
    assert track_of(activity, "BOS:202738").subject  # Isaiah Thomas played for Boston
    lap = activity.laps[0]
    assert (lap.kind, lap.label, lap.values) == (
        "match", "0021500389", {"period": 3.0, "clock_s": 314.96},
    )  # fmt: skip


def test_teams_without_a_name_are_numbered_and_unknown_without_ten_players() -> None:
    subjects = [track.subject for track in scene(ten_players()).tracks]
    assert subjects == ["ball", *(f"1:{p}" for p in range(100, 105)),
                        *(f"2:{p}" for p in range(105, 110))]  # fmt: skip
    nine = [row for row in ten_players() if " 109 " not in row]
    assert "101" in {track.subject for track in scene(nine).tracks}


def test_rows_that_cannot_be_are_dropped_and_counted() -> None:
    rows = [*ten_players(), "12 100 nan 3.0 PLAYER", "24 what is this", "36 101 9999999 1.0 PLAYER"]
    activity = scene(rows)
    assert [(repair.what, repair.count) for repair in activity.source.repairs] == [
        ("row without four numbers dropped", 3)
    ]
    assert len(track_of(activity, "1:100")) == 3


def test_a_player_who_comes_later_keeps_the_scenes_clock() -> None:
    rows = [row for row in ten_players() if not row.startswith("0 105 ")]
    assert scene(rows).tracks[-1].time_s.tolist() == [0.12, 0.24]


def test_text_without_rows_is_refused_with_a_reason() -> None:
    with pytest.raises(StadionError, match="no row 'frame agent x y group'"):
        scene(["no", "numbers here"])
