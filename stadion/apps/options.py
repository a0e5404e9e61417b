"""Options that every verb has, and the one way errors leave the command line."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from stadion.apps.showing import EXIT_CODES, failure
from stadion.core.errors import StadionError

__all__ = ["REQUIRE_KEYS", "AsJson", "HomeOption", "open_home", "verb"]

REQUIRE_KEYS = "--require-keys"

HomeOption = Annotated[
    str,
    typer.Option(
        "--home",
        help="Folder, or http://host:port of a server's control port. "
        "Default: $STADION_HOME or ~/.stadion",
        metavar="DIR|URL",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]

F = TypeVar("F", bound=Callable[..., Any])


def open_home(where: str) -> Any:
    """The platform of a folder or the client of a server."""
    import stadion
    from stadion.core.settings import Home, api_key

    return stadion.connect(where or str(Home.find().path), api_key())


def verb(function: F) -> F:
    """Errors of the house become one sentence on the error stream and an exit status."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except StadionError as error:
            failure(error, bool(kwargs.get("as_json")))
            sys.exit(EXIT_CODES.get(error.code.value, 1))

    return wrapped  # type: ignore[return-value]
