"""A task in one file outside the package trains, registers, serves and keeps the contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stadion.core.activity import Activity, Track
from stadion.core.plugins import Cupboard, checks_in
from stadion.platform import Platform
from stadion.tasks import checks
from stadion.tasks.base import Task, activities_of
from tests.servers import running_server

TASK = '''
"""Ten seconds of speed in, whether the athlete sprints out."""

from hashlib import sha256

import numpy as np

from stadion.core.activity import Activity, Source, Track
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.tasks.base import Task

LABELS = ("jog", "sprint")


class Sprint(Task):
    """A toy: the label is written into the sport."""

    name = "sprint"
    question = "Is this a sprint?"
    channels = ("speed",)
    metric = "accuracy"
    reference = "none: a toy"

    def dataset(self, activities, settings):
        if not activities:
            raise StadionError(Code.INVALID, "there are no recordings")
        rows = [self._row(activity) for activity in activities]
        signature = Signature(
            (Tensor("speed", "FP32", (None, 10), "m/s", step_s=1.0),),
            (Tensor("pace", "FP32", (None, 2), columns=LABELS),),
            {"pace": LABELS},
        )
        targets = np.array([LABELS.index(activity.sport) for activity in activities])
        groups = np.array([activity.athlete for activity in activities])
        return Dataset(self.name, signature, {"speed": np.stack(rows)}, {"pace": targets}, groups)

    def features(self, activity, signature, settings):
        return {"speed": self._row(activity)[None]}

    def baselines(self, train, test):
        return {"coin": {"pace": np.full((len(test), 2), 0.5)}}

    def examples(self, seed):
        rng = np.random.default_rng(seed)
        return [
            Activity(
                sha256(f"{who}-{label}-{i}-{seed}".encode()).hexdigest(), who, label, None,
                (Track("", np.arange(10.0), {"speed": rng.normal(mean, 0.5, 10)}),),
                Source("example", f"{who}{label}{i}"),
            )
            for who in ("ada", "ben", "cleo")
            for label, mean in (("jog", 3.0), ("sprint", 8.0))
            for i in range(12)
        ]

    def _row(self, activity):
        values = np.full(10, np.nan, np.float32)
        speed = activity.tracks[0].channels["speed"][:10]
        values[: len(speed)] = speed
        return values


PLUGIN = Sprint()
'''


@pytest.fixture
def place(tmp_path: Path) -> Platform:
    folder = tmp_path / "plugins" / "tasks"
    folder.mkdir(parents=True)
    (folder / "sprint.py").write_text(TASK)
    return Platform.open(tmp_path)


def test_it_keeps_the_contract_that_ships_with_the_package(place: Platform) -> None:
    task = Cupboard[Task]("stadion.tasks", place.home.plugins).get("sprint")
    for check in checks_in(checks):
        check(task)


def as_csv(activity: Activity) -> bytes:
    track: Track = activity.tracks[0]
    rows = zip(track.time_s, track.channels["speed"], strict=True)
    return ("time_s,speed (m/s)\n" + "".join(f"{t},{v}\n" for t, v in rows)).encode()


def test_it_trains_registers_and_serves(place: Platform) -> None:
    task = Cupboard[Task]("stadion.tasks", place.home.plugins).get("sprint")
    recordings = activities_of(task.examples(0))
    for activity in recordings:
        place._archive.add(activity)
    view = place.train("sprint", learner="boosting", folds=2)
    assert view["metrics"]["value"] > view["metrics"]["baselines"]["coin"]
    place.deploy("sprint")
    with running_server(place.home.path, workers=1) as server:
        for label, speed in (("jog", 3.0), ("sprint", 8.0)):
            tensors = {"inputs": {"speed": np.full((1, 10), speed).tolist()}}
            answer = server.client.predict("sprint", tensors)
            assert answer["output"]["pace"][0]["label"] == label
        fast = next(a for a in recordings if a.sport == "sprint")
        answer = server.client.predict("sprint", as_csv(fast))
        assert answer["output"]["pace"][0]["label"] == "sprint"
