"""Verbs about recordings and questions: ingest, activities, tables, tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from stadion.apps.options import AsJson, HomeOption, open_home, verb
from stadion.apps.showing import answer, table

__all__ = ["activities", "ingest", "tables", "tasks"]

Athlete = Annotated[str, typer.Option("--athlete", help="Pseudonym of whoever was recorded.")]


@verb
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, archives.")],
    athlete: Athlete = "",
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Read files, folders and zips into the archive; say what was repaired or refused."""
    report = open_home(home).ingest(paths, athlete)
    if as_json:
        answer(report, as_json)
        return
    typer.echo(
        f"{len(report['added'])} new, {report['known']} known already, "
        f"{report['tables']} tables, {len(report['refused'])} refused"
    )
    for title in ("repairs", "refused"):
        if report[title]:
            typer.echo(f"\n{title}")
            table(report[title])


@verb
def activities(
    action: Annotated[str, typer.Argument(help="'show' to look at one.")] = "list",
    id: Annotated[str, typer.Argument(help="Id, or its beginning.")] = "",
    athlete: Athlete = "",
    sport: Annotated[str, typer.Option(help="Such as running.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 100,
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """List recordings, or show one: stadion activities show ID."""
    place = open_home(home)
    if action == "show" and id:
        answer(place.activity(id), as_json)
    elif action == "list":
        views = place.activities(athlete or None, sport or None, limit=limit)
        answer(views if as_json else [_line(view) for view in views], as_json)
    else:
        raise typer.BadParameter("say 'stadion activities' or 'stadion activities show ID'")


@verb
def tables(home: HomeOption = "", as_json: AsJson = False) -> None:
    """List tables in the archive: matches, strokes, days, sessions."""
    views = open_home(home).tables()
    rows = [
        view | {"id": view["id"][:12], "name": view["name"].rpartition("/")[2]} for view in views
    ]
    answer(views if as_json else rows, as_json)


@verb
def tasks(
    action: Annotated[str, typer.Argument(help="'show' to look at one.")] = "list",
    name: Annotated[str, typer.Argument(help="Name of a task.")] = "",
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """List the questions that can be asked, or show one: stadion tasks show TASK."""
    place = open_home(home)
    if action == "show" and name:
        answer(place.task(name), as_json)
    elif action == "list":
        views = place.tasks()
        rows = [{"task": v["task"], "question": v["question"]} for v in views]
        answer(views if as_json else rows, as_json)
    else:
        raise typer.BadParameter("say 'stadion tasks' or 'stadion tasks show TASK'")


def _line(view: dict[str, Any]) -> dict[str, Any]:
    """What tells one recording from another at a glance."""
    start = (view["start"] or "").replace("T", " ")[:16]
    minutes, seconds = divmod(round(view["duration_s"]), 60)
    return {
        "id": view["id"][:12],
        "start": start or None,
        "duration": f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}",
        "sport": view["sport"] or None,
        "athlete": view["athlete"] or None,
        "samples": view["samples"],
        "channels": len(view["channels"]),
        "file": view["name"].rpartition("/")[2],
        "repaired": "yes" if view["is_partial"] else None,
    }
