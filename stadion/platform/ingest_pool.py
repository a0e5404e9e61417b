"""Jobs in, what several processes found in them out, as it comes; a process may die."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Self

import msgspec

from stadion.core.errors import Code, StadionError
from stadion.ingest import Job, Refusal
from stadion.platform.ingest_worker import Answer, Settings
from stadion.platform.keeping import Found

__all__ = ["IngestPool"]

_QUEUE = 256
_END_S = 10.0
_LOOK_EVERY_S = 1.0
_PATIENCE_S = 120.0
_PATIENCE_S_PER_BYTE = 4e-6
"""Four times what any reader may take."""


@dataclass(slots=True, eq=False)
class _Work:
    """A job, its place among all, and how many answers came before its process died."""

    number: int
    job: Job
    answers: int = 0
    is_retry: bool = False


@dataclass(slots=True, eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    work: _Work | None = None
    heard: float = 0.0


@dataclass(slots=True, eq=False)
class IngestPool:
    """Worker processes that read; no bytes of a file and no pickle go between them and here.

    Parameters
    ----------
    count
        How many; one that dies is replaced, and what it was at is tried file by file.
    patience_s
        One that says nothing for so long, and 4 s per megabyte of its job, is ended.
    """

    settings: Settings
    count: int
    patience_s: float = _PATIENCE_S
    _workers: list[_Worker] = field(default_factory=list)
    _told: queue.Queue[tuple[_Worker, bytes]] = field(
        default_factory=lambda: queue.Queue(maxsize=_QUEUE)
    )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            self._stop(worker, is_kill=kind is not None)
        self._workers.clear()

    def run(
        self,
        jobs: Sequence[Job],
        take: Callable[[int, Job, Found], None],
        wait: Callable[[], None] = lambda: None,
    ) -> None:
        """Share the jobs among the processes.

        Parameters
        ----------
        take
            Called here, with the number of the job, for each recording or group of files.
        wait
            Called here about once a second while nobody has anything to tell.

        Raises
        ------
        StadionError
            UNAVAILABLE when the archive refuses, or no process can be started.
        """
        todo = deque(_Work(number, job) for number, job in enumerate(jobs))
        while todo or any(worker.work for worker in self._workers):
            while todo and len(self._workers) < self.count:
                self._workers.append(self._started())
            for worker in self._workers:
                if todo and worker.work is None:
                    self._give(worker, todo.popleft())
            try:
                worker, line = self._told.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                self._end_the_stuck()
                wait()
                continue
            worker.heard = time.monotonic()
            if not line and worker.work is None:
                self._workers.remove(worker)
                self._stop(worker, is_kill=True)
            if worker.work is None:
                continue
            if not line:
                todo.extendleft(reversed(self._after_death(worker, take)))
                continue
            answer = msgspec.json.decode(line, type=Answer)
            if answer.error:
                raise StadionError(Code.UNAVAILABLE, answer.error)
            if answer.found is None:
                worker.work = None
            else:
                worker.work.answers += 1
                take(worker.work.number, worker.work.job, answer.found)

    def _started(self) -> _Worker:
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "stadion.platform.ingest_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        except OSError as error:
            raise StadionError(
                Code.UNAVAILABLE, f"no process can be started: {error.strerror}", "use one worker"
            ) from error
        worker = _Worker(process)
        self._say(worker, msgspec.json.encode(self.settings))
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        return worker

    def _listen(self, worker: _Worker) -> None:
        assert worker.process.stdout is not None  # noqa: S101  # it was asked for
        for line in worker.process.stdout:
            self._told.put((worker, line))
        self._told.put((worker, b""))

    def _end_the_stuck(self) -> None:
        """Kill who has been silent for too long: its listener then says that it died."""
        now = time.monotonic()
        for worker in self._workers:
            if worker.work is not None:
                limit = self.patience_s + _PATIENCE_S_PER_BYTE * worker.work.job.size
                if now - worker.heard > limit:
                    worker.process.kill()

    def _give(self, worker: _Worker, work: _Work) -> None:
        worker.work, worker.heard = work, time.monotonic()
        self._say(worker, msgspec.json.encode(work.job))

    def _say(self, worker: _Worker, line: bytes) -> None:
        pipe: IO[bytes] | None = worker.process.stdin
        assert pipe is not None  # noqa: S101  # it was asked for
        with contextlib.suppress(OSError):  # it died: its listener says so
            pipe.write(line + b"\n")
            pipe.flush()

    def _after_death(self, worker: _Worker, take: Callable[[int, Job, Found], None]) -> list[_Work]:
        """What is left of a dead process's job, each file by itself; a second death refuses it."""
        self._workers.remove(worker)
        self._stop(worker, is_kill=True)
        work = worker.work
        assert work is not None  # noqa: S101  # idle ones are not asked
        if work.is_retry:
            reason = "its reader died or never ended: too large for the memory, or a broken file"
            name = work.job.name
            take(work.number, work.job, Found(refused=(Refusal(name, reason),)))
            return []
        told = bool(work.job.refused or work.job.doubled)
        done = max(0, work.answers - told)
        first = [] if work.answers or not told else [dataclasses.replace(work.job, pieces=())]
        single = [
            dataclasses.replace(work.job, pieces=(piece,), refused=(), doubled=())
            for piece in work.job.pieces[done:]
        ]
        return [_Work(work.number, job, is_retry=True) for job in [*first, *single]]

    def _stop(self, worker: _Worker, is_kill: bool) -> None:
        process = worker.process
        if is_kill:
            process.kill()
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(timeout=_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
