"""How a server is set up: where it listens, how many workers, and the limit of everything."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from stadion.core.errors import Code, StadionError
from stadion.core.settings import Home

__all__ = ["LEAST_BYTES", "Limits", "ServeConfig", "ServerInfo", "byte_size", "is_loopback"]

LEAST_BYTES = 96 << 20
"""What a worker needs before it holds any model, and a little more."""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}


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
    held_bytes
        Request bodies that one worker holds at once, over all its connections.
    cold_s, cold_callers
        How long a request waits for its model to be brought into memory, and how many may wait
        so in one worker.
    pulse_s
        How often a worker asks one of its models itself, to see that it still answers.
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
    cold_s: float = 10.0
    cold_callers: int = 512
    pulse_s: float = 2.0
    held_bytes: int = 512 << 20


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
    keys_target
        'module:function' that makes a reader of API keys (see `gate.KeyReader`) from the path
        of the home; empty where nobody can have a key.
    memory_budget
        Bytes that all workers together may hold, their own included; a model is then loaded when
        it is first asked, and the one asked longest ago makes room. 0 loads everything at the
        start.
    require_keys
        Whether a key is needed on a loopback address too; elsewhere it always is.
    access_log
        A file to which a line is added for every call, or '-' for the standard output; empty for
        none.
    grpc_host, grpc_port
        Where gRPC is answered; 0 lets the server choose a free port, None answers none.
    """

    home: Home
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 0
    limits: Limits = field(default_factory=Limits)
    observer_target: str = ""
    keys_target: str = ""
    require_keys: bool = False
    memory_budget: int = 0
    access_log: str = ""
    grpc_host: str = "127.0.0.1"
    grpc_port: int | None = None

    def __post_init__(self) -> None:
        if self.needs_keys and not self.keys_target:
            raise StadionError(
                Code.FORBIDDEN,
                f"host is {' and '.join(self.far_hosts) or self.host!r} and nobody can have an "
                "API key; expected a loopback address such as 127.0.0.1, or keys_target",
            )
        if not 0 <= self.port < 1 << 16:
            raise StadionError(Code.INVALID, f"port is {self.port}; expected 0 to 65535")
        if self.grpc_port is not None and not 0 <= self.grpc_port < 1 << 16:
            raise StadionError(Code.INVALID, f"grpc_port is {self.grpc_port}; expected 0 to 65535")
        if not 0 <= self.workers <= 256:
            raise StadionError(Code.INVALID, f"workers is {self.workers}; expected 0 to 256")
        least = LEAST_BYTES * (self.worker_count + 1)
        if self.memory_budget and self.memory_budget < least:
            raise StadionError(
                Code.INVALID,
                f"the memory budget is {self.memory_budget >> 20} MiB; expected at least "
                f"{least >> 20} MiB for {self.worker_count} workers and the one in reserve",
            )

    @property
    def far_hosts(self) -> list[str]:
        """The addresses that others than this machine itself may reach."""
        hosts = (self.host,) if self.grpc_port is None else (self.host, self.grpc_host)
        return [host for host in dict.fromkeys(hosts) if not is_loopback(host)]

    @property
    def needs_keys(self) -> bool:
        """True when whoever has no API key is refused: everywhere but on this machine itself."""
        return self.require_keys or bool(self.far_hosts)

    @property
    def worker_count(self) -> int:
        """How many worker processes to keep."""
        return self.workers or len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """A server that is ready.

    `failed` names the models that no worker could load, and why; the others are served. `grpc`
    is HOST:PORT, or empty where gRPC is not answered.
    """

    host: str
    port: int
    workers: tuple[int, ...]
    ready_s: float
    failed: Mapping[str, str] = field(default_factory=dict)
    grpc: str = ""

    @property
    def url(self) -> str:
        """Where predictions are asked."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def byte_size(text: str) -> int:
    """A size such as '512MiB', '2GiB' or '800MB' in bytes.

    Raises
    ------
    StadionError
        INVALID when it is none.

    Examples
    --------
    >>> byte_size("512MiB"), byte_size("1.5 GB")
    (536870912, 1500000000)
    """
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,3})?) ?([kmg]i?)?b?", text.strip().lower(), re.ASCII)
    if found is None:
        raise StadionError(
            Code.INVALID, f"size is {text[:40]!r}; expected a number and a unit, such as 512MiB"
        )
    return int(float(found[1]) * _UNITS[found[2] or ""])


def is_loopback(host: str) -> bool:
    """True when only this machine itself reaches the address.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0"), is_loopback("club.example")
    (True, False, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
