"""Rows of executions and windows, labels that are not everywhere, and poses."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stadion.core.activity import Activity, Lap, Track
from stadion.core.dataset import Dataset
from stadion.core.errors import StadionError
from stadion.core.plugins import Cupboard
from stadion.ingest import open_path
from stadion.tasks.base import Task
from stadion.tasks.exercise_technique import (
    PLUGIN,
    TechniqueSettings,
    acceleration_of,
    repetitions_of,
)
from stadion.train.base import Learner, Run
from tests.places import shared_data

LEARNERS: Cupboard[Learner] = Cupboard("stadion.train")


def rows_of(recordings: list[Activity], **settings: Any) -> Dataset:
    return PLUGIN.dataset(recordings, dataclasses.replace(TechniqueSettings(), **settings))


def without(activity: Activity, kind: str) -> Activity:
    laps = tuple(lap for lap in activity.laps if lap.kind != kind)
    return dataclasses.replace(activity, laps=laps)


def test_each_marked_execution_is_a_row_with_its_duration() -> None:
    examples = PLUGIN.examples(0)
    data = rows_of(examples)
    laps = [lap for a in examples for lap in a.laps if lap.kind == "execution"]
    assert len(data) == len(laps) == 36
    np.testing.assert_allclose(
        data.inputs["duration_s"], [lap.end_s - lap.start_s for lap in laps], rtol=1e-6
    )
    assert [data.signature.labels["execution"][k] for k in data.targets["execution"]] == [
        lap.label for lap in laps
    ]


def test_executions_are_told_beside_the_others_of_their_recording() -> None:
    data = rows_of(PLUGIN.examples(0))
    columns = data.signature.input("beside").columns
    rank = data.inputs["beside"][:, columns.index("duration_rank")]
    fast = data.targets["execution"] == data.signature.labels["execution"].index("fast")
    assert rank[fast].max() < rank[~fast].min()
    assert rank.min() == 0.0
    assert rank.max() == 1.0


def test_a_request_finds_the_repetitions_that_nobody_marked() -> None:
    examples = PLUGIN.examples(0)
    data = rows_of(examples)
    bare = dataclasses.replace(examples[0], laps=())
    request = PLUGIN.features(bare, data.signature, data.settings)
    assert data.signature.check_inputs(request) == 6
    assert repetitions_of(bare) == 6
    marked = PLUGIN.features(examples[0], data.signature, data.settings)["duration_s"]
    np.testing.assert_allclose(request["duration_s"], marked, rtol=0.4)


def test_an_output_is_there_when_the_recordings_label_it() -> None:
    examples = PLUGIN.examples(0)
    assert set(rows_of([without(a, "execution") for a in examples]).targets) == {"exercise"}
    assert set(rows_of([without(a, "activity") for a in examples]).targets) == {"execution"}
    one = [a for a in examples if a.laps[0].label == "arm_raise"]
    assert set(rows_of(one).targets) == {"execution"}
    with pytest.raises(StadionError, match="labelled alike"):
        rows_of([without(a, "execution") for a in one])


def test_what_one_person_alone_was_told_is_no_output() -> None:
    examples = PLUGIN.examples(0)
    told = [a if a.athlete == "ada" else without(a, "execution") for a in examples]
    assert set(rows_of(told).targets) == {"exercise"}
    assert set(rows_of(told[:2]).targets) == {"exercise", "execution"}


def test_a_label_that_one_recording_lacks_is_unknown_in_its_rows() -> None:
    examples = list(PLUGIN.examples(0))
    examples[0] = without(examples[0], "execution")
    data = rows_of(examples)
    ours = data.groups == examples[0].athlete
    unknown = data.targets["execution"] == -1
    assert unknown.sum() == 6
    assert unknown[~ours].sum() == 0
    assert (data.targets["exercise"] >= 0).all()


def test_windows_do_not_depend_on_how_the_sensor_sat_without_its_level() -> None:
    examples = PLUGIN.examples(0)
    shifted = [
        dataclasses.replace(
            a,
            tracks=tuple(
                Track(t.subject, t.time_s, {n: v + 3.0 for n, v in t.channels.items()})
                for t in a.tracks
            ),
        )
        for a in examples
    ]
    kept, moved = (rows_of(r, rows="windows", window_s=2.0) for r in (examples, shifted))
    assert not np.allclose(kept.inputs["acceleration"], moved.inputs["acceleration"], atol=1.0)
    kept, moved = (
        rows_of(r, rows="windows", window_s=2.0, level="remove") for r in (examples, shifted)
    )
    np.testing.assert_allclose(kept.inputs["acceleration"], moved.inputs["acceleration"], atol=1e-4)


def test_a_window_has_the_label_its_middle_lies_in() -> None:
    examples = PLUGIN.examples(0)
    data = rows_of(examples, rows="windows", window_s=1.0, hop_s=0.5)
    lap = next(lap for lap in examples[0].laps if lap.kind == "execution")
    middles = np.arange(len(data.targets["execution"])) * 0.5 + 19 / 40
    inside = (middles >= lap.start_s) & (middles <= lap.end_s)
    first = data.groups == examples[0].athlete
    assert (data.targets["execution"][inside & first] >= 0).all()
    assert data.targets["execution"][0] == -1  # before the first execution


def test_a_learner_tells_exercises_and_executions_of_people_it_has_not_seen(
    tmp_path: Path,
) -> None:
    data = rows_of(PLUGIN.examples(0))
    asked = data.groups == "cleo"
    learner = LEARNERS.get("rocket")
    settings = dataclasses.replace(learner.Settings(), features=500)
    model = learner.fit(data.take(~asked), settings, Run(0, tmp_path))
    answers = model.predict(data.take(asked).inputs)
    for output, target in data.take(asked).targets.items():
        assert (answers[output].argmax(axis=1) == target).mean() > 0.9


@pytest.mark.data
def test_every_frame_of_a_real_squat_is_a_row() -> None:
    folder = shared_data("G_pose_technique", "exercise_pose")
    clips = list(open_path(folder / "squat_test.csv.gz").activities)
    data = rows_of(clips)
    assert len(data) == 853
    assert data.signature.labels == {"execution": ("down", "up")}
    assert data.inputs["landmarks"].shape == (853, 9, 18)
    knee = data.signature.input("joint_angles").columns.index("left_knee")
    angles, target = data.inputs["joint_angles"][:, 4, knee], data.targets["execution"]
    bent, straight = (np.nanmedian(angles[target == phase]) for phase in (0, 1))
    assert straight - bent > 30


@pytest.mark.data
def test_sensors_and_poses_do_not_mix() -> None:
    folder = shared_data("G_pose_technique", "exercise_pose")
    clips = list(open_path(folder / "squat_test.csv.gz").activities)
    data = rows_of([*PLUGIN.examples(0), *clips])
    assert "acceleration" in data.inputs
    with pytest.raises(StadionError, match="acceleration_x"):
        PLUGIN.features(clips[0], data.signature, data.settings)


@pytest.mark.data
def test_racket_strokes_and_curls_take_their_own_windows() -> None:
    strokes = open_path(shared_data("A_activity_imu", "uea_racketsports")).activities
    data = rows_of(list(strokes))
    assert data.inputs["acceleration"].shape == (303, 30, 3)
    assert set(data.targets) == {"exercise"}


@pytest.mark.data
def test_the_rate_is_that_of_the_accelerations() -> None:
    path = shared_data("A_activity_imu", "barbell_metawear", "bench_form_A.tar.xz")
    samples, rate_hz = acceleration_of(open_path(path).activities[0])
    assert rate_hz == pytest.approx(12.5)
    assert np.isfinite(samples).all(axis=1).mean() > 0.9


def test_the_task_is_found_by_its_name() -> None:
    task: Task = Cupboard("stadion.tasks").get("exercise_technique")
    assert task.interval == 0.9
    assert Lap(0, 1, "execution", "correct").kind == "execution"
