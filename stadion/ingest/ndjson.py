"""JSON of rows or of columns over time in, one activity out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from stadion.core.activity import Activity, Source
from stadion.core.activity import Table as Sheet
from stadion.core.errors import Code, StadionError
from stadion.ingest.base import Member, digest_of
from stadion.ingest.tabular.jsonrows import filled
from stadion.ingest.tabular.mapping import ColumnMapping, grouped, mapping_name, mapping_of
from stadion.ingest.tabular.table import Table
from stadion.ingest.tabular.words import meaning_of

__all__ = ["PLUGIN", "NdjsonReader"]

_BLANK = b"\xef\xbb\xbf \t\r\n"
_COLUMN = re.compile(
    rb'"([^"\\]{1,60})"\s*:\s*(?:\{[^{}\[\]]{0,200}?"(?:data|values)"\s*:\s*)?\[\s*(?:[-\d\[n"]|\])'
)
_STREAM = re.compile(rb'^\[\s*\{[^{}\[\]]{0,300}"data"\s*:\s*\[')
_ARRAY = re.compile(r"\[\s*\{")
_DECODER = json.JSONDecoder()


class NdjsonReader:
    """One object per line, an array of objects, or an object of arrays as Strava's streams.

    Channels and units are guessed from the names as in tables; a sidecar states them otherwise
    (`tabular.mapping`).
    """

    name = "ndjson"
    layout = "JSON with a time: an object per line, an array of objects, or arrays by channel."
    guesses = True

    def example(self) -> list[Member]:
        """Two seconds of a run."""
        rows = (
            b'{"t": 0, "values": {"hr": 120, "speed_kmh": 10.8}}\n'
            b'{"t": 1, "values": {"hr": 121, "speed_kmh": 10.9}}\n'
        )
        return [Member.of("run.ndjson", rows)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """JSON with names of the vocabulary, or with a sidecar that states others."""
        paths = {member.path for member in members}
        series = []
        for member in members:
            head = member.head.lstrip(_BLANK)
            is_stated = mapping_name(member.path) in paths and head[:1] in (b"{", b"[")
            if is_stated or _is_series(head):
                series.append(member)
        return grouped(series, members)

    def read(self, group: Sequence[Member]) -> list[Activity | Sheet]:
        """One activity; numbers are its channels."""
        datas = [member.data for member in group]
        mapping = mapping_of(datas[1]) if len(datas) > 1 else ColumnMapping()
        table = Table([], mapping)
        facts = filled(table, datas[0])
        if not table.rows or not table.columns:
            raise StadionError(
                Code.INVALID, "no rows in the JSON; expected objects with a time and numbers"
            )
        return [table.activity(Source(self.name, digest_of(datas), group[0].path), facts)]


def _is_series(head: bytes) -> bool:
    if head[:1] not in (b"{", b"["):
        return False
    if _STREAM.match(head):
        return True
    text = head.decode("utf-8", "ignore")
    if any(_is_row(_object_at(text, at)) for at in (0, *_first_in_arrays(text))):
        return True
    names = [found.decode("utf-8", "ignore") for found in _COLUMN.findall(head)]
    return text[0] == "{" and any(
        meaning_of(name).role or name.lower() == "latlng" for name in names
    )


def _object_at(text: str, at: int) -> dict[str, Any]:
    try:
        found, _ = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _first_in_arrays(text: str) -> list[int]:
    """Where the first object of an array begins: of the document, or of one of its members."""
    return [found.end() - 1 for found in islice(_ARRAY.finditer(text), 4)]


def _is_row(row: Mapping[str, Any]) -> bool:
    """True for an object with a time and a number beside it."""
    inner = {k: v for part in row.values() if isinstance(part, dict) for k, v in part.items()}
    named = {**inner, **row}
    times = {n for n, v in named.items() if meaning_of(n).role == "time" and _is_plain(v)}
    return bool(times) and any(
        isinstance(v, int | float) or _is_number(v) or n.lower() == "latlng"
        for n, v in named.items()
        if n not in times
    )


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | float | str) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.replace(".", "", 1).isdigit()


PLUGIN = NdjsonReader()
