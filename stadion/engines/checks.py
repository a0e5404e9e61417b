"""The contract of an engine, executable: each function takes one engine and raises if it lies."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from stadion.core.errors import Code, StadionError
from stadion.engines.base import Engine, Work

__all__ = [
    "check_cancel_ends_the_work_and_its_children",
    "check_failure_is_told",
    "check_output_is_kept",
    "check_running_work_is_not_started_twice",
    "check_unknown_work_is_not_found",
]


def _wait(engine: Engine, folder: Path, limit_s: float = 30.0) -> Work:
    deadline = time.monotonic() + limit_s
    while (work := engine.look(folder)).state == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    return work


def check_output_is_kept(engine: Engine) -> None:
    """Work that ends well is done, and what it printed can be read."""
    with tempfile.TemporaryDirectory() as name:
        engine.start([sys.executable, "-c", "print(6 * 7)"], Path(name))
        work = _wait(engine, Path(name))
        assert work.state == "done", work
        assert work.output.strip() == "42", work


def check_failure_is_told(engine: Engine) -> None:
    """Work that ends badly has failed, and its last log line says why."""
    with tempfile.TemporaryDirectory() as name:
        engine.start([sys.executable, "-c", "raise SystemExit('no data')"], Path(name))
        work = _wait(engine, Path(name))
        assert work.state == "failed", work
        assert work.log == "no data", work


def check_running_work_is_not_started_twice(engine: Engine) -> None:
    """A second start in the same folder is refused while the first runs."""
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-c", "import time; time.sleep(30)"]
        engine.start(command, Path(name))
        try:
            engine.start(command, Path(name))
        except StadionError as error:
            assert error.code is Code.CONFLICT, error
        else:
            raise AssertionError("the second start was not refused")
        finally:
            engine.cancel(Path(name))


def check_cancel_ends_the_work_and_its_children(engine: Engine) -> None:
    """After a cancel the state says so and no child of the work goes on."""
    code = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', "
        "\"import time; time.sleep(2); open('alive', 'w')\"])\n"
        "open('up', 'w'); time.sleep(30)"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine.start([sys.executable, "-c", code], folder)
        deadline = time.monotonic() + 20
        while not (folder / "up").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert engine.cancel(folder).state == "cancelled"
        time.sleep(2.5)
        assert not (folder / "alive").exists(), "a child went on"


def check_unknown_work_is_not_found(engine: Engine) -> None:
    """A folder where nothing was started is NOT_FOUND."""
    with tempfile.TemporaryDirectory() as name:
        try:
            engine.look(Path(name))
        except StadionError as error:
            assert error.code is Code.NOT_FOUND, error
        else:
            raise AssertionError("work was found where there is none")
