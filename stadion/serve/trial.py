"""A package in, its load and run time out, found in a throwaway process that may die of it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.serve.config import Limits
from stadion.serve.messages import TrialOrder, TrialOutcome, decode, encode, slim
from stadion.serve.processes import child_environment

__all__ = ["TrialReport", "trial_load"]

_log = logging.getLogger("stadion.serve")


@dataclass(frozen=True, slots=True)
class TrialReport:
    """What a version needs: opening and proving it, and the median run on one row."""

    load_ms: float
    run_ms: float


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
    limits = limits or Limits()
    size = sum(file.bytes for file in package.files.values())
    order = TrialOrder(
        slim(package), os.getpid(), limits.trial_bytes + 3 * size, str(plugins or "")
    )
    try:
        done = subprocess.run(
            [sys.executable, "-m", "stadion.serve.trial_child"],
            input=encode(order),
            capture_output=True,
            env=child_environment({}),
            timeout=limits.trial_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StadionError(
            Code.TIMEOUT, f"the model was not ready within {limits.trial_s:g} s of its trial"
        ) from None
    return _report(done)


def _report(done: subprocess.CompletedProcess[bytes]) -> TrialReport:
    if done.returncode == 0 and done.stdout:
        outcome: TrialOutcome = decode(done.stdout, TrialOutcome)
        if outcome.failure is not None:
            raise outcome.failure.error()
        return TrialReport(outcome.load_ms, outcome.run_ms)
    _log.warning("a trial ended with %d: %s", done.returncode, done.stderr[-2000:])
    raise StadionError(Code.INVALID, f"the model ended its trial process ({_cause(done)})")


def _cause(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        return signal.Signals(-done.returncode).name
    return f"exit status {done.returncode}"
