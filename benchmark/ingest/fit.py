"""FIT files read whole, from bytes to activities, beside the open decoders, on one core.

Ours includes the checksum, the digest, laps, sessions, events and what the file says of the
athlete; fitdecode and fitparse give every message as objects, fitfast.records the columns of
the records alone, fitfast.parse every message as a dictionary.
"""

from __future__ import annotations

import csv
import gzip
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import fitdecode
import fitfast
import fitparse

from benchmark.ingest.measures import Figure, best_seconds
from stadion.core.errors import StadionError
from stadion.ingest.base import Member
from stadion.ingest.fit import PLUGIN
from tests.ingest.fit_ride import ride

__all__ = ["measure"]

_RECORDS = 10_800
_CORPUS = "B_activity_files"


def measure(data: Path) -> list[Figure]:
    """A ride of three hours, then the healthy files of the corpus where it is there."""
    figures = _of_ride(ride(_RECORDS))
    return figures + (_of_corpus(data / _CORPUS) if (data / _CORPUS).is_dir() else [])


def _of_ride(data: bytes) -> list[Figure]:
    work: dict[str, Callable[[], object]] = {
        "stadion": partial(_stadion, data),
        "fitfast.records": partial(fitfast.records, data),
        "fitfast.parse": partial(fitfast.parse, data),
        "fitdecode": partial(_fitdecode, data),
        "fitparse": partial(_fitparse, data),
    }
    rounds = {"stadion": 40, "fitfast.records": 40, "fitfast.parse": 20}
    best = best_seconds(work, rounds | {"fitdecode": 3, "fitparse": 2})
    ours = best["stadion"]
    details = {name: seconds * 1000 for name, seconds in best.items()} | {"bytes": len(data)}
    about = f"ride of {_RECORDS} records"
    return [
        Figure(f"{about}: read by Stadion", ours * 1000, "ms", "", details),
        Figure(f"{about}: times faster than fitdecode", best["fitdecode"] / ours, "x", ">= 100"),
        Figure(f"{about}: times faster than fitparse", best["fitparse"] / ours, "x"),
        Figure(f"{about}: times faster than fitfast", best["fitfast.records"] / ours, "x", ">= 1"),
        Figure(f"{about}: times faster than fitfast.parse", best["fitfast.parse"] / ours, "x"),
    ]


def _of_corpus(folder: Path) -> list[Figure]:
    files = _healthy(folder)
    work: dict[str, Callable[[], object]] = {
        "stadion": lambda: [_stadion(data) for data in files],
        "fitfast.records": lambda: [_fitfast(data) for data in files],
        "fitdecode": lambda: [_fitdecode(data) for data in files],
    }
    best = best_seconds(work, {"stadion": 5, "fitfast.records": 5, "fitdecode": 1})
    details = dict(best) | {"files": len(files)}
    size = sum(map(len, files))
    ours = best["stadion"]
    about = "all healthy FIT files"
    return [
        Figure(f"{about}: read by Stadion", ours, "s", "", details | {"bytes": size}),
        Figure(f"{about}: megabytes a second", size / ours / 1e6, "MB/s"),
        Figure(f"{about}: times faster than fitdecode", best["fitdecode"] / ours, "x", ">= 60"),
        Figure(f"{about}: times faster than fitfast", best["fitfast.records"] / ours, "x"),
    ]


def _healthy(folder: Path) -> list[bytes]:
    with (folder / "index.csv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["file"].startswith("fit/")]
    read = [row["file"] for row in rows if row["reader_status"] == "ok"]
    files = [gzip.decompress((folder / name).read_bytes()) for name in read]
    return [data for data in files if data]


def _stadion(data: bytes) -> object:
    try:
        return PLUGIN.read([Member.of("ride.fit", data)])
    except StadionError:
        return None  # a file of settings


def _fitfast(data: bytes) -> object:
    try:
        return fitfast.records(data)
    except fitfast.FitDecodeError:
        return None


def _fitdecode(data: bytes) -> int:
    with fitdecode.FitReader(data) as frames:
        return sum(1 for _ in frames)


def _fitparse(data: bytes) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sum(1 for _ in fitparse.FitFile(data).get_messages())
