"""Every engine keeps the shipped contract, and work outlives who started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stadion.core.plugins import Cupboard, checks_in
from stadion.engines import checks
from stadion.engines.base import Engine

ENGINES: Cupboard[Engine] = Cupboard("stadion.engines")


@pytest.mark.parametrize("check", checks_in(checks), ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", ENGINES.names())
def test_the_contract_holds(name: str, check: Callable[[Any], None]) -> None:
    check(ENGINES.get(name))


def test_work_goes_on_when_its_starter_ends(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from stadion.engines.local import PLUGIN;"
        f"PLUGIN.start(['/bin/sh', '-c', 'sleep 1; echo late'], Path({str(tmp_path)!r}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
    engine = ENGINES.get("local")
    assert engine.look(tmp_path).state == "running"
    deadline = time.monotonic() + 20
    while engine.look(tmp_path).state == "running" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert engine.look(tmp_path).output == "late\n"


def test_killed_work_is_lost_and_can_start_again(tmp_path: Path) -> None:
    engine = ENGINES.get("local")
    engine.start(["/bin/sh", "-c", "sleep 30"], tmp_path)
    os.killpg(int((tmp_path / "pid").read_text().split()[0]), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while engine.look(tmp_path).state == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert engine.look(tmp_path).state == "lost"
    engine.start(["/bin/sh", "-c", "echo again"], tmp_path)
    while engine.look(tmp_path).state == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert engine.look(tmp_path).output == "again\n"
