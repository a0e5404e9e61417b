"""A training order in, a durable job out: it runs on an engine and outlives who asked."""

from __future__ import annotations

import secrets
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from stadion.core.errors import Code, StadionError
from stadion.core.jobs import result_of
from stadion.core.names import checked_name
from stadion.core.plugins import Cupboard
from stadion.core.settings import Home
from stadion.engines.base import Engine
from stadion.platform.orders import TrainOrder
from stadion.platform.search_order import search_arguments

__all__ = ["Jobs"]

_LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class _Record:
    engine: str
    command: list[str]


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of one home, each a folder that says all about it."""

    home: Home
    engines: Cupboard[Engine]

    def start(self, order: TrainOrder, engine: str, data: Path | None = None) -> dict[str, Any]:
        """Begin a training in the background and return its view at once."""
        job = f"job-{secrets.token_hex(6)}"
        command = [sys.executable, "-m", "stadion", *_arguments(order, data)]
        command += ["--home", str(self.home.path), "--json"]
        folder = self._folder(job)
        folder.mkdir(parents=True)
        record = msgspec.json.encode(_Record(engine, command))
        (folder / "job.json").write_bytes(record)
        self.engines.get(engine).start(command, folder)
        return self.look(job)

    def look(self, job: str) -> dict[str, Any]:
        """State, progress, and the version that came of it or the error."""
        record = self._record(job)
        work = self.engines.get(record.engine).look(self._folder(job))
        view: dict[str, Any] = {"job": job, "engine": record.engine, "state": work.state}
        if work.state == "done":
            view["result"] = msgspec.json.decode(work.output)
        elif work.log:
            view["log"] = _decoded(work.log)
        return view

    def wait(self, job: str) -> dict[str, Any]:
        """What came of a job, once it has ended.

        Raises
        ------
        StadionError
            The job's own error, or UNAVAILABLE when it was cancelled or lost.
        """
        while (view := self.look(job))["state"] == "running":
            time.sleep(_LOOK_EVERY_S)
        return result_of(view)

    def list(self) -> list[dict[str, Any]]:
        """All jobs, the newest last."""
        folders = sorted(self._root.glob("job-*"), key=lambda path: path.stat().st_mtime)
        return [self.look(folder.name) for folder in folders if (folder / "job.json").exists()]

    def cancel(self, job: str) -> dict[str, Any]:
        """End a job; its checkpoints stay, so that the same order can go on later."""
        record = self._record(job)
        self.engines.get(record.engine).cancel(self._folder(job))
        return self.look(job)

    def again(self, job: str) -> dict[str, Any]:
        """Start an ended job once more; a lost one goes on from its last checkpoint."""
        record = self._record(job)
        self.engines.get(record.engine).start(record.command, self._folder(job))
        return self.look(job)

    @property
    def _root(self) -> Path:
        return self.home.runs / "jobs"

    def _folder(self, job: str) -> Path:
        return self._root / checked_name(job, "job")

    def _record(self, job: str) -> _Record:
        try:
            return msgspec.json.decode((self._folder(job) / "job.json").read_bytes(), type=_Record)
        except OSError:
            raise StadionError(Code.NOT_FOUND, f"there is no job {job!r}") from None


def _arguments(order: TrainOrder, data: Path | None) -> list[str]:
    verb = "tune" if order.grid or order.search else "train"
    arguments = [verb, order.task, "--learner", order.learner]
    arguments += ["--seed", str(order.seed), "--folds", str(order.folds)]
    if order.name:
        arguments += ["--name", order.name]
    if data is not None:
        arguments += ["--data", str(data.absolute())]
    if order.licence:
        arguments += ["--licence", order.licence]
    for key, value in order.settings.items():
        arguments += ["--set", f"{key}={value}"]
    for key, values in order.grid.items():
        arguments += ["--try", f"{key}={','.join(map(str, values))}"]
    return arguments + (search_arguments(order.search) if order.search else [])


def _decoded(line: str) -> Any:
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError:
        return line
