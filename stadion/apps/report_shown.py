"""The report of an ingest in, what a person reads of it in the terminal out."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import typer

from stadion.apps.measures import told
from stadion.apps.showing import table

__all__ = ["show_report"]

_FEW_ROWS = 30
_MOST_ROWS = 200
_WORDS = {"added": "new", "twin": "joined to a recording that was there",
          "known": "known already", "table": "tables", "refused": "refused"}  # fmt: skip


def show_report(report: Mapping[str, Any], show_all: bool) -> None:
    """What became of every file: the counts, which add up, then a row for each with a remark."""
    rows = report["files"]
    typer.echo(_counts(rows))
    shown = rows if show_all or len(rows) <= _FEW_ROWS else [r for r in rows if _is_remarkable(r)]
    if not show_all:
        shown = shown[:_MOST_ROWS]
    if shown:
        typer.echo("")
        table([_row(row) for row in shown])
    if len(shown) < len(rows):
        typer.echo(f"\n{len(rows) - len(shown)} more without a remark here; --all lists them")


def _counts(rows: Sequence[Mapping[str, Any]]) -> str:
    counts = Counter(row["outcome"] for row in rows)
    files = sum(1 for _ in itertools.groupby(rows, key=lambda row: row["name"]))
    shown = [key for key in _WORDS if counts[key] or key in ("added", "refused")]
    told_counts = [f"{counts[key]} {_WORDS[key]}" for key in shown]
    repaired = sum(bool(row["repairs"]) for row in rows if row["outcome"] != "known")
    if repaired:
        told_counts.append(f"{repaired} of them repaired")
    more = f" with {len(rows)} parts" if len(rows) > files else ""
    return f"{files} file{'s' if files != 1 else ''}{more}: {', '.join(told_counts)}"


def _is_remarkable(row: Mapping[str, Any]) -> bool:
    if row["outcome"] in ("added", "table"):
        return bool(row["repairs"])
    return str(row["outcome"]) != "known"


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    reason = row.get("reason", "")
    repairs = "; ".join(f"{repair['what']}: {repair['count']}" for repair in row["repairs"])
    return {
        "file": row["name"].rpartition("/")[2],
        "outcome": row["outcome"],
        "id": (row.get("id") or "")[:12] or None,
        "sport": row.get("sport") or None,
        "start (UTC)": (row.get("start") or "").replace("T", " ")[:16] or None,
        "duration": told("s", row["duration_s"]) if row.get("duration_s") else None,
        "reason": "; ".join(word for word in (reason, repairs) if word) or None,
    }
