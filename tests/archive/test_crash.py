"""A kill at any moment loses nothing that was acknowledged; several processes share a folder."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from stadion.archive import Archive
from stadion.core.activity import Activity
from stadion.core.errors import StadionError
from tests.archive.made_up import assert_equal, made_up
from tests.archive.outings import body, recorded, route
from tests.places import ROOT

KILLS = 8
WRITERS = 3
SHARED = 40

WRITER = """
import sys
from pathlib import Path
from stadion.archive import Archive
from tests.archive.made_up import made_up
archive = Archive.open(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    added = archive.add(made_up(number))
    print(number, added, flush=True)
    if sys.argv[4] == "erase" and number % 3 == 0:
        archive.erase(made_up(number).id)
        print(number, "erased", flush=True)
"""


def writer(
    folder: Path, log: Path, first: int, last: int, erase: str = "keep", code: str = WRITER
) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-c", code, str(folder), str(first), str(last), erase],
            stdout=out,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        )


def lines_of(log: Path) -> list[list[str]]:
    """Words of each whole line the process has told."""
    text = log.read_text()
    return [line.split() for line in text[: text.rfind("\n") + 1].splitlines()]


def wait_for(process: subprocess.Popen[bytes], log: Path, word: str) -> None:
    deadline = time.monotonic() + 30
    while word not in {words[0] for words in lines_of(log)}:
        assert process.poll() is None, "the writer ended by itself"
        assert time.monotonic() < deadline, "the writer did not start"
        time.sleep(0.01)


def test_a_kill_at_a_random_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(3)
    folder, log = tmp_path / "archive", tmp_path / "told"
    kept: set[int] = set()
    gone: set[int] = set()
    unsure: set[int] = set()
    killed_at_work = 0
    for round_number in range(KILLS):
        first = round_number * 1000
        process = writer(folder, log, first, first + 1000, "erase")
        # Half of the kills come when the writer is sure to be at work, half at any time.
        wait_for(process, log, str(first + 1) if round_number % 2 else "ready")
        time.sleep(chance.uniform(0.0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        done = [(int(words[0]), words[1]) for words in lines_of(log) if len(words) == 2]
        killed_at_work += bool(done)
        kept |= {number for number, what in done if what == "True"}
        gone |= {number for number, what in done if what == "erased"}
        # Of the last one it is not known how far it came.
        unsure |= {max((number for number, _ in done), default=first - 1) + k for k in (0, 1)}
    archive = Archive.open(folder)
    present = {summary.id for summary in archive.find()}
    assert killed_at_work >= KILLS // 2
    assert len(kept) > 10
    assert losses(archive, kept - gone - unsure) == []
    for number in gone:
        assert made_up(number).id not in present
    for activity_id in present:
        assert archive.get(activity_id).id == activity_id, "no row without its whole file"


def losses(archive: Archive, numbers: set[int]) -> list[int]:
    """Those of the activities that do not come back whole."""
    lost: list[int] = []
    for number in sorted(numbers):
        try:
            assert_equal(archive.get(made_up(number).id), made_up(number))
        except StadionError:
            lost.append(number)
    return lost


def test_a_loss_would_be_seen(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path)
    archive.add_all(made_up(number) for number in range(3))
    (tmp_path / "streams" / f"{made_up(1).id}.parquet").unlink()
    archive.erase(made_up(2).id)
    assert losses(archive, {0, 1, 2}) == [1, 2]


PAIRS = """
import sys
from pathlib import Path
from stadion.archive import Archive
from tests.archive.test_crash import pair
archive = Archive.open(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    for recording in pair(number):
        archive.add(recording)
    archive.edit(recording.id, {"title": str(number)})
    print(number, "joined", flush=True)
"""


def pair(number: int) -> tuple[Activity, Activity]:
    """A watch and a phone of one run, another for each number."""
    way, me = route(120, number), body(120)
    ahead_s = 86_400.0 * number
    watch = recorded(way | me, f"watch {number}", ahead_s=ahead_s)
    return recorded(way, f"phone {number}", "gpx", ahead_s=ahead_s), watch


def test_a_kill_leaves_no_half_joined_workout(tmp_path: Path) -> None:
    folder, log = tmp_path / "archive", tmp_path / "told"
    told: set[int] = set()
    for round_number in range(3):
        process = writer(folder, log, 100 * round_number, 100 * round_number + 100, code=PAIRS)
        wait_for(process, log, str(100 * round_number + round_number))
        time.sleep(0.05 * round_number)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        told |= {int(words[0]) for words in lines_of(log) if words[-1] == "joined"}
    archive = Archive.open(folder)
    found = {summary.id: summary for summary in archive.find()}
    assert len(told) >= 3
    for number in told:
        phone, watch = pair(number)
        assert found[watch.id].recordings == (watch.id, phone.id)
        assert found[watch.id].title == str(number)
    for summary in found.values():
        assert archive.get(summary.id).id == summary.id
        assert set(archive.get(summary.id).channels) == set(summary.channels)


def test_several_processes_add_the_same_activities_once_each(tmp_path: Path) -> None:
    folder, logs = tmp_path / "archive", [tmp_path / f"told{k}" for k in range(WRITERS)]
    processes = [writer(folder, log, 0, SHARED) for log in logs]
    assert [process.wait(timeout=60) for process in processes] == [0] * WRITERS
    told = [words for log in logs for words in lines_of(log)]
    assert Counter(words[0] for words in told if words[-1] == "True") == {
        str(number): 1 for number in range(SHARED)
    }
    archive = Archive.open(folder)
    assert len(archive) == SHARED
    for number in range(SHARED):
        assert_equal(archive.get(made_up(number).id), made_up(number))
    assert len(list((folder / "streams").iterdir())) == SHARED, "no temporary file stays behind"


def test_an_archive_opened_before_a_fork_serves_the_child(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path)
    archive.add(made_up())
    child = os.fork()
    if child == 0:
        os._exit(0 if len(archive) == 1 and archive.add(made_up(1)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(archive) == 2


def test_importing_the_room_loads_neither_database_nor_parquet() -> None:
    code = (
        "import sys, stadion.archive; print('pyarrow' in sys.modules, 'sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    assert done.stdout.split() == [b"False", b"False"]
