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
from stadion.ingest._sports import sport_named
from stadion.ingest.base import Member, digest_of
from stadion.ingest.tabular.jsonrows import add_columns, add_rows, document, lines, streams_in
from stadion.ingest.tabular.mapping import ColumnMapping, grouped, mapping_of
from stadion.ingest.tabular.preface import facts_of
from stadion.ingest.tabular.table import Facts, Table
from stadion.ingest.tabular.words import meaning_of

__all__ = ["PLUGIN", "NdjsonReader"]

_BLANK = b"\xef\xbb\xbf \t\r\n"
_COLUMN = re.compile(
    rb'"([^"\\]{1,60})"\s*:\s*(?:\{[^{}\[\]]{0,200}?"(?:data|values)"\s*:\s*)?\[\s*(?:[-\d\[n"]|\])'
)
_STREAM = re.compile(rb'^\[\s*\{[^{}\[\]]{0,300}"data"\s*:\s*\[')
_ARRAY = re.compile(r"\[\s*\{")
_STARTS = ("start", "startTime", "start_time", "start_date", "startDate", "date", "timestamp")
_SPORTS = ("sport", "sport_type", "activityType", "type")
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
        """JSON whose first object, or one of whose arrays, has a name of the vocabulary."""
        return grouped([m for m in members if _is_series(m.head.lstrip(_BLANK))], members)

    def read(self, group: Sequence[Member]) -> list[Activity | Sheet]:
        """One activity; numbers are its channels."""
        datas = [member.data for member in group]
        mapping = mapping_of(datas[1]) if len(datas) > 1 else ColumnMapping()
        table = Table([], mapping)
        facts = _filled(table, datas[0])
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


def _filled(table: Table, data: bytes) -> Facts:
    """Add what the JSON holds, whichever its form; facts that stand beside its arrays."""
    if _is_by_line(data):
        add_rows(table, lines(data, table))
        return Facts()
    found = document(data.strip(_BLANK))
    streams = streams_in(found)
    if streams is not None:
        add_columns(table, streams)
        return _facts(found, table) if isinstance(found, dict) else Facts()
    facts = Facts()
    if isinstance(found, dict):
        facts = _facts(found, table)
        found = next((v for v in found.values() if isinstance(v, list) and v), [found])
    if not isinstance(found, list):
        raise StadionError(Code.INVALID, "JSON of one value; expected rows with a time")
    rows = [row for row in found if isinstance(row, dict)]
    if len(rows) < len(found):
        table.lost["entries that are no JSON object dropped"] += len(found) - len(rows)
    add_rows(table, rows)
    return facts


def _is_by_line(data: bytes) -> bool:
    """True when the first line that is not blank holds a whole object."""
    first = data[: 1 << 20].lstrip(_BLANK).partition(b"\n")[0].strip()
    return first.startswith(b"{") and first.endswith(b"}") and data.rstrip().count(b"\n") > 0


def _facts(found: Mapping[str, Any], table: Table) -> Facts:
    for key in _SPORTS:
        word = found.get(key)
        if isinstance(word, str) and sport_named(word) and not table.sport:
            table.sport = sport_named(word)
    for key in _STARTS:
        told = found.get(key)
        if isinstance(told, str):
            facts = facts_of(told, table.mapping.zone)
            if facts is not None:
                return facts
        elif isinstance(told, int | float) and 3e8 < told < 4e12:
            return Facts(float(told) / (1e3 if told > 4e9 else 1.0))
    return Facts()


PLUGIN = NdjsonReader()
