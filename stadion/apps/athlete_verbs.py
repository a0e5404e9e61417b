"""The verb about people: athlete."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from stadion.apps.options import AsJson, HomeOption, open_home, verb
from stadion.apps.recordings_shown import show_athlete, show_profile
from stadion.apps.showing import answer
from stadion.core.errors import Code, StadionError

__all__ = ["athlete"]

_ACTIONS = ("show", "set", "erase")


@verb
def athlete(
    action: Annotated[str, typer.Argument(help="list, show, set or erase.")] = "list",
    name: Annotated[str, typer.Argument(help="Pseudonym; - for recordings without one.")] = "",
    values: Annotated[
        list[str] | None, typer.Argument(help="For set: ftp_w=250 hr_max_bpm=190 ...")
    ] = None,
    day: Annotated[
        str, typer.Option(help="For show: as it was then; for set: holds from then. Default: today")
    ] = "",
    plot: Annotated[
        Path | None, typer.Option("--plot", help="For show: draw it, FILE.png or FILE.svg.")
    ] = None,
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """List athletes, or show one's form and best efforts: stadion athlete show NAME."""
    place = open_home(home)
    if action == "list":
        rows = place.athletes()
        answer(
            rows if as_json else [row | {"athlete": row["athlete"] or "-"} for row in rows], as_json
        )
        return
    if action not in _ACTIONS:
        raise typer.BadParameter(f"say 'stadion athlete', or one of {', '.join(_ACTIONS)}")
    who = name or _the_only_one(place)
    if action == "set":
        view = place.set_profile(who, _assigned(values or []), _day(day))
        if as_json:
            answer(view, as_json)
            return
        show_profile(view)
        if view["older_workouts"]:
            older = view["older_workouts"]
            typer.echo(f"\nnot for {older} older workouts; --day DAY lets it hold from then on")
    elif action == "erase":
        answer(place.erase_athlete(who), as_json)
    else:
        _show(place.athlete(who, _day(day)), plot, as_json)


def _show(view: dict[str, Any], plot: Path | None, as_json: bool) -> None:
    if plot is not None:
        from stadion.apps.plots import draw_athlete

        draw_athlete(view, plot)
    if as_json:
        answer(view, as_json)
    else:
        show_athlete(view)


def _the_only_one(place: Any) -> str:
    names = [row["athlete"] for row in place.athletes()]
    if len(names) == 1:
        return names[0] or "-"
    known = ", ".join(name or "-" for name in names) or "nobody yet"
    raise StadionError(Code.INVALID, f"say whose; there is {known}")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise StadionError(
            Code.INVALID, f"day is {text!r}; expected a date such as 2024-05-31"
        ) from None


def _assigned(values: list[str]) -> dict[str, Any]:
    """Name -> number, or text where it is none."""
    found: dict[str, Any] = {}
    for value in values:
        name, sign, text = value.partition("=")
        if not sign:
            raise StadionError(Code.INVALID, f"{value!r} sets nothing; expected such as ftp_w=250")
        try:
            found[name.strip()] = float(text)
        except ValueError:
            found[name.strip()] = text.strip()
    return found
