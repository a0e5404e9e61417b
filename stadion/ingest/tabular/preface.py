"""The lines above a table's header, or the file's name in, when the recording began out."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence

import numpy as np

from stadion.core.activity import Repair
from stadion.ingest.tabular.table import Facts
from stadion.ingest.tabular.times import localised, moments_in

__all__ = ["facts_of", "start_of"]

_STARTS = re.compile(
    r"(?:start|begin|date|datum|fecha|开始|日期)(?:[ _/]?(?:time|date|zeit|uhrzeit|时间|at))*",
    re.IGNORECASE,
)
_TOLD = re.compile(r"[#/\s]*([^:=,;]{3,30})\s*[:=,;]\s*(.{8,40}?)[,;\s]*")
_NAME = re.compile(
    r"(?:^|[^0-9])(\d{4})[_-](\d\d)[_-](\d\d)[_T-](\d\d)[_-](\d\d)[_-](\d\d)(?![0-9])"
)


def start_of(preface: Sequence[str], delimiter: str, path: str, zone: str) -> Facts:
    """The start as the preface tells it, else as a name such as 2009_07_10_17_55_06.csv does."""
    for text in _candidates(preface, delimiter):
        found = facts_of(text, zone)
        if found is not None:
            return found
    named = _NAME.search(path.rpartition("/")[2])
    if named:
        text = f"{named[1]}-{named[2]}-{named[3]} {named[4]}:{named[5]}:{named[6]}"
        found = facts_of(text, zone)
        if found is not None:
            where = Repair("start taken from the name of the file")
            return Facts(found.start_s, (where, *found.repairs))
    return Facts()


def _candidates(preface: Sequence[str], delimiter: str) -> Iterator[str]:
    rows = [_fields(line, delimiter) for line in preface]
    for names, values in itertools.pairwise(rows):
        for name, value in zip(names, values, strict=False):
            if _STARTS.fullmatch(name.strip(" #")):
                yield value
    for line in preface:
        told = _TOLD.fullmatch(line[:200])
        if told and _STARTS.fullmatch(told[1].strip()):
            yield told[2]


def _fields(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def facts_of(text: str, zone: str) -> Facts | None:
    """The start that a date with a time tells; without a zone of its own it is in `zone`."""
    found = moments_in([text.strip().strip('"')])
    seconds = found.month_first if np.isfinite(found.month_first[0]) else found.day_first
    if not np.isfinite(seconds[0]) or not {"local", "zoned"} & found.kinds.keys():
        return None
    if "local" not in found.kinds:
        return Facts(float(seconds[0]))
    if zone:
        return Facts(float(localised(seconds, zone)[0]))
    return Facts(float(seconds[0]), (Repair("times without a zone taken as UTC"),))
