"""Verbs about API keys: keys create, keys list, keys revoke."""

from __future__ import annotations

from typing import Annotated

import typer

from stadion.apps.options import AsJson, HomeOption, open_home, verb
from stadion.apps.showing import answer

__all__ = ["keys"]

keys = typer.Typer(
    help="API keys: who may ask models, who may change the server.", no_args_is_help=True
)


@keys.command()
@verb
def create(
    name: Annotated[str, typer.Argument(help="Who it is for, such as club-app.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="predict or control; may be given twice. Default: predict."),
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="The only model it may ask; may be given again.")
    ] = None,
    expires_days: Annotated[
        float | None, typer.Option(help="Days until it opens nothing any more.", metavar="DAYS")
    ] = None,
    per_second: Annotated[
        float | None, typer.Option(help="Requests per second over a longer time.", metavar="N")
    ] = None,
    burst: Annotated[
        int | None, typer.Option(help="Requests that may come at once.", metavar="N")
    ] = None,
    at_once: Annotated[
        int | None, typer.Option(help="Requests that may be under way together.", metavar="N")
    ] = None,
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Make a key; it is shown once and cannot be shown again."""
    made = open_home(home).keys.create(
        name, scope or ["predict"], model or [], expires_days, per_second, burst, at_once
    )
    answer(made, as_json)
    if not as_json:
        typer.echo("\nkeep the key now: it is not stored and cannot be shown again")


@keys.command("list")
@verb
def list_keys(home: HomeOption = "", as_json: AsJson = False) -> None:
    """All keys ever made, without what is secret."""
    answer(open_home(home).keys.list(), as_json)


@keys.command()
@verb
def revoke(
    name: Annotated[str, typer.Argument(help="Name or id of the key.")],
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """End a key; a running server refuses it within a second."""
    answer(open_home(home).keys.revoke(name), as_json)
