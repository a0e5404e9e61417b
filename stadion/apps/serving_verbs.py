"""Verbs about answering: deploy, rollback, predict, up, bench, backup, restore."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stadion.apps.options import REQUIRE_KEYS, AsJson, HomeOption, open_home, verb
from stadion.apps.showing import answer

__all__ = ["backup", "bench", "deploy", "predict", "recommend", "restore", "rollback", "up"]

Model = Annotated[str, typer.Argument(help="MODEL, MODEL:N or MODEL@alias.")]


@verb
def deploy(
    model: Model,
    canary: Annotated[
        float | None, typer.Option(help="Only this percentage of the requests.", metavar="PCT")
    ] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Gets copies of the requests and never answers.")
    ] = False,
    segment: Annotated[
        str,
        typer.Option(help="Only requests with that parameter, as sport=running.", metavar="N=V"),
    ] = "",
    pin: Annotated[
        bool | None,
        typer.Option("--pin/--no-pin", help="Stays in memory, however rarely it is asked."),
    ] = None,
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Let a version answer; a running server switches without a failed request."""
    answer(open_home(home).deploy(model, canary, shadow, segment, pin), as_json)


@verb
def rollback(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Return to what answered before; a second time goes further back."""
    answer(open_home(home).rollback(model), as_json)


@verb
def predict(
    model: Model,
    file: Annotated[str, typer.Argument(help="A recording or a JSON file; - reads the input.")],
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Ask a model about a recording, or with tensors in JSON."""
    request = sys.stdin.buffer.read() if file == "-" else Path(file)
    answer(open_home(home).predict(model, request), as_json)


@verb
def recommend(
    model: Annotated[str, typer.Argument(help="MODEL[:N|@alias] whose task gives advice.")],
    file: Annotated[str, typer.Argument(help="A recording up to now, or - for standard input.")],
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 10,
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """What to do next, the best first: the stroke that wins most rallies from here."""
    request = sys.stdin.buffer.read() if file == "-" else Path(file)
    answer(open_home(home).recommend(model, request)[:limit], as_json)


@verb
def up(
    http: Annotated[str, typer.Option(help="Address of predictions.", metavar="HOST:PORT")] = (
        "127.0.0.1:8000"
    ),
    grpc: Annotated[
        str, typer.Option(help="Address of predictions by gRPC.", metavar="HOST:PORT")
    ] = "127.0.0.1:8001",
    control: Annotated[
        str, typer.Option(help="Address of the control REST.", metavar="HOST:PORT")
    ] = "127.0.0.1:8080",
    workers: Annotated[int, typer.Option(help="Processes that answer.", min=1, max=256)] = 2,
    require_keys: Annotated[
        bool, typer.Option(REQUIRE_KEYS, help="Ask for API keys on loopback addresses too.")
    ] = False,
    access_log: Annotated[
        str, typer.Option(help="Add a line of JSON for every call; - prints it.", metavar="FILE")
    ] = "",
    memory_budget: Annotated[
        str,
        typer.Option(
            help="What all workers may hold, such as 512MiB; models are loaded when asked.",
            metavar="SIZE",
        ),
    ] = "",
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Serve what is deployed, until it is told to stop."""
    from stadion.apps.up import serve

    serve(home, http, grpc, control, workers, as_json, require_keys, access_log, memory_budget)


@verb
def bench(
    model: Annotated[str, typer.Argument(help="Name of a deployed model.")],
    seconds: Annotated[float, typer.Option(help="How long.", min=0.1, max=600)] = 5.0,
    connections: Annotated[int, typer.Option(help="Callers at once.", min=1, max=512)] = 32,
    binary: Annotated[bool, typer.Option("--binary", help="Tensors as bytes, not JSON.")] = False,
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Throughput and latency of a deployed model on the running server."""
    from stadion.apps.load import measure

    answer(measure(open_home(home), model, seconds, connections, binary), as_json)


@verb
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Write one file with all versions, the deployment log and the archive."""
    answer(open_home(home).backup(file), as_json)


@verb
def restore(
    file: Annotated[Path, typer.Argument(help="A file that backup wrote.")],
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Make an empty home what a backup holds, after checking all of it."""
    answer(open_home(home).restore(file), as_json)
