"""What readers gave in, kept in the archive; all that it holds out."""

from __future__ import annotations

from typing import Any

from stadion.archive import Archive, Tables
from stadion.core.activity import Activity, Recording, Table
from stadion.ingest import Opened
from stadion.platform.views import plain

__all__ = ["everything_kept", "keep", "nothing_yet"]


def nothing_yet() -> dict[str, Any]:
    """The report of an ingest before its first file."""
    return {"added": [], "known": 0, "tables": 0, "refused": [], "repairs": []}


def keep(opened: Opened, archive: Archive, tables: Tables, report: dict[str, Any]) -> None:
    """Keep everything that was read, and add to the report what became of it."""
    news = archive.add_all(opened.activities)
    for activity, is_new in zip(opened.activities, news, strict=True):
        report["known"] += not is_new
        if is_new:
            report["added"].append(activity.id)
    new_tables = tables.add_all(opened.tables)
    report["tables"] += sum(new_tables)
    report["known"] += len(new_tables) - sum(new_tables)
    for value in opened.recordings:
        report["repairs"] += _repairs(value)
    report["refused"] += [plain(refusal) for refusal in opened.refused]


def everything_kept(archive: Archive, tables: Tables) -> list[Recording]:
    """All recordings, then all tables."""
    kept: list[Recording] = [archive.get(summary.id) for summary in archive.find()]
    return kept + tables.read()


def _repairs(value: Activity | Table) -> list[dict[str, Any]]:
    return [
        {"name": value.source.name, "what": repair.what, "count": repair.count}
        for repair in value.source.repairs
    ]
