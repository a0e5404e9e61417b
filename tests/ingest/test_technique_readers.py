"""Dumbbell curls, barbell sets and body landmarks, as their files are published."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from stadion.core.activity import Activity
from stadion.core.errors import StadionError
from stadion.core.plugins import Cupboard
from stadion.ingest import open_path
from stadion.ingest.base import Member, Reader
from tests.places import shared_data

READERS: Cupboard[Reader] = Cupboard("stadion.ingest")


@pytest.mark.data
def test_each_class_of_each_person_is_one_set_of_curls() -> None:
    opened = open_path(shared_data("A_activity_imu", "wle_dumbbell"))
    sets = opened.activities
    assert len(sets) == 30
    assert len({a.athlete for a in sets}) == 6
    assert Counter(a.laps[1].label for a in sets) == dict.fromkeys(
        ("correct", "elbows_forward", "lifting_halfway", "lowering_halfway", "hips_forward"), 6
    )
    assert sum(len(a.tracks[0]) for a in sets) > 19_000
    assert {t.subject for t in sets[0].tracks} == {"belt", "arm", "dumbbell", "forearm"}
    assert str(sets[0].start) == "2011-12-05 11:23:51.788290+00:00"
    assert not opened.refused


@pytest.mark.data
def test_both_sensors_of_a_set_are_one_recording() -> None:
    opened = open_path(shared_data("A_activity_imu", "barbell_metawear", "participants_ABC.tar.xz"))
    sets = opened.activities
    assert len(sets) == 50
    assert Counter(a.athlete for a in sets) == {"A": 27, "B": 9, "C": 14}
    heavy = next(a for a in sets if "A-bench-heavy2-rpe8" in a.source.name)
    assert heavy.laps[0].label == "bench_press"
    assert [(e.kind, e.label) for e in heavy.events] == [("load", "heavy"), ("rpe", "8")]
    (track,) = heavy.tracks
    acceleration, turn = track.channels["acceleration_y"], track.channels["angular_velocity_x"]
    assert np.isfinite(acceleration).sum() == 206
    assert np.isfinite(turn).sum() == 414
    first = acceleration[np.isfinite(acceleration)][0]
    assert first == pytest.approx(0.964 * 9.80665, rel=1e-5)
    assert turn[np.isfinite(turn)][0] == pytest.approx(np.deg2rad(0.122), rel=1e-4)


@pytest.mark.data
def test_a_set_done_wrong_on_purpose_names_its_fault() -> None:
    opened = open_path(shared_data("A_activity_imu", "barbell_metawear", "bench_form_A.tar.xz"))
    faults = {a.laps[1].label for a in opened.activities}
    assert faults == {"half_range", "bar_too_high"}
    assert all({"acceleration_x", "angular_velocity_x"} <= {*a.channels} for a in opened.activities)


@pytest.mark.data
def test_frames_become_clips_and_labels_become_laps() -> None:
    folder = shared_data("G_pose_technique", "exercise_pose")
    clips = open_path(folder / "squat_test.csv.gz").activities
    assert sum(len(clip.tracks[0]) for clip in clips) == 853
    assert {lap.label for clip in clips for lap in clip.laps} == {"squat", "up", "down"}
    frames: Counter[str] = Counter()
    for clip in clips:
        for lap in clip.laps[1:]:
            frames[lap.label] += round((lap.end_s - lap.start_s) * 30) + 1
    assert frames == {"down": 430, "up": 423}


@pytest.mark.data
def test_a_plank_says_what_is_wrong_with_it() -> None:
    folder = shared_data("G_pose_technique", "exercise_pose")
    clips = open_path(folder / "plank_train_lowback_history.csv.gz").activities
    assert {lap.label for clip in clips for lap in clip.laps} == {"plank", "correct", "low_back"}


@pytest.mark.parametrize("name", ["wle_dumbbell", "barbell_metawear", "exercise_pose"])
def test_rows_that_cannot_be_read_are_counted(name: str) -> None:
    reader = READERS.get(name)
    group = [Member.of(m.path, m.data + b"broken,row\n") for m in reader.example()]
    (value,) = reader.read(group)
    assert isinstance(value, Activity)
    assert {repair.what for repair in value.source.repairs} == {"rows that cannot be read dropped"}


def test_a_file_of_another_name_is_no_barbell_set() -> None:
    reader = READERS.get("barbell_metawear")
    first = next(iter(reader.example()))
    with pytest.raises(StadionError, match="WHO-EXERCISE-LOAD"):
        reader.read([Member.of("bench.csv", first.data)])
