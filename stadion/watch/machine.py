"""The files of this machine's kernel in, its processor load, memory and energy out.

References
----------
proc(5); Linux power capping framework (RAPL), Documentation/power/powercap/powercap.rst.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from stadion.core.metric import Family, labels

__all__ = ["MachineReader"]


class MachineReader:
    """Processor, memory and, where the kernel lets this user read it, energy.

    Parameters
    ----------
    root
        Where /proc and /sys are.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._proc = root / "proc"
        self._powercap = root / "sys/class/powercap"
        self._busy, self._whole = 0, 0
        self._utilization = 0.0
        self._last_uj: dict[str, int] = {}
        self._joules: dict[str, float] = {}

    def read(self) -> list[Family]:
        """The figures at this moment; the load is that since the reading before."""
        families: list[Family] = []
        with contextlib.suppress(OSError, ValueError, LookupError):
            families.append(self._processor())
        with contextlib.suppress(OSError, ValueError, LookupError):
            families += self._memory()
        families.append(self._energy())
        return families

    def _processor(self) -> Family:
        ticks = [int(text) for text in _first_line(self._proc / "stat").split()[1:9]]
        whole = sum(ticks)
        busy = whole - ticks[3] - ticks[4]  # all but idle and waiting for a disk
        if whole > self._whole:
            self._utilization = (busy - self._busy) / (whole - self._whole)
            self._busy, self._whole = busy, whole
        family = Family("nv_cpu_utilization", "gauge", "Share of all cores in use, 0-1.")
        family.add("", self._utilization)
        return family

    def _memory(self) -> list[Family]:
        lines = (self._proc / "meminfo").read_text().splitlines()
        kib = {name: int(rest.split()[0]) for name, _, rest in (s.partition(":") for s in lines)}
        total = Family("nv_cpu_memory_total_bytes", "gauge", "Memory of the machine.")
        total.add("", kib["MemTotal"] << 10)
        used = Family("nv_cpu_memory_used_bytes", "gauge", "Memory that cannot be had at once.")
        used.add("", (kib["MemTotal"] - kib["MemAvailable"]) << 10)
        return [total, used]

    def joules(self) -> dict[tuple[str, str], float]:
        """(zone, its name) -> joules since the first reading, of the zones this user may read."""
        found: dict[tuple[str, str], float] = {}
        for zone in sorted(self._powercap.glob("*:*")):
            with contextlib.suppress(OSError, ValueError):  # most systems show it to root only
                now_uj = int(_first_line(zone / "energy_uj"))
                spent = now_uj - self._last_uj.get(zone.name, now_uj)
                if spent < 0:  # the kernel's counter begins anew at times
                    spent += int(_first_line(zone / "max_energy_range_uj"))
                self._last_uj[zone.name] = now_uj
                self._joules[zone.name] = self._joules.get(zone.name, 0.0) + spent / 1e6
                found[zone.name, _first_line(zone / "name")] = self._joules[zone.name]
        return found

    def _energy(self) -> Family:
        family = Family(
            "stadion_energy_joules_total", "counter", "Energy of a processor zone (RAPL)."
        )
        for (zone, name), joules in self.joules().items():
            family.add(labels(zone=zone, name=name), joules)
        return family


def _first_line(path: Path) -> str:
    with path.open() as lines:
        return lines.readline().strip()
