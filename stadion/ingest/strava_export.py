"""The table of a Strava export in, its sessions and notes on the recordings beside it out."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stadion.core.activity import Activity, Repair, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest._dates import moment_told, writes_month_first
from stadion.ingest._days import number_in
from stadion.ingest._exercises import Session, sessions_table
from stadion.ingest._strava_words import columns_of, sports_of
from stadion.ingest.base import Member, Note, Notes, digest_of, source_of

__all__ = ["PLUGIN", "StravaExportReader"]

_FIRST, _LAST = datetime(1980, 1, 1), datetime(2100, 1, 1)
_MOST_ROWS = 500_000
_PACKED = (".gz", ".xz")
_LONGEST = 4_000
_FEWEST = 4
_WIDE = (b"\xff\xfe", b"\xfe\xff")
# Columns of numbers -> their words in a table of sessions; all stand there in SI.
_NUMBERS = {
    "elapsed": "duration", "moving": "active_duration", "distance": "distance",
    "speed": "speed", "climb": "climb", "heart_rate": "heart_rate", "energy": "energy",
    "exertion": "rpe",
}  # fmt: skip
_TEXTS = ("title", "description", "gear")


class StravaExportReader:
    """activities.csv of "download your data", in the language of its owner.

    The recordings beside it are read by their own readers and get title, sport and date from
    here. All sessions are in the table: `recording` names the file of those that have one, the
    others were typed in by hand (`source` is `report`). Starts are in UTC, as Strava writes them.
    """

    name = "strava_export"
    layout = "activities.csv of a Strava export: an id, date, name, type and file per activity."
    guesses = False

    def example(self) -> list[Member]:
        """A run with a recording, and a swim without."""
        return [Member.of("export_1/activities.csv", _EXAMPLE)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Tables whose header is Strava's, in any language."""
        return [[member] for member in members if _is_ours(member)]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One table of kind `sessions`."""
        (member,) = group
        data = member.data
        mended: Counter[str] = Counter()
        rows = list(_rows(data, mended))
        sessions = [session for row in rows if (session := _session(row)) is not None]
        if not sessions:
            raise StadionError(Code.INVALID, "no activity with a date and a duration in the table")
        if len(sessions) < len(rows):
            mended["activities without a date or a duration left out"] += len(rows) - len(sessions)
        mended["starts in UTC, since the table has no time zone"] += len(sessions)
        repairs = [Repair(what, count) for what, count in mended.items()]
        source = source_of(self.name, member.path, digest_of([data]), repairs)
        sessions.sort(key=lambda session: session.start)
        return [sessions_table(sessions, {}, source)]

    def notes(self, group: Sequence[Member]) -> Notes:
        """Title, sport and date of each recording, by its file."""
        (member,) = group
        notes = {
            _unpacked(row.texts["file"]): Note(row.texts["title"], *row.sports, row.start)
            for row in _rows(member.data, Counter())
            if row.texts["file"]
        }
        folder = member.path.rpartition("/")[0]
        return Notes(f"{folder}/" if folder else "", notes)


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    texts: Mapping[str, str]
    start: datetime | None
    """UTC."""

    @property
    def sports(self) -> tuple[str, str]:
        return sports_of(self.texts["sport"])


def _is_ours(member: Member) -> bool:
    if b"\0" in member.head[:256] and not member.head.startswith(_WIDE):
        return False
    # A header of long words is cut short in a head: its first columns do.
    header = _header(member.head)
    return len(header) >= _FEWEST and bool(columns_of(header))


def _header(data: bytes) -> list[str]:
    line = _text(data[: 1 << 14]).partition("\n")[0].rstrip("\r")
    try:
        return next(csv.reader([line], delimiter=_delimiter(line)), [])
    except csv.Error:
        return []


def _text(data: bytes) -> str:
    if data.startswith(_WIDE):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _rows(data: bytes, mended: Counter[str]) -> Iterator[_Row]:
    header = _header(data)
    columns = columns_of(header)
    if not columns:
        raise StadionError(
            Code.INVALID, "no header of Strava's activities.csv; expected an id, a date, a file"
        )
    texts = list(_texts(data, columns, mended))
    month_first = writes_month_first([row.get("date", "") for row in texts])
    for row in texts:
        start = moment_told(row.get("date", "")[:60], month_first)
        is_possible = start is not None and _FIRST <= start < _LAST
        known = {name: row.get(name, "").strip() for name in (*_TEXTS, "sport", "file")}
        numbers = {name: row.get(name, "") for name in _NUMBERS}
        yield _Row(known | numbers, start.replace(tzinfo=UTC) if start and is_possible else None)


def _texts(
    data: bytes, columns: Mapping[str, int], mended: Counter[str]
) -> Iterator[dict[str, str]]:
    text = _text(data)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text.partition("\n")[0]))
    last = max(columns[name] for name in ("id", "date") if name in columns)
    try:
        next(lines, None)
        for count, row in enumerate(lines):
            if count >= _MOST_ROWS:
                raise StadionError(Code.INVALID, f"a table of over {_MOST_ROWS} activities")
            if len(row) <= last:
                mended["rows that break off left out"] += bool(row)
                continue
            yield {
                name: row[place][:_LONGEST] for name, place in columns.items() if place < len(row)
            }
    except csv.Error as error:
        raise StadionError(Code.INVALID, f"a table that breaks off: {error}") from error


def _session(row: _Row) -> Session | None:
    duration = number_in(row.texts["elapsed"])
    if row.start is None or not 0 < duration <= 86_400 * 30:
        return None
    values = {word: _number(row.texts[name]) for name, word in _NUMBERS.items()}
    sport = row.sports[0] or row.texts["sport"]
    texts = {name: row.texts[name] for name in _TEXTS if row.texts[name]}
    if row.texts["file"]:
        texts["recording"] = row.texts["file"]
    return Session(
        "",
        row.start.replace(tzinfo=None),
        sport,
        "tracker" if row.texts["file"] else "report",
        {name: value for name, value in values.items() if math.isfinite(value) and value > 0},
        texts,
    )


def _number(text: str) -> float:
    """A number of any locale: these columns have no marks for thousands."""
    return number_in(text.replace(",", ".")) if text.count(",") == 1 else number_in(text)


def _unpacked(file: str) -> str:
    path = file.replace("\\", "/").strip("/")
    return next((path[: -len(s)] for s in _PACKED if path.lower().endswith(s)), path)


def _cells(*told: tuple[int, Any]) -> bytes:
    row = [""] * 19
    for place, value in told:
        row[place] = str(value)
    return ",".join(row).encode() + b"\n"


_EXAMPLE = (
    b"Activity ID,Activity Date,Activity Name,Activity Type,Activity Description,Elapsed Time,"
    b"Distance,Max Heart Rate,Relative Effort,Commute,Activity Private Note,Activity Gear,"
    b"Filename,Athlete Weight,Bike Weight,Elapsed Time,Moving Time,Distance,Max Speed\n"
    + _cells((0, 1), (1, '"Sep 1, 2023, 6:12:05 AM"'), (2, "Morning Run"), (3, "Run"),
             (12, "activities/7.fit.gz"), (15, 1810.0), (16, 1795.0), (17, 5003.2))
    + _cells((0, 2), (1, '"Sep 2, 2023, 7:00:00 PM"'), (2, "Lake"), (3, "Swim"), (15, 1200.0))
)  # fmt: skip

PLUGIN = StravaExportReader()
