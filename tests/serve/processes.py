"""A process of a server, seen from outside: whether it lives, what it holds, what it spends."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MOST_BYTES", "Worker", "excess"]

MOST_BYTES = 128 << 20
MOST_BYTES_PER_BYTE = 8
MOST_CPU_S_PER_MB = 1.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Worker:
    """One process."""

    pid: int

    def began(self) -> str:
        """When the process began: tells it from another one with its number."""
        return self._stat()[19]

    def cpu_s(self) -> float:
        """Processor time so far."""
        stat = self._stat()
        return (int(stat[11]) + int(stat[12])) / TICKS

    def most_bytes(self) -> int:
        """The most memory held since `forget_most`."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) << 10

    def forget_most(self) -> None:
        """Begin again with what is held now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _stat(self) -> list[str]:
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()


def excess(
    worker: Worker, sent: int, floor: int, spent_s: float, free_cpu_s: float = 0.1
) -> list[str]:
    """Memory and processor time beyond what so many bytes allow.

    Parameters
    ----------
    floor
        The memory held before anything was sent.
    spent_s
        The processor time spent before.
    free_cpu_s
        What the clock's 10 ms and others may add.
    """
    found = []
    held = worker.most_bytes() - floor
    if held > MOST_BYTES + MOST_BYTES_PER_BYTE * sent:
        found.append(f"{held >> 20} MiB for {sent} bytes")
    cpu_s = worker.cpu_s() - spent_s
    if cpu_s > free_cpu_s + MOST_CPU_S_PER_MB * sent / 1e6:
        found.append(f"{cpu_s:.2f} s of processor time for {sent} bytes")
    return found
