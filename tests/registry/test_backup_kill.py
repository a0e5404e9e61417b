"""Backups and restores are killed with kill -9: what looks finished is whole, old or new."""

from __future__ import annotations

import random
import shutil
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from stadion.core.errors import StadionError
from stadion.registry import Registry, restore
from tests.registry.crash import Child, kill_after, starter
from tests.registry.ledger import State, state_of
from tests.registry.packages import make_package

KILLS = 6


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A registry with two versions, `one.tar` with the first and `two.tar` with both."""
    with Registry.open(tmp_path / "registry") as registry:
        for number, name in enumerate(("one", "two"), start=1):
            package = make_package(tmp_path / "packages", name, extra_bytes=300_000)
            assert registry.register("sprint", package).number == number
            registry.backup(tmp_path / f"{name}.tar")
    return tmp_path


def killed(home: Path, child: Child, seed: int) -> None:
    kill_after(starter(), [child], random.Random(seed).uniform(0.0, 0.08), lambda line: None)


def broken_backups(home: Path) -> list[str]:
    broken = []
    for path in home.glob("backup-*.tar"):
        shutil.rmtree(home / "restored", ignore_errors=True)
        try:
            restore(path, home / "restored")
        except StadionError as error:
            broken.append(f"{path.name}: {error}")
    return broken


def test_a_finished_backup_always_restores(home: Path) -> None:
    left = 0
    for seed in range(KILLS):
        killed(home, (_back_up, (home, seed)), seed)
        left += len(list(home.glob(".tmp-*")))
        assert broken_backups(home) == []
    assert left > 0, "no kill fell into a backup"


def test_a_backup_written_in_place_is_noticed(home: Path) -> None:
    broken: list[str] = []
    for seed in range(20):
        killed(home, (_back_up_in_place, (home, seed)), seed)
        broken += broken_backups(home)
        if broken:
            break
    assert broken


def wrong_state(home: Path, allowed: list[State]) -> str:
    if not (home / "registry").exists():
        return "the registry is gone"
    with Registry.open(home / "registry") as registry:
        if not registry.verify().is_sound:
            return "the registry is damaged"
        return "" if state_of(registry) in allowed else "the registry is neither old nor new"


@pytest.fixture
def states(home: Path) -> list[State]:
    found = []
    for name in ("one", "two"):
        restore(home / f"{name}.tar", home / name)
        with Registry.open(home / name) as registry:
            found.append(state_of(registry))
    return found


def test_a_killed_restore_leaves_the_old_or_the_new(home: Path, states: list[State]) -> None:
    left = 0
    for seed in range(KILLS):
        killed(home, (_restore, (home,)), seed)
        left += len(list(home.glob(".tmp-*")))
        assert wrong_state(home, states) == ""
    assert left > 0, "no kill fell into a restore"


def test_a_restore_in_place_is_noticed(home: Path, states: list[State]) -> None:
    wrong = ""
    for seed in range(20):
        killed(home, (_restore_in_place, (home,)), seed)
        if wrong := wrong_state(home, states):
            break
    assert wrong


def _back_up(pipe: Connection[bytes, bytes], home: Path, seed: int) -> None:
    registry = Registry.open(home / "registry")
    pipe.send_bytes(b"ready")
    for turn in count():
        registry.backup(home / f"backup-{seed}-{turn % 3}.tar")


def _back_up_in_place(pipe: Connection[bytes, bytes], home: Path, seed: int) -> None:
    data = (home / "two.tar").read_bytes()
    pipe.send_bytes(b"ready")
    for turn in count():
        with (home / f"backup-{seed}-{turn % 3}.tar").open("wb", buffering=0) as file:
            for start in range(0, len(data), 512):
                file.write(data[start : start + 512])


def _restore(pipe: Connection[bytes, bytes], home: Path) -> None:
    pipe.send_bytes(b"ready")
    for turn in count():
        restore(home / ("one.tar", "two.tar")[turn % 2], home / "registry", replace=True)


def _restore_in_place(pipe: Connection[bytes, bytes], home: Path) -> None:
    pipe.send_bytes(b"ready")
    for turn in count():
        shutil.rmtree(home / "registry", ignore_errors=True)
        restore(home / ("one.tar", "two.tar")[turn % 2], home / "registry")
