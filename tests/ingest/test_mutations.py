"""Broken and hostile files cost little, change nothing and say what is missing.

`make fuzz-ingest` reads 20,000 of them; here are some hundred.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from stadion.ingest import Opened, Refusal
from tests.ingest.bounded import Watch, bounded
from tests.places import ROOT

FILES = int(os.environ.get("STADION_FUZZ_FILES", "400"))


def test_mutated_files_of_all_readers_break_no_bound() -> None:
    command = [sys.executable, "-m", "tests.ingest.fuzz", str(FILES), "11"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert f"{FILES} mutated files" in done.stdout


WATCH = Watch()


def foreign() -> Opened:
    raise KeyError("lap")


def swallowed() -> Opened:
    return Opened(refused=(Refusal("x", "the reader 'x' failed: IndexError"),))


def greedy() -> Opened:
    np.ones(200 << 20, np.uint8)
    return Opened()


def slow() -> Opened:
    until = time.process_time() + 1.2
    while time.process_time() < until:
        pass
    return Opened()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (foreign, "raises KeyError"),
        (swallowed, "failed: IndexError"),
        (greedy, "MemoryError"),
        (slow, "takes 1."),
    ],
)
def test_the_watch_sees_what_breaks_a_bound(call: object, sentence: str) -> None:
    assert callable(call)
    _, broken = bounded(call, 1000, WATCH)
    assert len(broken) == 1
    assert sentence in broken[0]


def test_the_watch_sees_a_file_that_is_written(tmp_path: Path) -> None:
    def writing() -> Opened:
        (tmp_path / "left.txt").write_text("here")
        return Opened()

    _, broken = bounded(writing, 1000, WATCH)
    assert any("left.txt" in sentence for sentence in broken)


def test_a_call_within_all_bounds_breaks_none() -> None:
    opened, broken = bounded(Opened, 1000, WATCH)
    assert opened == Opened()
    assert broken == []
