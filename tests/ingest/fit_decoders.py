"""Bytes of a FIT file in, the timed records out that each of four decoders finds in it."""

from __future__ import annotations

import contextlib
import logging
import math
import multiprocessing
import os
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import fitdecode
import fitfast
import fitparse

from stadion.core.activity import Activity
from stadion.core.errors import StadionError
from stadion.ingest.base import Member
from tests.ingest.real_files import reader

__all__ = ["DECODERS", "Children", "Rows", "by_fitdecode", "by_stadion"]

Rows = list[tuple[float, dict[str, float]]]
"""Time and values of each record that has a time."""

_EPOCH = 631_065_600
_NUMBERS = {0: "position_lat", 1: "position_long", 3: "heart_rate", 4: "cadence", 5: "distance",
            7: "power", 13: "temperature", 2: "altitude", 6: "speed", 78: "enhanced_altitude",
            73: "enhanced_speed", 53: "fractional_cadence"}  # fmt: skip
_NAMES = frozenset(_NUMBERS.values())


def by_stadion(data: bytes) -> Rows:
    """The rows of the main tracks."""
    rows: Rows = []
    try:
        values = reader("fit").read([Member.of("file.fit", data)])
    except StadionError:
        return rows
    for activity in values:
        if isinstance(activity, Activity) and activity.tracks and not activity.tracks[0].subject:
            start = activity.start.timestamp() if activity.start else 0.0
            rows += _of_columns(start + activity.tracks[0].time_s, activity.tracks[0].channels)
    return rows


def by_fitdecode(data: bytes) -> Rows:
    """All that comes before an error, if there is one."""
    rows: Rows = []
    ignore = fitdecode.ErrorHandling.IGNORE
    with (
        contextlib.suppress(Exception),
        fitdecode.FitReader(
            data, processor=None, check_crc=fitdecode.CrcCheck.DISABLED, error_handling=ignore
        ) as found,
    ):
        for frame in found:
            if isinstance(frame, fitdecode.FitDataMessage) and frame.global_mesg_num == 20:
                rows += _of_fields(frame.fields)
    return rows


def by_fitparse(data: bytes) -> Rows:
    """All that comes before an error, if there is one."""
    rows: Rows = []
    with contextlib.suppress(Exception):
        for message in fitparse.FitFile(data, check_crc=False).get_messages("record"):
            rows += _of_fields(message.fields)
    return rows


def by_fitfast(data: bytes) -> Rows:
    """All or nothing."""
    try:
        columns = fitfast.records(data)
    except BaseException:  # noqa: BLE001  # a panic of native code is no Exception
        return []
    return _of_columns(columns.get("timestamp", []), columns)


DECODERS = {
    "stadion": by_stadion,
    "fitdecode": by_fitdecode,
    "fitparse": by_fitparse,
    "fitfast": by_fitfast,
}


def _of_columns(times: Iterable[float], columns: Mapping[str, Any]) -> Rows:
    names = [name for name in columns if name in _NAMES]
    lists = [[float(x) for x in columns[name]] for name in names]
    return [
        (
            round(float(time), 2),
            {n: v for n, v in zip(names, row, strict=True) if not math.isnan(v)},
        )
        for time, row in zip(times, zip(*lists, strict=True) if lists else iter(()), strict=False)
        if not math.isnan(time)
    ]


def _of_fields(fields: Iterable[Any]) -> Rows:
    """No row for a record without a time or any value that is compared.

    Fields of developers are left out: their numbers, counted from 0, are not those of FIT.
    """
    time: float | None = None
    values: dict[str, float] = {}
    for each in fields:
        if hasattr(getattr(each, "field_def", None), "dev_data_index"):
            continue
        number = each.def_num
        value = each.raw_value[0] if isinstance(each.raw_value, tuple) else each.raw_value
        if isinstance(value, int | float) and math.isfinite(value):
            if number == 253:
                time = float(value) + _EPOCH
            elif number in _NUMBERS and getattr(each, "field_def", None) is not None:
                values[_NUMBERS[number]] = float(value)
    return [(time, values)] if time is not None and values else []


class Children:
    """One process that runs the other decoders, begun anew when one of them ends or stalls it."""

    def __init__(self, limit_s: float = 20) -> None:
        self.limit_s = limit_s
        self._start()

    def rows(self, decoder: str, data: bytes) -> Rows:
        """None at all where the decoder brought its process down."""
        self._pipe.send((decoder, data))
        with contextlib.suppress(EOFError, OSError):
            if self._pipe.poll(self.limit_s):
                rows: Rows = self._pipe.recv()
                return rows
        self.close()
        self._start()
        return []

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        self._process = context.Process(target=_serve, args=(far,), daemon=True)
        self._process.start()
        far.close()


def _serve(pipe: Any) -> None:
    """Answer one (decoder, bytes) after the other; what decoders print goes nowhere."""
    logging.disable()
    warnings.simplefilter("ignore")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    with contextlib.suppress(EOFError):
        while True:
            decoder, data = pipe.recv()
            pipe.send(DECODERS[decoder](data))
