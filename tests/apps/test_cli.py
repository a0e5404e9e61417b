"""The command line as a person and as a script use it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MODEL
from tests.places import shared_data


def stadion(*arguments: str | Path, given: bytes | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stadion", *map(str, arguments)]
    text = given.decode() if given is not None else None
    return subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=120, check=False
    )


def as_json(*arguments: str | Path, given: bytes | None = None) -> Any:
    done = stadion(*arguments, "--json", given=given)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ride(tmp_path: Path) -> Path:
    rows = "".join(f"{t},{100 + t % 40},{200 + t % 30}\n" for t in range(900))
    file = tmp_path / "ride.csv"
    file.write_text("time,heart_rate (bpm),power (W)\n" + rows)
    return file


def test_a_file_is_taken_once_and_found_again(tmp_path: Path) -> None:
    home, file = tmp_path / "home", ride(tmp_path)
    report = as_json("ingest", file, "--athlete", "ada", "--home", home)
    assert len(report["added"]) == 1
    again = as_json("ingest", file, "--home", home)
    assert (again["added"], again["known"]) == ([], 1)
    listed = as_json("activities", "--athlete", "ada", "--home", home)
    assert [row["id"] for row in listed] == report["added"]
    shown = as_json("activities", "show", report["added"][0][:12], "--home", home)
    assert shown["duration_s"] == 899
    assert set(shown["tracks"][0]["channels"]) == {"heart_rate", "power"}


@pytest.mark.data
def test_a_folder_of_real_files_says_what_was_refused_and_why(tmp_path: Path) -> None:
    folder = shared_data("B_activity_files", "gpx")
    report = as_json("ingest", folder, "--home", tmp_path)
    assert len(report["added"]) > 30
    assert all(refusal["reason"] for refusal in report["refused"])
    done = stadion("ingest", folder, "--home", tmp_path)
    assert done.returncode == 0
    assert "0 new" in done.stdout


def test_models_are_listed_and_shown_with_their_card(home: Path) -> None:
    assert [row["model"] for row in as_json("models", "--home", home)] == [MODEL]
    assert stadion("models", "--home", home).stdout.count(MODEL) == 1
    card = stadion("models", "show", f"{MODEL}:1", "--home", home).stdout
    assert "What was the athlete doing" in card


def test_a_model_is_asked_with_a_file_and_with_json_on_the_input(
    home: Path, basic_motions: Path
) -> None:
    answer = as_json("predict", MODEL, basic_motions / "BasicMotions_TEST.ts", "--home", home)
    assert set(answer["output"]["activity"][0]["probabilities"]) == {
        "Badminton", "Running", "Standing", "Walking",
    }  # fmt: skip
    rows = [[[0.0] * 3] * 100] * 2
    request = json.dumps({"inputs": {"acceleration": rows, "angular_velocity": rows}}).encode()
    answer = as_json("predict", f"{MODEL}:1", "-", "--home", home, given=request)
    assert answer["version"] == 1
    assert len(answer["output"]["activity"]) == 2


def test_versions_go_out_and_come_back_without_a_server(home: Path) -> None:
    assert as_json("deploy", f"{MODEL}:1", "--home", home)["version"] == 1
    assert as_json("deploy", MODEL, "--home", home)["version"] == 2
    assert as_json("rollback", MODEL, "--home", home)["version"] == 1
    done = stadion("rollback", MODEL, "--home", home)
    assert done.returncode == 4
    assert "motions" in done.stderr


def test_a_backup_brings_everything_back(home: Path, tmp_path: Path) -> None:
    stadion("ingest", ride(tmp_path), "--home", home)
    stadion("deploy", f"{MODEL}:2", "--home", home)
    file, other = tmp_path / "all.tar", tmp_path / "other"
    assert as_json("backup", file, "--home", home)["files"] > 3
    as_json("restore", file, "--home", other)
    assert as_json("models", "--home", other) == as_json("models", "--home", home)
    assert as_json("activities", "--home", other) == as_json("activities", "--home", home)
    assert stadion("restore", file, "--home", other).returncode == 4


def test_training_takes_settings_by_name_and_from_a_file(
    tmp_path: Path, basic_motions: Path
) -> None:
    train = basic_motions / "BasicMotions_TRAIN.ts"
    settings = tmp_path / "settings.toml"
    settings.write_text("[task]\nwindow_s = 5\n[learner]\ntrees = 7\n")
    view = as_json(
        "train", "activity_recognition", "--data", train, "--learner", "boosting", "--folds", "2",
        "--settings", settings, "--set", "leaves=5", "--home", tmp_path,
    )  # fmt: skip
    assert view["lineage"]["task_settings"]["window_s"] == 5
    assert view["lineage"]["settings"]["trees"] == 7
    assert view["lineage"]["settings"]["leaves"] == 5


def test_tuning_tries_every_combination_and_keeps_the_best(
    tmp_path: Path, basic_motions: Path
) -> None:
    view = as_json(
        "tune", "activity_recognition", "--data", basic_motions / "BasicMotions_TRAIN.ts",
        "--learner", "boosting", "--try", "trees=1,31", "--folds", "2", "--home", tmp_path,
    )  # fmt: skip
    assert len(view["tried"]) == 2
    assert view["metrics"]["value"] == pytest.approx(max(view["tried"].values()))
    best = max(view["tried"], key=lambda label: view["tried"][label])
    assert f"trees={view['lineage']['settings']['trees']}" in best


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["train", "golf"], 3, "activity_recognition"),
        (["train", "activity_recognition"], 2, "recordings"),
        (["train", "activity_recognition", "--learner", "magic"], 3, "boosting"),
        (["train", "activity_recognition", "--set", "epochs"], 2, "name=value"),
        (["train", "activity_recognition", "--folds", "0"], 2, "1 to 100"),
        (["predict", "nobody", "-"], 3, "nobody"),
        (["deploy", "Nobody"], 2, "a-z"),
        (["deploy", "nobody:0"], 2, "whole number"),
        (["ingest", "no-such-file"], 3, "no-such-file"),
        (["up", "--http", "0.0.0.0:8000"], 1, "loopback"),
    ],
)
def test_mistakes_are_answered_with_a_status_and_what_would_be_right(
    tmp_path: Path, arguments: list[str], status: int, words: str
) -> None:
    done = stadion(*arguments, "--home", tmp_path, given=b"")
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_training_on_an_engine_outlives_nothing_and_gives_the_same_view(
    tmp_path: Path, basic_motions: Path
) -> None:
    view = as_json(
        "train", "activity_recognition", "--data", basic_motions / "BasicMotions_TRAIN.ts",
        "--learner", "baseline", "--engine", "local", "--home", tmp_path,
    )  # fmt: skip
    assert (view["version"], view["learner"]) == (1, "baseline")
    assert view["metrics"]["value"] == pytest.approx(0.25)


def test_training_without_its_extra_says_how_to_install_it(
    tmp_path: Path, basic_motions: Path
) -> None:
    code = (
        "import sys; sys.modules['onnx'] = None; sys.argv[1:] = ['train', 'activity_recognition',"
        f"'--data', {str(basic_motions / 'BasicMotions_TRAIN.ts')!r}, '--home', {str(tmp_path)!r}];"
        "from stadion.apps.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "pip install 'stadion[train]'" in done.stderr
    assert "Traceback" not in done.stderr
