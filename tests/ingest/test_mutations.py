"""Broken and hostile files cost little, change nothing and say what is missing.

`make fuzz-ingest` reads 20,000 of them; here are some hundred.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stadion.ingest import Opened, Refusal, open_bytes
from stadion.ingest.base import Member
from stadion.ingest.opening.claims import read_group
from tests.ingest.bounded import Watch, bounded
from tests.ingest.mutating import mutated
from tests.ingest.mutating_formats import archived
from tests.ingest.real_files import reader
from tests.places import ROOT

GPX = reader("gpx").example()[0].data
FILES = int(os.environ.get("STADION_FUZZ_FILES", "250"))


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


def one_endless_cell() -> Opened:
    (member,) = reader("football_odds").example()
    lines = member.data.rstrip(b"\n").split(b"\n")
    rows = [lines[0], *lines[1:] * (7000 // len(lines[1:]))]
    rows.append(rows[-1].replace(b",", b"," + b"x" * 20_000, 1))
    return open_bytes(b"\n".join(rows) + b"\n", member.path)


def countless_cases() -> Opened:
    (member,) = reader("ts").example()
    head = member.data[: member.data.index(b"@data")]
    return open_bytes(head + b"@data\n" + b"1,2:1,2:run\n" * 100_000, "set.ts")


def numbers_without_end() -> Opened:
    (member,) = reader("tcx").example()
    data = re.sub(rb"(<AltitudeMeters>)[^<]*", rb"\g<1>1e308", member.data, count=1)
    data = re.sub(rb"(<Value>)[^<]*", rb"\g<1>-1e308", data)
    return open_bytes(data, "run.tcx")


@pytest.mark.parametrize("call", [one_endless_cell, countless_cases, numbers_without_end])
def test_what_once_broke_a_bound_breaks_none_now(call: Callable[[], Opened]) -> None:
    _, broken = bounded(call, 1 << 20, WATCH)
    assert broken == []


@pytest.mark.parametrize("name", ["fit", "gpx", "csv", "ndjson", "srm"])
def test_changes_that_know_a_format_leave_some_of_it_to_read(name: str) -> None:
    group = reader(name).example()
    chance = random.Random(2)
    came_in = 0
    for _ in range(40):
        bad = mutated(group[0].data, chance, [group[0].data])
        members = [Member.of(group[0].path, bad), *group[1:]]
        came_in += bool(read_group(reader(name), members).activities)
    assert 5 < came_in < 40


def test_archives_are_damaged_but_not_all() -> None:
    chance = random.Random(3)
    opened = [open_bytes(archived([("run.gpx", GPX)], chance), "export.zip") for _ in range(40)]
    assert 10 < sum(bool(each.activities) for each in opened) < 40


def test_a_warning_is_a_broken_bound() -> None:
    def warning() -> Opened:
        warnings.warn("overflow", RuntimeWarning, stacklevel=1)
        return Opened()

    _, broken = bounded(warning, 1000, WATCH)
    assert len(broken) == 1
    assert "warns: overflow" in broken[0]
