"""Plug-ins are found by file, by entry point and in a folder of one's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stadion.core.errors import StadionError
from stadion.core.plugins import Cupboard
from stadion.tasks.base import Task


def test_the_built_in_tasks_are_their_files() -> None:
    tasks: Cupboard[Task] = Cupboard("stadion.tasks")
    assert {"activity_recognition", "workout_heart_rate"} <= set(tasks.names())
    assert all(task.name == name for task, name in zip(tasks, tasks.names(), strict=True))


def test_a_file_in_the_own_folder_is_a_plugin(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "mine.py").write_text("PLUGIN = 'a task'\n")
    (tmp_path / "tasks" / "empty.py").write_text("")
    tasks: Cupboard[object] = Cupboard("stadion.tasks", tmp_path)
    assert "mine" in tasks.names()
    assert tasks.get("mine") == "a task"
    with pytest.raises(StadionError, match="no PLUGIN"):
        tasks.get("empty")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(StadionError, match=r"tasks holds no 'golf'.*activity_recognition"):
        Cupboard[Task]("stadion.tasks").get("golf")


def test_an_entry_point_of_another_package_is_a_plugin(tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("PLUGIN = 'from outside'\n")
    info = tmp_path / "outside-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[stadion.tasks]\nouter = outside\n")
    code = (
        "from stadion.core.plugins import Cupboard; t = Cupboard('stadion.tasks');"
        "assert 'outer' in t.names(); print(t.get('outer'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "from outside"
