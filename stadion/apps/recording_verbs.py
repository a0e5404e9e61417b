"""Verbs about recordings: ingest, activities, tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from stadion.apps.options import AsJson, HomeOption, open_home, verb
from stadion.apps.recordings_shown import listed, show_activity, shown_change
from stadion.apps.report_shown import show_report
from stadion.apps.showing import answer, file_bar
from stadion.core.errors import Code, StadionError

__all__ = ["activities", "ingest", "tables"]

Athlete = Annotated[str, typer.Option("--athlete", help="Pseudonym of whoever was recorded.")]

_PICTURE_POINTS = 4_000
_INTERRUPTED = 130  # as shells say of a signal


@verb
def ingest(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, archives.")],
    athlete: Athlete = "",
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=CHANNEL[UNIT]",
            help="What a column of a table is, such as 'Puls=heart_rate' or 'v=speed[km/h]'.",
        ),
    ] = None,
    show_guess: Annotated[
        bool, typer.Option("--guess", help="Only show how the columns of a table are understood.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(help="Processes that read. Default: one a core.", min=1)
    ] = None,
    show_all: Annotated[
        bool, typer.Option("--all", help="List every file, also those without a remark.")
    ] = False,
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Read files, folders and zips into the archive; say what was doubled, repaired, refused."""
    if not all(paths):  # Path("") would be the folder one is in
        raise typer.BadParameter("a path is empty; expected a file, a folder or an archive")
    place = open_home(home)
    if show_guess:
        for path in paths:
            _guess(place.guess(path), as_json)
        return
    try:
        with file_bar(as_json) as progress:
            report = place.ingest(paths, athlete, progress, workers=workers, mapping=mapping or ())
    except KeyboardInterrupt:
        typer.echo("stopped; what was kept stays, and the same call takes the rest", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    if as_json:
        answer(report, as_json)
    else:
        show_report(report, show_all)


@verb
def activities(
    action: Annotated[
        str, typer.Argument(help="list, show, edit, history, export, part, join or erase.")
    ] = "list",
    ids: Annotated[list[str] | None, typer.Argument(help="Id, or its beginning.")] = None,
    athlete: Annotated[str, typer.Option("--athlete", help="Whose; for edit: the new one.")] = "",
    sport: Annotated[str, typer.Option(help="Such as running; for edit: the new one.")] = "",
    title: Annotated[str, typer.Option(help="For edit: what it is to be called.")] = "",
    sub_sport: Annotated[str, typer.Option(help="For edit: such as trail.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 100,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="For show: draw it, FILE.png or FILE.svg.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="For export: FILE.parquet, .csv, .gpx or .json.")
    ] = None,
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """List recordings, or do something with one: stadion activities show ID."""
    place = open_home(home)
    if action == "list":
        _list(place, athlete, sport, limit, as_json)
        return
    if action == "join" and not ids:
        answer(place.recognise(), as_json)
        return
    if action not in _ACTIONS or not ids:
        known = ", ".join(_ACTIONS)
        raise typer.BadParameter(f"say 'stadion activities', or one of {known} and an ID")
    if action == "show":
        _show(place, ids[0], plot, as_json)
    elif action == "edit":
        given = {"title": title, "sport": sport, "sub_sport": sub_sport, "athlete": athlete}
        said = {name: value for name, value in given.items() if value}
        if not said:
            raise typer.BadParameter("say what to change: --title, --sport, --sub-sport, --athlete")
        view = place.edit(ids[0], said)
        answer(view if as_json else [listed(view)], as_json)
    elif action == "export":
        answer(_export(place, ids[0], out), as_json)
    elif action == "join":
        view = place.join(ids)
        if as_json:
            answer(view, as_json)
        else:
            show_activity(view)
    elif action == "history":
        changes = place.history(ids[0])
        answer(changes if as_json else [shown_change(change) for change in changes], as_json)
    else:
        answer(getattr(place, action)(ids[0]), as_json)  # part, erase


_ACTIONS = ("show", "edit", "history", "export", "part", "join", "erase")


@verb
def tables(home: HomeOption = "", as_json: AsJson = False) -> None:
    """List tables in the archive: matches, strokes, days, sessions."""
    views = open_home(home).tables()
    rows = [
        view | {"id": view["id"][:12], "name": view["name"].rpartition("/")[2]} for view in views
    ]
    answer(views if as_json else rows, as_json)


def _guess(view: dict[str, Any], as_json: bool) -> None:
    if as_json:
        answer(view, as_json)
        return
    typer.echo(f"{view['encoding']}, columns parted by {view['delimiter']!r}")
    for note in view["notes"]:
        typer.echo(note)
    rows = [
        {
            "column": column["header"],
            "is": column["channel"] or None,
            "unit": column["unit"] or None,
            "sample": column["sample"],
            "becomes": None
            if column["value"] is None
            else f"{column['value']:.6g} {column['becomes']}",
            "left out because": column["left_out"] or None,
        }
        for column in view["columns"]
    ]
    answer(rows, as_json)


def _list(place: Any, athlete: str, sport: str, limit: int, as_json: bool) -> None:
    """The newest, the last of them at the end: beside the prompt of a terminal."""
    views = place.activities(athlete or None, sport or None, limit=limit, newest_first=True)[::-1]
    if as_json:
        answer(views, as_json)
        return
    answer([listed(view) for view in views], as_json)
    if len(views) == limit:
        typer.echo(f"the newest {limit}; --limit shows more", err=True)


def _show(place: Any, id: str, plot: Path | None, as_json: bool) -> None:
    view = place.activity(id)
    if plot is not None:
        from stadion.apps.plots import draw_activity

        draw_activity(view, place.streams(id, points=_PICTURE_POINTS), plot)
    if as_json:
        answer(view, as_json)
    else:
        show_activity(view)


def _export(place: Any, id: str, out: Path | None) -> dict[str, Any]:
    if out is None:
        raise typer.BadParameter("say where to: --out FILE.parquet, .csv, .gpx or .json")
    data = place.export(id, out.suffix.lstrip(".").lower())
    try:
        out.write_bytes(data)
    except OSError as error:
        raise StadionError(
            Code.INVALID, f"the file {str(out)!r} cannot be written: {error.strerror}"
        ) from None
    return {"file": str(out), "bytes": len(data)}
