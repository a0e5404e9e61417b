"""Folders are read by several processes: all comes in, once, whoever dies meanwhile."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stadion.archive import Archive, Tables
from stadion.core.settings import Home
from stadion.ingest import plan
from stadion.platform.ingest_pool import IngestPool
from stadion.platform.ingest_worker import Settings
from stadion.platform.ingesting import ingest
from stadion.platform.keeping import Found
from stadion.platform.reading import readers
from tests.ingest.fit_ride import ride
from tests.places import ROOT, shared_data

RIDES = 40

DEADLY = '''
"""Files that begin with DEADLY in, the end of the process out."""
import os, signal
from stadion.ingest.base import Member

class Deadly:
    name = "deadly"
    layout = "Text that begins with DEADLY."
    guesses = False
    def example(self):
        return []
    def claim(self, members):
        return [[m] for m in members if m.head.startswith(b"DEADLY")]
    def read(self, group):
        print("noise on the standard output")
        os.kill(os.getpid(), signal.SIGKILL)

PLUGIN = Deadly()
'''

INGEST = """
import sys
from pathlib import Path
from tests.test_ingesting import into
report = into(Path(sys.argv[1]), Path(sys.argv[2]), workers=2)
print(len(report["added"]))
"""


def into(home: Path, path: Path, **how: Any) -> dict[str, Any]:
    place = Home(home)
    archive = Archive.open(place.archive)
    tables = Tables(place.archive / "tables")
    return ingest([path], place, readers(place.plugins), archive, tables, **how)


@pytest.fixture(scope="module")
def rides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small rides, one of them in a zip, one twice, one that is none."""
    folder = tmp_path_factory.mktemp("rides")
    for number in range(RIDES):
        (folder / f"{number:02d}.fit").write_bytes(ride(120, number))
    (folder / "07.fit.gz").write_bytes(gzip.compress(ride(120, 7)))
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("inside.fit", ride(120, 99))
    (folder / "notes.txt").write_text("not a ride")
    return folder


def outcomes(report: dict[str, Any]) -> Counter[str]:
    return Counter(file["outcome"] for file in report["files"])


Progress = list[tuple[str, int, int]]


