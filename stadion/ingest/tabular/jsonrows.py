"""JSON of rows or of columns in, a table's columns out, in bounded memory."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import orjson

from stadion.core.errors import Code, StadionError
from stadion.ingest._sports import sport_named
from stadion.ingest.tabular.columns import Column
from stadion.ingest.tabular.layout import heading_of
from stadion.ingest.tabular.mapping import ColumnMapping
from stadion.ingest.tabular.preface import facts_of
from stadion.ingest.tabular.table import Facts, Table
from stadion.ingest.tabular.words import Meaning, meaning_of

__all__ = ["add_rows", "document", "filled", "lines"]

_MOST_COLUMNS = 128
_FREE_CELLS = 8_000_000
_MOST_LINE_BYTES = 1 << 20
_CHUNK_ROWS = 5_000
_BASE_BYTES = 64 << 20
_STARTS = ("start", "startTime", "start_time", "start_date", "startDate", "date", "timestamp")
_SPORTS = ("sport", "sport_type", "activityType", "type")
_BLANK = b"\xef\xbb\xbf \t\r\n"
_PAIRS = {"latlng", "latlong", "latlon"}


def filled(table: Table, data: bytes) -> Facts:
    """Add what the JSON holds, whichever its form.

    Returns
    -------
    What stands beside its arrays: the start; a sport goes to the table.

    Raises
    ------
    StadionError
        INVALID for what is no JSON or holds no rows.
    """
    if _is_by_line(data):
        add_rows(table, lines(data, table))
        return Facts()
    found = document(data.strip(_BLANK))
    streams = _streams_in(found)
    if streams is not None:
        _add_columns(table, streams)
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


def document(data: bytes) -> Any:
    """The one JSON document in `data`.

    Raises
    ------
    StadionError
        INVALID for what is no JSON, is nested too deep, or would fill the memory.
    """
    # What Python needs per opened bracket and per value, at the least.
    needed = 72 * (data.count(b"{") + data.count(b"[")) + 32 * data.count(b",")
    if needed > _BASE_BYTES + 7 * len(data):
        raise StadionError(
            Code.INVALID, "JSON of too many values for its size; write one object per line instead"
        )
    try:
        return orjson.loads(data)
    except ValueError as error:
        raise StadionError(Code.INVALID, f"JSON that is damaged or cut short: {error}") from error


def lines(data: bytes, table: Table) -> Iterator[Mapping[str, Any]]:
    """The object of each line; lines that hold none are counted."""
    for line in io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line) if len(line) <= _MOST_LINE_BYTES else None
        except ValueError:
            row = None
        if isinstance(row, dict):
            yield row
        else:
            table.lost["lines that hold no JSON object dropped"] += 1


def add_rows(table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add objects, one a row; what they nest one level deep is taken out."""
    source = iter(rows)
    places: dict[str, int] = {}
    told = 0
    while chunk := list(islice(source, _CHUNK_ROWS)):
        values: dict[str, list[Any]] = {}
        for k, row in enumerate(chunk):
            for name, value in _flat(row):
                column = values.get(name)
                if column is None:
                    if len(values) >= _MOST_COLUMNS:
                        table.lost[f"fields beyond the first {_MOST_COLUMNS} names left out"] += 1
                        continue
                    column = values[name] = []
                # Told twice in one row, the first counts.
                if len(column) <= k:
                    column.extend([None] * (k - len(column)))
                    column.append(value)
                    told += 1
        if (len(places) + len(values)) * (table.rows + len(chunk)) > _FREE_CELLS + 8 * told:
            raise StadionError(
                Code.INVALID, "rows of ever other fields; expected the same fields in every row"
            )
        _add_chunk(table, places, values, len(chunk))


def _streams_in(found: Any) -> dict[str, Sequence[Any]] | None:
    """Name -> values of a document made of columns; None when it is none.

    Either `{"hr": [...], ...}`, `{"hr": {"data": [...]}, ...}` or
    `[{"type": "hr", "data": [...]}, ...]`.
    """
    if isinstance(found, dict):
        pairs = [(name, _data(value)) for name, value in found.items()]
    elif isinstance(found, list) and found and all(isinstance(s, dict) for s in found[:64]):
        pairs = [(str(s.get("type", s.get("name", ""))), _data(s)) for s in found[:_MOST_COLUMNS]]
    else:
        return None
    streams = {name: data for name, data in pairs[:_MOST_COLUMNS] if name and data is not None}
    return streams if any(_is_stream(data) for data in streams.values()) else None


def _add_columns(table: Table, streams: Mapping[str, Sequence[Any]]) -> None:
    """Add whole columns; shorter ones end in blanks."""
    count = max(map(len, streams.values()), default=0)
    values: dict[str, list[Any]] = {}
    for name, data in streams.items():
        if not _is_stream(data):
            continue
        if len(data) < count:
            table.lost["columns shorter than the longest"] += 1
        whole = [*data, *[None] * (count - len(data))]
        if _is_pair(name):
            values["lat"] = [_part(pair, 0) for pair in whole]
            values["lng"] = [_part(pair, 1) for pair in whole]
        else:
            values[name] = whole
    _add_chunk(table, {}, values, count)


def _flat(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict):
            for inner, part in islice(value.items(), 64):
                yield (inner if meaning_of(inner).role else f"{name}_{inner}"), part
        elif _is_pair(name):
            yield "lat", _part(value, 0)
            yield "lng", _part(value, 1)
        else:
            yield name, value


def _is_pair(name: str) -> bool:
    return name.lower().replace("_", "") in _PAIRS


def _part(pair: Any, place: int) -> Any:
    return pair[place] if isinstance(pair, list) and len(pair) >= 2 else None


def _data(value: Any) -> Sequence[Any] | None:
    if isinstance(value, dict):
        value = value.get("data", value.get("values"))
    return value if isinstance(value, list) else None


def _is_stream(data: Sequence[Any]) -> bool:
    known = [value for value in data[:20] if value is not None]
    return bool(known) and not any(isinstance(value, dict) for value in known)


def _add_chunk(
    table: Table, places: dict[str, int], values: Mapping[str, list[Any]], count: int
) -> None:
    for name in values:
        if name not in places and len(places) < _MOST_COLUMNS:
            places[name] = len(table.columns)
            table.columns.append(_column(name, table.mapping))
            if table.rows:
                table.columns[-1].add_numbers(np.full(table.rows, np.nan))
    for name, place in places.items():
        column = values.get(name, [])
        _add_values(table.columns[place], [*column, *[None] * (count - len(column))], table)
    table.rows += count


def _column(name: str, mapping: ColumnMapping) -> Column:
    is_named, meaning = mapping.of(name)
    if not is_named:
        heading = heading_of(name)
        meaning = meaning_of(heading.name, heading.unit)
    return Column(name, meaning or Meaning("left out", ""), is_named)


def _add_values(column: Column, values: list[Any], table: Table) -> None:
    if column.meaning.role == "left out":
        return
    if any(isinstance(value, str | list | dict) for value in values):
        column.add(["" if v is None else _text(v) for v in values], table.notation)
        return
    numbers = np.array([np.nan if v is None else float(v) for v in values], np.float64)
    if not column.sample:
        known = numbers[np.isfinite(numbers)]
        column.sample = f"{known[0]:g}" if len(known) else ""
    if column.meaning.role == "athlete":
        column.words.update({str(v) for v in values if v is not None})
    column.add_numbers(numbers)


def _text(value: Any) -> str:
    if isinstance(value, list | dict):
        return "[...]"
    return value if isinstance(value, str) else str(float(value))


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
