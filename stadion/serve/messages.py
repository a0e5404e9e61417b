"""What supervisor, workers and clients of the control socket say to each other: JSON lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from stadion.core.deployment import Deployment, Plan
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.serve.config import Limits
from stadion.serve.tally import Tally

__all__ = [
    "LINE_LIMIT",
    "Abort",
    "Answer",
    "Ask",
    "Beat",
    "Command",
    "Counts",
    "Drain",
    "Failure",
    "FromWorker",
    "Granted",
    "Load",
    "Open",
    "Order",
    "Placement",
    "Prepare",
    "Remove",
    "Reply",
    "Report",
    "SetAside",
    "Start",
    "Started",
    "Status",
    "Stop",
    "Switch",
    "ToWorker",
    "TrialOrder",
    "TrialOutcome",
    "Unload",
    "Wish",
    "decode",
    "encode",
    "failure_of",
    "placement_of",
    "planned",
    "slim",
]

LINE_LIMIT = 64 << 20  # one message; a package's labels and card are the largest part

T = TypeVar("T")


class Placement(msgspec.Struct, frozen=True):
    """A deployment and the packages of the versions it routes to."""

    deployment: Deployment
    packages: dict[int, ModelPackage]


# --- commands: what a client asks of the supervisor, and the supervisor of its workers


class Status(msgspec.Struct, tag=True):
    """Tell how the workers and models stand; without `detail`, which generations answer."""

    detail: bool = True


class Counts(msgspec.Struct, tag=True):
    """Tell what all workers have done: with one model or version, where they are named."""

    model: str = ""
    version: int = 0


class Report(msgspec.Struct, tag=True):
    """Tell by tallies what has changed since the last ones."""


class Prepare(msgspec.Struct, tag=True):
    """Load and test this beside what answers now."""

    placement: Placement


class Switch(msgspec.Struct, tag=True):
    """Let the prepared deployment of that generation answer."""

    model: str
    generation: int


class Abort(msgspec.Struct, tag=True):
    """Forget the prepared deployment."""

    model: str
    generation: int


class Remove(msgspec.Struct, tag=True):
    """Stop answering for a model."""

    model: str


class Load(msgspec.Struct, tag=True):
    """Have a deployed model in memory, unloaded or not."""

    model: str


class Unload(msgspec.Struct, tag=True):
    """Take a model out of memory and answer for it no more, until it is loaded or deployed."""

    model: str


class SetAside(msgspec.Struct, tag=True):
    """Answer no more for a model that ends processes."""

    model: str
    reason: str


class Stop(msgspec.Struct, tag=True):
    """Drain and end the whole server."""


class Open(msgspec.Struct, tag=True):
    """All workers stand: say ready."""


class Drain(msgspec.Struct, tag=True):
    """Finish what is in flight, then end."""


Command = Status | Counts | Prepare | Switch | Abort | Remove | Load | Unload | Stop


Order = Prepare | Switch | Abort | Remove | Load | Unload | SetAside | Open | Drain | Report


class Ask(msgspec.Struct, tag=True):
    """A numbered order to a worker."""

    id: int
    command: Order


class Wish(msgspec.Struct, tag=True):
    """What a client of one worker wants of all of them."""

    id: int
    command: Load | Unload


# --- answers


class Failure(msgspec.Struct, frozen=True):
    """A StadionError on its way between processes."""

    code: Code
    message: str
    hint: str = ""

    def error(self) -> StadionError:
        """The error to raise on this side."""
        return StadionError(self.code, self.message, self.hint)


class Reply(msgspec.Struct):
    """The supervisor's answer to a client: a view, or why not."""

    view: dict[str, Any] = {}
    failure: Failure | None = None


class Answer(msgspec.Struct, tag=True):
    """A worker's answer to the command of that number."""

    id: int
    failure: Failure | None = None


class Granted(msgspec.Struct, tag=True):
    """What became of the wish of that number."""

    id: int
    failure: Failure | None = None


ToWorker = Ask | Granted


class Start(msgspec.Struct):
    """The first thing a worker hears: where to listen and what to serve."""

    host: str
    port: int
    limits: Limits
    plugins: str
    read_file_target: str
    observer_target: str
    placements: list[Placement]
    failed: dict[str, str]
    is_open: bool
    workers: int = 1
    home: str = ""
    keys_target: str = ""
    needs_keys: bool = False
    access_log: str = ""
    memory_budget: int = 0
    unloaded: list[str] = []
    grpc_host: str = ""
    grpc_port: int = 0


class Started(msgspec.Struct, tag=True):
    """Everything is loaded (or has failed, with the reason) and the port is bound."""

    failed: dict[str, str]


class Beat(msgspec.Struct, tag=True):
    """I am alive. `is_stuck` when a run does not end.

    `ill` names the model whose self-test failed here, and `loading` the one that is being
    loaded: should this process end, it may be why. `failed` and `plans` come when there is news.
    """

    connections: int = 0
    waiting: int = 0
    is_stuck: bool = False
    ill: str = ""
    loading: str = ""
    failed: dict[str, str] | None = None
    plans: dict[str, dict[int, Plan]] = {}


FromWorker = Started | Beat | Answer | Wish | Tally


class TrialOrder(msgspec.Struct):
    """What a trial process is to open, whose child it is, and how much memory it may map."""

    package: ModelPackage
    parent: int
    bytes: int
    plugins: str


class TrialOutcome(msgspec.Struct):
    """What it found."""

    load_ms: float = 0.0
    plan: Plan | None = None
    failure: Failure | None = None


def slim(package: ModelPackage) -> ModelPackage:
    """What serving needs of a package: thousands of them lie in each worker.

    Metrics and the card stay behind (a NaN metric would have no JSON), and of how the model was
    made only what turns a recording into its inputs.
    """
    lineage = dataclasses.replace(package.lineage, settings={}, libraries={})
    return dataclasses.replace(package, metrics=None, card="", lineage=lineage)


def placement_of(deployment: Deployment, packages: Mapping[int, ModelPackage]) -> Placement:
    """What a worker needs to serve a deployment.

    Raises
    ------
    StadionError
        INVALID when a route's package is missing.
    """
    wanted = {route.version for route in deployment.routes}
    if missing := sorted(wanted - set(packages)):
        raise StadionError(
            Code.INVALID,
            f"the deployment of {deployment.model!r} routes to versions {missing}; "
            f"packages were given for {sorted(packages)}",
        )
    return Placement(deployment, {n: slim(packages[n]) for n in sorted(wanted)})


def planned(placement: Placement, plans: Mapping[int, Plan]) -> Placement:
    """The placement with what was measured in its routes."""
    deployment = placement.deployment.with_plans(plans)
    return Placement(deployment, placement.packages)


def failure_of(error: Exception) -> Failure:
    """What to tell the other process; a foreign exception is named by its kind only."""
    if isinstance(error, StadionError):
        return Failure(error.code, error.message, error.hint)
    return Failure(Code.INTERNAL, f"unexpected {type(error).__name__}")


def encode(message: Any) -> bytes:
    """One line."""
    return _ENCODER.encode(message) + b"\n"


def decode(line: bytes, kind: type[T] | Any) -> Any:
    """The message in a line.

    Raises
    ------
    StadionError
        INVALID when the line is no message of that kind, naming the field.
    """
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StadionError(Code.INVALID, f"not a message of this socket: {error}") from None


_ENCODER = msgspec.json.Encoder()
