"""Folds of trials in; their scores out, from this process or from several beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Protocol

from stadion.train.selection.worker import FoldTask, Scored, Trying

__all__ = ["Crew", "crew_of"]

_WORKER = "stadion.train.selection.worker"
_LOST = "the process that tried it ended"
_END_S = 5.0


class Crew(Protocol):
    """Takes up to `size` tasks at a time."""

    size: int

    def give(self, task: FoldTask) -> None:
        """Let it be done."""
        ...

    def wait(self) -> list[Scored]:
        """What is done by now, at least one; a task must be under way."""
        ...


@contextmanager
def crew_of(size: int, trying: Trying) -> Iterator[Crew]:
    """A crew that ends with the block; one of one works in this process."""
    if size == 1:
        yield _Here(trying)
        return
    crew = _Beside(size, trying)
    try:
        yield crew
    finally:
        crew.end()


@dataclass(slots=True)
class _Here:
    trying: Trying
    size: int = 1
    _done: deque[Scored] = field(default_factory=deque)

    def give(self, task: FoldTask) -> None:
        self._done.append(self.trying.scored(task))

    def wait(self) -> list[Scored]:
        return [self._done.popleft()]


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    line: Connection
    task: FoldTask | None = None


@dataclass(slots=True)
class _Beside:
    """Processes with one thread each; one that ends is replaced, and its task is reported lost."""

    size: int
    trying: Trying
    _workers: list[_Worker] = field(default_factory=list)

    def give(self, task: FoldTask) -> None:
        free = next((worker for worker in self._workers if worker.task is None), None)
        if free is None:
            free = self._started()
            self._workers.append(free)
        free.task = task
        with suppress(BrokenPipeError, ConnectionResetError):  # it ended: `wait` finds that out
            free.line.send(task)

    def wait(self) -> list[Scored]:
        busy = {worker.line: worker for worker in self._workers if worker.task is not None}
        return [self._answer(busy[line]) for line in wait(list(busy)) if line in busy]

    def end(self) -> None:
        """Whatever is under way is given up."""
        for worker in self._workers:
            worker.line.close()
            worker.process.kill()
            worker.process.wait(_END_S)

    def _answer(self, worker: _Worker) -> Scored:
        task = worker.task
        assert task is not None  # noqa: S101  # only busy ones are waited for
        worker.task = None
        try:
            answer: Scored = worker.line.recv()
        except (EOFError, ConnectionResetError):
            self._workers.remove(worker)
            worker.line.close()
            worker.process.wait(_END_S)
            return Scored(task, None, _LOST, is_lost=True)
        return answer

    def _started(self) -> _Worker:
        ours, theirs = Pipe()
        quiet = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        with theirs:
            arguments = [str(theirs.fileno()), str(os.getpid())]
            process = subprocess.Popen(
                [sys.executable, "-m", _WORKER, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # ours is for results
                env={**os.environ, **quiet},
                pass_fds=[theirs.fileno()],
            )
        with suppress(BrokenPipeError, ConnectionResetError):
            ours.send(replace(self.trying))  # without the learners it has loaded
        return _Worker(process, ours)