@pytest.fixture(scope="module")
def taken(
    rides: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[int, tuple[Path, dict[str, Any], Progress]]:
    """The folder read here and by two processes: home, report and what was told meanwhile."""
    found = {}
    for workers in (1, 2):
        home, told = tmp_path_factory.mktemp("home"), Progress()
        report = into(
            home, rides, workers=workers, athlete="ada",
            progress=lambda *step, told=told: told.append(step),
        )  # fmt: skip
        found[workers] = home, report, told
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_a_folder_comes_in_and_the_report_says_so(
    taken: dict[int, tuple[Path, dict[str, Any], Progress]], workers: int
) -> None:
    home, report, told = taken[workers]
    assert outcomes(report) == {"added": RIDES + 1, "known": 1, "refused": 1}
    assert len(report["added"]) == len(set(report["added"])) == RIDES + 1
    assert (report["known"], len(report["refused"])) == (1, 1)
    first = next(file for file in report["files"] if file["name"].endswith("/00.fit"))
    assert (first["sport"], first["duration_s"], first["repairs"]) == ("cycling", 119.0, [])
    assert first["start"].startswith("2021-09-08T01:46:40")
    assert told[-1][1:] == (RIDES + 3, RIDES + 3)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    archive = Archive.open(home / "archive")
    assert len(archive) == RIDES + 1
    assert all(found.athlete == "ada" for found in archive.find())
    assert all(found.metrics["power_max_w"] > 0 for found in archive.find())


def test_the_report_is_the_same_however_many_read(
    taken: dict[int, tuple[Path, dict[str, Any], Progress]],
) -> None:
    one, two = (dict(report) for _, report, _ in taken.values())
    for report in (one, two):
        report["files"] = sorted(report["files"], key=lambda file: (file["name"], file["outcome"]))
        report["added"] = sorted(report["added"])
    assert one == two


def test_what_is_known_is_not_taken_again(
    taken: dict[int, tuple[Path, dict[str, Any], Progress]], rides: Path
) -> None:
    assert outcomes(into(taken[2][0], rides, workers=1)) == {"known": RIDES + 2, "refused": 1}


def test_few_small_files_start_no_process(
    rides: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", never)
    report = into(tmp_path, rides / "00.fit")
    assert outcomes(report) == {"added": 1}


def test_a_packed_archive_is_read_by_whoever_gets_its_job(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "season.tar.xz", "w:xz", preset=0) as archive:
        for number in range(5):
            (tmp_path / "ride.fit").write_bytes(ride(10_800, number))
            archive.add(tmp_path / "ride.fit", f"{number}.fit")
    report = into(tmp_path / "home", tmp_path / "season.tar.xz", workers=2)
    assert outcomes(report) == {"added": 5}


@pytest.mark.data
def test_twins_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for kind in ("fit", "tcx", "gpx"):
        source = shared_data("B_activity_files", kind, f"sportslib__6782987395.{kind}.gz")
        (folder / source.name).write_bytes(source.read_bytes())
    report = into(tmp_path / "home", folder, workers=1)
    assert outcomes(report) == {"added": 1, "twin": 2}
    (id,) = report["added"]
    (found,) = Archive.open(tmp_path / "home" / "archive").find()
    assert found.id == id
    assert {twin["id"] for twin in report["twins"]} < set(found.recordings)
    assert {twin["name"].rpartition(".")[2] for twin in report["twins"]} <= {"fit", "tcx", "gpx"}


def test_a_process_that_dies_costs_its_file_only(rides: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (home.plugins / "ingest").mkdir(parents=True)
    (home.plugins / "ingest" / "deadly.py").write_text(DEADLY)
    folder = tmp_path / "files"
    folder.mkdir()
    for file in sorted(rides.glob("*.fit"))[:12]:
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "05a.bin").write_bytes(b"DEADLY")
    report = into(home.path, folder, workers=2)
    assert outcomes(report) == {"added": 12, "refused": 1}
    assert "its reader died" in report["refused"][0]["reason"]
    assert len(Archive.open(home.archive)) == 12
    left = [file for file in (home.archive / "streams").iterdir() if file.suffix == ".tmp"]
    assert left == [], "nothing that was written twice stays behind"


def test_a_reader_that_never_ends_is_ended(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (home.plugins / "ingest").mkdir(parents=True)
    stuck = DEADLY.replace("os.kill(os.getpid(), signal.SIGKILL)", "signal.pause()")
    (home.plugins / "ingest" / "deadly.py").write_text(stuck)
    (tmp_path / "stuck.bin").write_bytes(b"DEADLY")
    jobs = plan(tmp_path / "stuck.bin", readers(home.plugins))
    found: list[Found] = []
    with IngestPool(Settings(str(home.archive), str(home.plugins), ""), 1, patience_s=2) as pool:
        pool.run(jobs, lambda _number, _job, each: found.append(each))
    (refusal,) = found[0].refused
    assert "never ended" in refusal.reason


def test_a_kill_of_all_loses_nothing_kept_and_leaves_nobody(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("many")
    for number in range(100):
        (folder / f"{number:03d}.fit").write_bytes(ride(300, number))
    process = subprocess.Popen(
        [sys.executable, "-c", INGEST, str(tmp_path), str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
    )
    archive = Archive.open(tmp_path / "archive")
    wait_until(lambda: len(archive) > 0 or process.poll() is not None)
    workers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    kept = [found.id for found in archive.find()]
    assert 0 < len(kept) < 100, "killed at work"
    wait_until(lambda: not any(is_running(worker) for worker in workers))
    assert [archive.get(id).id for id in kept] == kept
    report = into(tmp_path, folder, workers=1)
    assert outcomes(report) == {"added": 100 - len(kept), "known": len(kept)}


def test_a_killed_worker_is_replaced(tmp_path: Path, rides: Path) -> None:
    killed: list[int] = []

    def progress(_name: str, done: int, _total: int) -> None:
        if done >= 5 and not killed:
            killed.extend(children(os.getpid())[:1])
            os.kill(killed[0], signal.SIGKILL)

    report = into(tmp_path, rides, workers=2, progress=progress)
    assert killed
    assert outcomes(report)["added"] == RIDES + 1
    assert outcomes(report)["refused"] == 1


def children(parent: int) -> list[int]:
    """Processes that one started and that run."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != parent:
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent and fields[0] != "Z":
                found.append(int(folder.name))
    return found


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
