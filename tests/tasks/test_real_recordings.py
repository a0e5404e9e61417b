"""The tasks on real recordings: rows as they should be, and answers better than trivial ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.workout_heart_rate import workouts
from stadion.core.plugins import Cupboard
from stadion.ingest import open_path
from stadion.science.folds import grouped_folds
from stadion.science.scores import mae
from stadion.tasks.base import Task
from stadion.train.base import Learner, Run
from tests.places import shared_data

TASKS: Cupboard[Task] = Cupboard("stadion.tasks")


@pytest.mark.data
def test_five_worn_sensors_become_windows_of_one_person() -> None:
    task = TASKS.get("activity_recognition")
    recordings = open_path(shared_data("A_activity_imu", "uci_physical_therapy", "s2.tar.xz"))
    data = task.dataset(recordings.activities, task.Settings())
    assert set(data.groups.tolist()) == {"s2"}
    assert data.signature.labels["activity"] == tuple(f"exercise_{n}" for n in range(1, 9))
    assert data.inputs["acceleration"].shape[1:] == (100, 15)
    assert data.signature.input("acceleration").columns[:4] == ("u1_x", "u1_y", "u1_z", "u2_x")
    assert data.settings == {"window_s": 4.0, "overlap": 0.5, "rate_hz": 25.0}
    gravity = np.linalg.norm(data.inputs["acceleration"][..., :3], axis=-1).mean()
    assert gravity == pytest.approx(9.81, abs=0.6)


@pytest.mark.data
def test_one_recording_cut_as_a_request_gives_the_rows_of_the_training_set() -> None:
    task = TASKS.get("activity_recognition")
    folder = shared_data("A_activity_imu", "uci_physical_therapy")
    recording = open_path(folder / "s3.tar.xz").activities[0]
    data = task.dataset([recording], task.Settings())
    request = task.features(recording, data.signature, data.settings)
    for name, rows in data.inputs.items():
        np.testing.assert_array_equal(request[name], rows)


@pytest.mark.data
@pytest.mark.slow
def test_heart_rate_of_unseen_workouts_is_told_better_than_by_both_trivial_curves(
    tmp_path: Path,
) -> None:
    task = TASKS.get("workout_heart_rate")
    data = task.dataset(workouts(shared_data("B_activity_files")), task.Settings())
    groups = set(data.groups.tolist())
    assert len(groups) > 100
    fold = grouped_folds(data, 4, seed=0)[0]
    known, asked = data.take(fold.train), data.take(fold.test)
    assert set(known.groups.tolist()).isdisjoint(asked.groups.tolist())
    learner = Cupboard[Learner]("stadion.train").get("boosting")
    model = learner.fit(known, learner.Settings(), Run(0, tmp_path))
    truth = asked.targets["heart_rate"]
    ours = mae(truth, model.predict(asked.inputs)["heart_rate"])
    for name, outputs in task.baselines(known, asked).items():
        assert ours < mae(truth, outputs["heart_rate"]) - 2.0, name


@pytest.mark.data
def test_twins_of_one_workout_are_one_group() -> None:
    task = TASKS.get("workout_heart_rate")
    folder = shared_data("B_activity_files")
    twins = [
        activity
        for kind in ("fit", "gpx", "tcx")
        for activity in open_path(folder / kind / f"sportslib__6782987395.{kind}.gz").activities
    ]
    data = task.dataset(twins, task.Settings())
    assert len({activity.id for activity in twins}) == 3
    assert len(set(data.groups.tolist())) == 1
