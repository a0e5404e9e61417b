"""The rest of the house's way to a running server: deploy, undeploy, look."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from stadion.core.deployment import Deployment
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.serve.ledger import ServerCounts, counts_of
from stadion.serve.messages import (
    LINE_LIMIT,
    Abort,
    Command,
    Counts,
    Load,
    Prepare,
    Remove,
    Reply,
    Status,
    Stop,
    Switch,
    Unload,
    decode,
    encode,
    placement_of,
)
from stadion.serve.sockets import short_path
from stadion.serve.trial import TrialReport, trial_load

__all__ = ["Deployed", "PlaneClient", "trial_load"]

_LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Deployed:
    """What came of a deployment: every worker answers with it.

    `trials` says what each version needed when the server tried it.
    """

    model: str
    generation: int
    trials: Mapping[int, TrialReport]


@dataclass(frozen=True, slots=True)
class PlaneClient:
    """Calls the server that runs on a home, if one does.

    Parameters
    ----------
    socket_path
        `<home>/run/plane.sock`.
    deploy_s
        Limit of each step of a deployment: trial and loading, then switching.
    """

    socket_path: Path
    deploy_s: float = 300.0

    def is_running(self) -> bool:
        """True when a server answers."""
        try:
            self._look()
        except StadionError:
            return False
        return True

    def status(self) -> dict[str, Any]:
        """How workers and models stand.

        Raises
        ------
        StadionError
            UNAVAILABLE when no server runs on this home.
        """
        with self._line(_LOOK_S) as line:
            return line.ask(Status())

    def counts(self, model: str = "", version: int = 0) -> ServerCounts:
        """What all workers have done, with one model or version where they are named.

        Raises
        ------
        StadionError
            UNAVAILABLE when no server runs on this home.
        """
        with self._line(_LOOK_S) as line:
            return counts_of(line.ask(Counts(model, version)))

    def generations(self) -> dict[str, int]:
        """Model -> generation of the deployment that answers."""
        return {name: view["generation"] for name, view in self._look()["models"].items()}

    def deploy(
        self,
        deployment: Deployment,
        packages: Mapping[int, ModelPackage],
        commit: Callable[[Deployment], object] = lambda _planned: None,
    ) -> Deployed:
        """Let a deployment answer on every worker.

        Its versions are tried in a throwaway process and loaded by every worker; then `commit`
        writes the decision down, with how each version is best run; then all workers switch.

        Raises
        ------
        StadionError
            Before or from `commit`: nothing has changed. UNAVAILABLE after it: the server went
            away; the next one begins with what was committed.
        """
        model, generation = deployment.model, deployment.generation
        placement = placement_of(deployment, packages)
        with self._line(self.deploy_s) as line:
            view = line.ask(Prepare(placement))
            trials = {int(n): msgspec.convert(r, TrialReport) for n, r in view["trials"].items()}
            try:
                commit(deployment.with_plans({n: report.plan for n, report in trials.items()}))
            except BaseException:
                with contextlib.suppress(StadionError):  # the first error is the one to tell
                    line.ask(Abort(model, generation))
                raise
            line.ask(Switch(model, generation))
        return Deployed(model, generation, trials)

    def undeploy(self, model: str) -> None:
        """Let no worker answer for the model any more.

        Raises
        ------
        StadionError
            NOT_FOUND when it is not deployed.
        """
        with self._line(self.deploy_s) as line:
            line.ask(Remove(model))

    def load(self, model: str) -> None:
        """Have a deployed model in every worker's memory; returns when it is.

        Raises
        ------
        StadionError
            NOT_FOUND when it is not deployed, OVERLOADED when the memory budget cannot hold it,
            UNAVAILABLE when it cannot be loaded.
        """
        with self._line(self.deploy_s) as line:
            line.ask(Load(model))

    def unload(self, model: str) -> None:
        """Have no worker answer for a model until it is loaded or deployed again.

        Raises
        ------
        StadionError
            NOT_FOUND when it is not deployed.
        """
        with self._line(self.deploy_s) as line:
            line.ask(Unload(model))

    def stop(self) -> None:
        """Have the server drain and end; returns at once."""
        with self._line(_LOOK_S) as line:
            line.ask(Stop())

    def _look(self) -> dict[str, Any]:
        with self._line(_LOOK_S) as line:
            return line.ask(Status(detail=False))

    @contextlib.contextmanager
    def _line(self, limit_s: float) -> Iterator[_Line]:
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as wire:
            wire.settimeout(limit_s)
            try:
                with short_path(self.socket_path) as address:
                    wire.connect(address)
            except OSError:
                raise StadionError(
                    Code.UNAVAILABLE, "no server runs on this home", "stadion up starts one"
                ) from None
            with wire.makefile("rb") as reader:
                yield _Line(wire, reader, limit_s)


class _Line:
    """One connection: what is prepared on it is forgotten when it closes without a switch."""

    def __init__(self, wire: socket.socket, reader: BinaryIO, limit_s: float) -> None:
        self._wire = wire
        self._reader = reader
        self._limit_s = limit_s

    def ask(self, command: Command) -> dict[str, Any]:
        try:
            self._wire.sendall(encode(command))
            line = self._reader.readline(LINE_LIMIT)
        except TimeoutError:
            raise StadionError(
                Code.TIMEOUT, f"the server did not answer within {self._limit_s:g} s"
            ) from None
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            raise StadionError(Code.UNAVAILABLE, "the server went away")
        reply: Reply = decode(line, Reply)
        if reply.failure is not None:
            raise reply.failure.error()
        return reply.view
