"""A package in, its load and run time out, found in a throwaway process that may die of it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stadion.core.deployment import Plan
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.serve.config import Limits
from stadion.serve.messages import TrialOrder, TrialOutcome, decode, encode, slim
from stadion.serve.processes import child_environment

__all__ = ["Trial", "TrialReport", "trial_load"]

_log = logging.getLogger("stadion.serve")


@dataclass(frozen=True, slots=True)
class TrialReport:
    """What a version needs: opening and proving it, and how it is best run."""

    load_ms: float
    plan: Plan

    @property
    def run_ms(self) -> float:
        """The median run on one row."""
        return self.plan.run_ms


def trial_load(
    package: ModelPackage, limits: Limits | None = None, plugins: Path | None = None
) -> TrialReport:
    """Load, warm and test a package in a child process with bounded memory and time.

    Raises
    ------
    StadionError
        INVALID when the model is refused, crashes its process or needs too much memory,
        TIMEOUT when it does not answer. Nothing of it touches the calling process.
    """
    return Trial(package, limits or Limits(), plugins).result()


class Trial:
    """One throwaway process; it starts at once."""

    def __init__(self, package: ModelPackage, limits: Limits, plugins: Path | None) -> None:
        size = sum(file.bytes for file in package.files.values())
        memory = limits.trial_bytes + 3 * size
        self._order = TrialOrder(slim(package), os.getpid(), memory, str(plugins or ""))
        self._limit_s = limits.trial_s
        self._process = subprocess.Popen(
            [sys.executable, "-m", "stadion.serve.trial_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment({}),
        )

    def result(self) -> TrialReport:
        """Wait for the outcome; see `trial_load`."""
        with self._process as process:
            try:
                said, complaint = process.communicate(encode(self._order), self._limit_s)
            except subprocess.TimeoutExpired:
                raise StadionError(
                    Code.TIMEOUT, f"the model was not ready within {self._limit_s:g} s of its trial"
                ) from None
            finally:
                process.kill()
        if process.returncode != 0 or not said:
            _log.warning("a trial ended with %d: %s", process.returncode, complaint[-2000:])
            cause = _cause(process.returncode)
            raise StadionError(Code.INVALID, f"the model ended its trial process ({cause})")
        outcome: TrialOutcome = decode(said, TrialOutcome)
        if outcome.failure is not None:
            raise outcome.failure.error()
        return TrialReport(outcome.load_ms, outcome.plan or Plan())

    def kill(self) -> None:
        """End it now: whoever waits for the result gets an error."""
        self._process.kill()


def _cause(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"
