"""What readers gave in, kept in the archive and reported; all that it holds out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stadion.archive import Archive, Draft, Outcome, Tables
from stadion.core.activity import Activity, Recording, Table
from stadion.ingest import Doubled, Opened, Refusal

__all__ = [
    "Found",
    "Line",
    "Row",
    "add_rows",
    "commit",
    "everything_kept",
    "found_in",
    "keep",
    "nothing_yet",
]

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Line:
    """One recording or table of an ingest, as the report tells it."""

    name: str
    id: str
    sport: str = ""
    start: str | None = None
    duration_s: float | None = None
    repairs: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What was read and written, not yet all kept; as JSON it may cross processes.

    Parameters
    ----------
    drafts
        Recordings whose files are written and whose rows are not.
    known
        Recordings and tables that were there.
    tables
        Tables that were kept.
    """

    drafts: tuple[tuple[Draft, Line], ...] = ()
    known: tuple[Line, ...] = ()
    tables: tuple[Line, ...] = ()
    refused: tuple[Refusal, ...] = ()
    doubled: tuple[Doubled, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one recording, table or file.

    Parameters
    ----------
    outcome
        `added`, `twin`, `known`, `table` or `refused`.
    twin_of
        The workout that a twin was joined to.
    """

    outcome: str
    line: Line
    reason: str = ""
    twin_of: str = ""


def nothing_yet() -> dict[str, Any]:
    """The report of an ingest before its first file.

    `added` are ids of workouts that are new, `twins` recordings that were joined to one; `known`
    counts what was there already, `tables` new tables; `files` has a row for each of all.
    """
    return {
        "added": [], "known": 0, "twins": [], "tables": 0, "refused": [], "repairs": [],
        "files": [],
    }  # fmt: skip


def keep(opened: Opened, archive: Archive, tables: Tables, report: dict[str, Any]) -> None:
    """Keep everything that was read, and add to the report what became of it."""
    activities = list(opened.activities)
    rest = Opened((), opened.tables, opened.refused, opened.doubled)
    for at in range(0, len(activities), _BATCH):
        part = Opened(tuple(activities[at : at + _BATCH]))
        add_rows(report, commit([found_in(part, archive, tables)], archive)[0])
    add_rows(report, commit([found_in(rest, archive, tables)], archive)[0])


def found_in(opened: Opened, archive: Archive, tables: Tables, sync: bool = True) -> Found:
    """Write the files of what was read; what the archive has already is not written again.

    Parameters
    ----------
    sync
        False leaves it to `commit` to see the files on the disk.
    """
    drafts: list[tuple[Draft, Line]] = []
    old: list[Line] = []
    written = archive.drafts(opened.activities, sync) if opened.activities else []
    for activity, draft in zip(opened.activities, written, strict=True):
        line = _line(activity)
        if draft is None:
            old.append(line)
        else:
            drafts.append((draft, line))
    lines = [_table_line(table) for table in opened.tables]
    news = tables.add_all(opened.tables) if opened.tables else []
    new_tables = [line for line, is_new in zip(lines, news, strict=True) if is_new]
    old += [line for line, is_new in zip(lines, news, strict=True) if not is_new]
    return Found(tuple(drafts), tuple(old), tuple(new_tables), opened.refused, opened.doubled)


def commit(founds: Sequence[Found], archive: Archive) -> list[list[Row]]:
    """Keep the drafts of all in one commit; for each, what became of what."""
    outcomes = iter(archive.take([draft for found in founds for draft, _ in found.drafts]))
    return [
        [
            *(_kept(line, next(outcomes)) for _, line in found.drafts),
            *(Row("known", line) for line in found.known),
            *(Row("table", line) for line in found.tables),
            *(Row("known", Line(d.name, ""), f"the same as {d.same_as}") for d in found.doubled),
            *(Row("refused", Line(r.name, ""), r.reason) for r in found.refused),
        ]
        for found in founds
    ]


def add_rows(report: dict[str, Any], rows: Sequence[Row]) -> None:
    """Add to the report what became of some recordings, tables or files."""
    for row in rows:
        line = row.line
        repairs = [{"what": what, "count": count} for what, count in line.repairs]
        report["repairs"] += [{"name": line.name} | repair for repair in repairs]
        if row.outcome == "added":
            report["added"].append(line.id)
        elif row.outcome == "twin":
            report["twins"].append({"id": line.id, "of": row.twin_of, "name": line.name})
        elif row.outcome == "refused":
            report["refused"].append({"name": line.name, "reason": row.reason})
        else:
            report["known" if row.outcome == "known" else "tables"] += 1
        report["files"].append(
            {
                "name": line.name,
                "outcome": row.outcome,
                "id": line.id,
                "sport": line.sport,
                "start": line.start,
                "duration_s": line.duration_s,
                "repairs": repairs,
                "reason": row.reason,
            }
        )


def everything_kept(archive: Archive, tables: Tables) -> list[Recording]:
    """All workouts, then all tables."""
    kept: list[Recording] = [archive.get(found.id) for found in archive.find(is_fresh=False)]
    return kept + tables.read()


def _kept(line: Line, outcome: Outcome) -> Row:
    if not outcome.is_new:
        return Row("known", line)
    if outcome.twin_of:
        reason = f"the same workout as {outcome.twin_of[:12]}"
        return Row("twin", line, reason, outcome.twin_of)
    return Row("added", line)


def _line(activity: Activity) -> Line:
    return Line(
        name=activity.source.name,
        id=activity.id,
        sport=activity.sport,
        start=activity.start.isoformat() if activity.start else None,
        duration_s=activity.duration_s,
        repairs=tuple((repair.what, repair.count) for repair in activity.source.repairs),
    )


def _table_line(table: Table) -> Line:
    repairs = tuple((repair.what, repair.count) for repair in table.source.repairs)
    return Line(name=table.source.name, id="", sport=table.kind, repairs=repairs)
