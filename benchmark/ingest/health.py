"""A made-up Apple Health export of a gigabyte, read in a process of its own: memory and speed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmark.ingest.measures import Figure
from tests.ingest.health_writer import write_export

__all__ = ["measure"]

_BYTES = 1 << 30
_MOST_MIB = 300
_LONGEST_S = 600
_CHILD = """
import json, sys, time
from stadion.ingest.apple_health import PLUGIN
from stadion.ingest.base import Member
path = sys.argv[1]
with open(path, "rb") as file:
    head = file.read(4096)
member = Member("export.xml", head, lambda: b"", (), lambda: open(path, "rb"))
def peak_kib():
    # Of this program alone: what rusage tells starts with the memory of whoever started it.
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
before = peak_kib()
began = time.perf_counter()
values = PLUGIN.read([member])
seconds = time.perf_counter() - began
peak = peak_kib()
print(json.dumps({"seconds": seconds, "peak_kib": peak, "before_kib": before,
                  "workouts": len(values) - 1, "days": len(values[-1])}))
"""


def measure(data: Path) -> list[Figure]:
    """Peak memory of the whole process, and its speed; `data` is not needed."""
    del data
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "export.xml")
        with path.open("wb") as stream:
            days = write_export(stream, _BYTES)
        size = path.stat().st_size
        told = _read_alone(path)
    if told["days"] != days or told["workouts"] != days:
        raise SystemExit(f"{days} days and workouts were written, {told} were read")
    details = told | {"bytes": size}
    return [
        Figure(
            f"Apple Health, {size / 2**30:.2f} GiB: peak memory",
            told["peak_kib"] / 1024,
            "MiB",
            f"< {_MOST_MIB}",
            details,
        ),
        Figure("Apple Health: speed", size / told["seconds"] / 1e6, "MB/s", "", details),
    ]


def _read_alone(path: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path)],
        capture_output=True,
        check=True,
        timeout=_LONGEST_S,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).resolve().parent.parent.parent,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told
