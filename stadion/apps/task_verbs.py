"""Verbs about questions: tasks."""

from __future__ import annotations

from typing import Annotated

import typer

from stadion.apps.options import AsJson, HomeOption, open_home, verb
from stadion.apps.showing import answer

__all__ = ["tasks"]


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
