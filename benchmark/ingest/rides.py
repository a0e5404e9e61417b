"""A thousand rides of three hours, as FIT files, into an archive with all their metrics."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from benchmark.ingest.measures import Figure, best_seconds
from stadion.archive import Archive, Tables
from stadion.archive.streams import write_activity
from stadion.archive.summary import facts_of
from stadion.core.activity import Activity
from stadion.core.profile import Profile
from stadion.core.settings import Home
from stadion.ingest.base import Member
from stadion.ingest.fit import PLUGIN
from stadion.ingest.opening.finish import finished
from stadion.platform.ingesting import ingest
from stadion.platform.reading import readers
from tests.ingest.fit_ride import ride

__all__ = ["measure"]

_RIDES = 1_000
_RECORDS = 10_800
_WORKERS = 2
_PROFILE = Profile(ftp_w=250, hr_max_bpm=190, hr_rest_bpm=50, sex="female", mass_kg=60)


def measure(data: Path) -> list[Figure]:  # the rides are made up
    """All rides by two processes, then where the time of one goes."""
    folder = Path(tempfile.mkdtemp(prefix="stadion-rides-"))
    try:
        return [*_whole(folder), *_parts(folder)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _whole(folder: Path) -> list[Figure]:
    rides = folder / "rides"
    rides.mkdir()
    for number in range(_RIDES):
        (rides / f"{number:04d}.fit").write_bytes(ride(_RECORDS, number))
    home = Home(folder / "home")
    archive = Archive.open(home.archive)
    archive.profiles.set("", date(2020, 1, 1), _PROFILE)
    tables = Tables(home.archive / "tables")
    began, used = time.perf_counter(), _cpu_s()
    report = ingest([rides], home, readers(home.plugins), archive, tables, workers=_WORKERS)
    took, used = time.perf_counter() - began, _cpu_s() - used
    assert len(report["added"]) == len(archive) == _RIDES
    found = archive.find()
    assert all(each.metrics["load"] > 0 for each in found)
    began = time.perf_counter()
    loads = archive.daily_loads("")
    curve_s = time.perf_counter() - began
    assert (loads.loads > 0).sum() == _RIDES
    stored = sum(f.stat().st_size for f in (home.archive / "streams").iterdir())
    given = sum(f.stat().st_size for f in rides.iterdir())
    about = f"{_RIDES} rides of {_RECORDS} records"
    return [
        Figure(f"{about} into the archive, {_WORKERS} workers", took, "s", "<= 30"),
        Figure(f"{about}: processor time of each", used / _RIDES * 1000, "ms", "<= 55"),
        Figure(f"{about}: bytes kept per byte of FIT", stored / given, "x"),
        Figure(f"{about}: catalogue", _size(home.archive / "catalogue.sqlite"), "MB"),
        Figure(f"{about}: loads of all days", curve_s * 1000, "ms"),
    ]


def _parts(folder: Path) -> list[Figure]:
    """One ride, step by step, on one core."""
    data = ride(_RECORDS, 1)
    (read,) = PLUGIN.read([Member.of("ride.fit", data)])
    assert isinstance(read, Activity)
    activity = finished(read)
    numbers = iter(range(1_000_000))
    work: dict[str, Callable[[], object]] = {
        "read": lambda: PLUGIN.read([Member.of("ride.fit", data)]),
        "flags and zone": partial(finished, read),
        "metrics and curves": partial(facts_of, activity, _PROFILE),
        "write": lambda: write_activity(folder / str(next(numbers)), activity, sync=False),
        "write and see on the disk": lambda: write_activity(folder / str(next(numbers)), activity),
    }
    best = best_seconds(work, dict.fromkeys(work, 15))
    return [Figure(f"one ride: {name}", best[name] * 1000, "ms") for name in work]


def _cpu_s() -> float:
    """Of this process and of those it started that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _size(file: Path) -> float:
    return file.stat().st_size / 1e6
