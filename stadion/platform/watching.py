"""A home in, the metrics of what runs on it out."""

from __future__ import annotations

from dataclasses import dataclass, field

from stadion.core.errors import StadionError
from stadion.core.metric import Family, exposition
from stadion.core.settings import Home
from stadion.serve import PlaneClient
from stadion.serve.families import families
from stadion.watch.gpu import GpuReader
from stadion.watch.machine import MachineReader

__all__ = ["Watching"]


@dataclass
class Watching:
    """Reads the server and the machine; kept between readings, for load is a difference."""

    home: Home
    machine: MachineReader = field(default_factory=MachineReader)
    gpu: GpuReader = field(default_factory=GpuReader)

    def metrics(self) -> bytes:
        """Everything in the text form of Prometheus; `stadion_up` says whether a server runs."""
        is_up = Family("stadion_up", "gauge", "1 while a server answers on this home.")
        found = [is_up]
        try:
            found += families(PlaneClient(self.home.sockets / "plane.sock").counts())
            is_up.add("", 1)
        except StadionError:
            is_up.add("", 0)
        return exposition([*found, *self.machine.read(), *self.gpu.read()])
