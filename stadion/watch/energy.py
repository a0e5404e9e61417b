"""A span of work in; the joules it took and how they are known out."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from stadion.watch.gpu import GpuReader
from stadion.watch.machine import MachineReader

__all__ = ["WATTS_PER_CORE", "Energy", "EnergySpan"]

WATTS_PER_CORE = 12.0
"""Of a busy core whose processor is not known.

References
----------
L. Lannelongue, J. Grealey, M. Inouye, Green Algorithms: quantifying the carbon footprint of
computation, Advanced Science 8 (2021), and its data table of processors (`Any`).
"""

_READ_S = 5.0  # RAPL's counters begin anew after some minutes; cards without one tell watts only
_ESTIMATED = f"estimated: processor time of this program x {WATTS_PER_CORE:g} W per core"
_RAPL = "RAPL counters: processors and memory of the whole machine"
_NVML = "NVML: its graphics cards"


@dataclass(frozen=True, slots=True)
class Energy:
    """Joules, and what counted them: an estimate says that it is one."""

    joules: float
    how: str


class EnergySpan:
    """Energy from the moment it is entered; read at any time, and fixed when it is left.

    The processors' own counters (RAPL) are read where the kernel lets this user, and the
    graphics cards' (NVML) where there are cards. Both count all that runs on them, not this
    program alone. Without RAPL the processor's part is an estimate from the processor time of
    this program and of the programs it started and saw end.

    Parameters
    ----------
    root
        Where /sys is.

    Examples
    --------
    >>> with EnergySpan() as span:
    ...     total = sum(range(10_000))
    >>> span.energy.joules >= 0, bool(span.energy.how)
    (True, True)
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._machine = MachineReader(root)
        self._cards = GpuReader()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._follow, name="energy", daemon=True)
        self._has_cards = False
        self._counter_j: float | None = None
        self._cards_j = 0.0
        self._watts, self._read_s = 0.0, 0.0
        self._cpu_s = 0.0
        self._last: Energy | None = None

    def __enter__(self) -> Self:
        self._cpu_s = _processor_s()
        self._read_s = time.monotonic()
        with self._lock:
            self._machine.joules()
            self._read_cards()
            self._cards_j = 0.0
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._last = self.energy
        self._ended.set()

    @property
    def energy(self) -> Energy:
        """Since the span was entered, until now or until it was left."""
        if self._last is not None:
            return self._last
        with self._lock:
            zones = _whole_processors(self._machine.joules())
            self._read_cards()
            cards_j = self._cards_j
        measured = sum(zones.values()) if zones else None
        cpu_s = _processor_s() - self._cpu_s
        joules = measured if measured is not None else cpu_s * WATTS_PER_CORE
        how = _ESTIMATED if measured is None else _RAPL
        if self._has_cards:
            return Energy(joules + cards_j, f"{how}; {_NVML}")
        return Energy(joules, how)

    def _follow(self) -> None:
        while not self._ended.wait(_READ_S):
            with self._lock:
                self._machine.joules()
                self._read_cards()

    def _read_cards(self) -> None:
        """Add what the cards took since the reading before: by counter, else by their watts."""
        told = {family.name: family.samples for family in self._cards.read()}
        now_s = time.monotonic()
        counters = [value for _, _, value in told.get("nv_energy_consumption", [])]
        watts = sum(value for _, _, value in told.get("nv_gpu_power_usage", []))
        if counters:
            total = sum(counters)
            self._cards_j += max(0.0, total - (self._counter_j or total))
            self._counter_j = total
        else:
            self._cards_j += (watts + self._watts) / 2.0 * (now_s - self._read_s)
        self._watts, self._read_s = watts, now_s
        self._has_cards = self._has_cards or bool(counters) or watts > 0.0


def _processor_s() -> float:
    """User and system time of this program, and of its children that have ended."""
    return sum(os.times()[:4])


def _whole_processors(joules: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """Packages and memory: the other zones are parts of them, or the same ones once more."""
    return {
        (zone, name): value
        for (zone, name), value in joules.items()
        if zone.startswith("intel-rapl:") and (name.startswith("package") or name == "dram")
    }
