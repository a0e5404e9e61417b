"""Real recordings as the tests want them: unwrapped bytes, and what an independent reader saw."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar, cast

from stadion.core.activity import Activity, Table
from stadion.core.plugins import Cupboard
from stadion.ingest.base import Member, Reader
from tests.places import shared_data

__all__ = ["index", "only", "raw", "read_bytes", "reader", "repairs"]

T = TypeVar("T")


def raw(name: str) -> bytes:
    """Bytes of `fit/NAME.fit` and so on, out of their gzip."""
    return gzip.decompress(shared_data("B_activity_files", f"{name}.gz").read_bytes())


@lru_cache(maxsize=1)
def index() -> dict[str, dict[str, str]]:
    """`fit/NAME.fit` -> what fitdecode or ElementTree found in it."""
    with shared_data("B_activity_files", "index.csv").open(encoding="utf-8") as lines:
        return {row["file"].removesuffix(".gz"): row for row in csv.DictReader(lines)}


def reader(name: str) -> Reader:
    """The plug-in of that name."""
    return Cupboard[Reader]("stadion.ingest").get(name)


def read_bytes(kind: str, data: bytes, path: str = "file") -> list[Activity]:
    """Activities of one file, by one reader."""
    values: list[Activity | Table] = reader(kind).read([Member.of(path, data)])
    return [cast(Activity, value) for value in values]


def only(values: Sequence[T]) -> T:
    """The one there is."""
    (value,) = values
    return value


def repairs(value: Activity | Table) -> dict[str, int]:
    """What was mended or lost -> how often."""
    return {repair.what: repair.count for repair in value.source.repairs}
