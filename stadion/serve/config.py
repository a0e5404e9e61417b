"""How a server is set up: where it listens, how many workers, and the limit of everything."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from stadion.core.errors import Code, StadionError
from stadion.core.settings import Home

__all__ = ["Limits", "ServeConfig", "ServerInfo"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Every size and every wait of the serving room.

    Parameters
    ----------
    body_bytes, head_bytes
        Largest request body (also after inflating it) and largest request head.
    head_s, body_s, idle_s, write_s
        How long a client may take to send a head, to send a body, to stay silent between two
        requests, and to take no byte of an answer.
    run_s
        From the moment a request is complete to its answer, where it waits for the pool.
    queue
        Requests that may wait for the pool of one worker.
    connections
        Open connections of one worker.
    load_s
        Loading everything a worker should serve, or preparing one deployment.
    drain_s
        Finishing what is in flight after the signal to stop.
    beat_s, stuck_s
        How often a worker says that it is alive, and the silence after which it is replaced.
    trial_s, trial_bytes
        Time and address space of the throwaway child that loads a version first; the size of
        the model is added to the latter three times.
    """

    body_bytes: int = 64 << 20
    head_bytes: int = 16 << 10
    head_s: float = 10.0
    body_s: float = 60.0
    idle_s: float = 75.0
    write_s: float = 60.0
    run_s: float = 30.0
    queue: int = 256
    connections: int = 4096
    load_s: float = 120.0
    drain_s: float = 20.0
    beat_s: float = 0.25
    stuck_s: float = 2.0
    trial_s: float = 60.0
    trial_bytes: int = 4 << 30


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """One server of one home.

    Parameters
    ----------
    port
        0 lets the server choose a free one, the same for all workers.
    workers
        Processes that share the port; 0 means one per core this process may use.
    observer_target
        'module:function' that sees every answer (see `plane.Observer`); empty for none.
    """

    home: Home
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 0
    limits: Limits = field(default_factory=Limits)
    observer_target: str = ""

    def __post_init__(self) -> None:
        if not _is_loopback(self.host):
            raise StadionError(
                Code.FORBIDDEN,
                f"host is {self.host!r}; expected a loopback address such as 127.0.0.1",
                "other addresses need API keys, which this server does not check yet",
            )
        if not 0 <= self.port < 1 << 16:
            raise StadionError(Code.INVALID, f"port is {self.port}; expected 0 to 65535")
        if not 0 <= self.workers <= 256:
            raise StadionError(Code.INVALID, f"workers is {self.workers}; expected 0 to 256")

    @property
    def worker_count(self) -> int:
        """How many worker processes to keep."""
        return self.workers or len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """A server that is ready.

    `failed` names the models that no worker could load, and why; the others are served.
    """

    host: str
    port: int
    workers: tuple[int, ...]
    ready_s: float
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where predictions are asked."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
