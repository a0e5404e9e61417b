"""The main job on real smart-watch recordings: train, judge, deploy, ask, replace, roll back."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import stadion
from stadion.platform import Platform
from tests.conftest import MODEL
from tests.places import shared_data
from tests.servers import Server, running_server


def one_case(file: Path, number: int = 0) -> tuple[bytes, str]:
    """One case of a .ts file as a recording without its label, and the label."""
    header, _, cases = file.read_text().partition("@data\n")
    signals, _, label = cases.splitlines()[number].rpartition(":")
    return f"{header}@data\n{signals}:?\n".encode(), label


def test_the_model_is_good_on_the_official_test_part(home: Path, basic_motions: Path) -> None:
    place = Platform.open(home)
    report = place.evaluate(f"{MODEL}:1", basic_motions / "BasicMotions_TEST.ts")
    assert report["rows"] == 40
    assert report["metrics"]["accuracy"] >= 0.95
    assert report["baselines"]["most frequent class"]["accuracy"] <= 0.3


def test_a_version_says_what_made_it(home: Path) -> None:
    view = Platform.open(home).model(f"{MODEL}:1")
    assert view["metrics"]["baselines"]["most frequent class"] < view["metrics"]["value"]
    assert view["lineage"]["learner"] == "rocket"
    assert len(view["lineage"]["data_digest"]) == 64
    assert view["lineage"]["libraries"]["torch"].startswith("2.13.0")
    tensor = view["signature"]["inputs"][0]
    assert (tensor["name"], tensor["unit"]) == ("acceleration", "m/s^2")
    assert view["signature"]["labels"]["activity"] == [
        "badminton", "running", "standing", "walking",
    ] or len(view["signature"]["labels"]["activity"]) == 4  # fmt: skip


def test_the_same_seed_gives_the_same_model(home: Path, basic_motions: Path) -> None:
    place = Platform.open(home)
    again = place.train(
        "activity_recognition",
        basic_motions / "BasicMotions_TRAIN.ts",
        learner="rocket",
        name=MODEL,
        folds=2,
    )
    first = place.model(f"{MODEL}:1")
    assert again["version"] == 3
    assert again["metrics"] == first["metrics"]


def test_a_recording_is_answered_with_label_probabilities_and_version(
    server: Server, basic_motions: Path
) -> None:
    recording, truth = one_case(basic_motions / "BasicMotions_TEST.ts")
    answer = server.client.predict(MODEL, recording)
    row = answer["output"]["activity"][0]
    assert answer["version"] == 1
    assert row["label"].lower() == truth.lower()
    assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_folder_and_server_give_the_same_answer(home: Path, basic_motions: Path) -> None:
    recording, _ = one_case(basic_motions / "BasicMotions_TEST.ts", 7)
    place = Platform.open(home)
    place.deploy(f"{MODEL}:2")
    at_home = place.predict(MODEL, recording)
    with running_server(home, workers=1) as server:
        assert stadion.connect(server.control).predict(MODEL, recording) == at_home


class Caller(threading.Thread):
    """Asks as fast as it can until it is told to stop."""

    def __init__(self, server: Server, request: Any) -> None:
        super().__init__()
        self.client, self.request = server.client, request
        self.answers: list[tuple[float, int]] = []
        self.failures: list[str] = []
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.is_set():
            asked = time.monotonic()
            try:
                self.answers.append((asked, self.client.predict(MODEL, self.request)["version"]))
            except stadion.StadionError as error:
                self.failures.append(str(error))

    def finish(self) -> None:
        self.done.set()
        self.join(30)


def test_a_new_version_takes_over_under_traffic_and_gives_way_again(
    home: Path, basic_motions: Path
) -> None:
    recording, _ = one_case(basic_motions / "BasicMotions_TEST.ts")
    Platform.open(home).deploy(f"{MODEL}:1")
    with running_server(home) as server:
        callers = [Caller(server, recording) for _ in range(3)]
        for caller in callers:
            caller.start()
        time.sleep(0.5)
        server.client.deploy(f"{MODEL}:2")
        switched = time.monotonic()
        time.sleep(0.5)
        server.client.rollback(MODEL)
        back = time.monotonic()
        time.sleep(0.5)
        for caller in callers:
            caller.finish()
    assert [failure for caller in callers for failure in caller.failures] == []
    answers = sorted(answer for caller in callers for answer in caller.answers)
    assert {v for asked, v in answers if switched < asked < back - 0.3} == {2}
    assert {v for asked, v in answers if asked > back} == {1}


def test_a_canary_gets_its_share(home: Path, basic_motions: Path) -> None:
    recording, _ = one_case(basic_motions / "BasicMotions_TEST.ts")
    place = Platform.open(home)
    place.deploy(f"{MODEL}:1")
    place.deploy(f"{MODEL}:2", canary=30)
    with running_server(home) as server:
        versions = Counter(server.client.predict(MODEL, recording)["version"] for _ in range(200))
    assert 30 <= versions[2] <= 95
    assert versions[1] + versions[2] == 200


@pytest.mark.data
def test_racket_strokes_are_told_apart_at_published_level(tmp_path: Path) -> None:
    folder = shared_data("A_activity_imu", "uea_racketsports")
    place = Platform.open(tmp_path)
    place.train("activity_recognition", folder / "RacketSports_TRAIN.ts.gz", name="strokes")
    report = place.evaluate("strokes", folder / "RacketSports_TEST.ts.gz")
    assert report["rows"] == 152
    assert report["metrics"]["accuracy"] >= 0.86
