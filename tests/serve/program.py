"""The server program of the tests: its orders in JSON as the only argument, one line when ready."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import numpy as np

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.core.settings import Home
from stadion.serve import Limits, ServeConfig, ServerInfo, run_server
from stadion.serve.messages import Placement


class Orders(msgspec.Struct):
    """What to serve, and how."""

    home: str
    placements: list[Placement]
    limits: Limits
    workers: int = 1
    memory_budget: int = 0
    port: int = 0
    observer: str = ""
    children: list[list[str]] = []
    host: str = "127.0.0.1"
    require_keys: bool = False
    grpc_port: int | None = None
    access_log: str = ""


def read_numbers(package: ModelPackage, data: bytes, name: str) -> dict[str, Array]:
    """A recording of the tests: 'numbers' and then a line of them for each row."""
    head, _, rows = data.decode().partition("\n")
    if head == "fail":
        raise ValueError(name)
    if head != "numbers":
        raise StadionError(Code.INVALID, f"{name or 'the body'} is no recording")
    tensor = package.signature.inputs[0]
    return {tensor.name: np.array([row.split() for row in rows.splitlines()], np.float32)}


def main() -> None:
    """Run until SIGTERM."""
    text = sys.argv[1]
    content = Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()
    orders = msgspec.json.decode(content, type=Orders)
    config = ServeConfig(
        Home(Path(orders.home)),
        port=orders.port,
        workers=orders.workers,
        limits=orders.limits,
        memory_budget=orders.memory_budget,
        observer_target=orders.observer,
        host=orders.host,
        keys_target="stadion.trust.keys:key_reader",
        require_keys=orders.require_keys,
        grpc_port=orders.grpc_port,
        access_log=orders.access_log,
    )
    try:
        run_server(
            config,
            [(placement.deployment, placement.packages) for placement in orders.placements],
            "tests.serve.program:read_numbers",
            _tell,
            orders.children,
        )
    except StadionError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(3) from None


def _tell(info: ServerInfo) -> None:
    view = {
        "port": info.port,
        "grpc": info.grpc,
        "workers": info.workers,
        "failed": info.failed,
        "ready_s": info.ready_s,
    }
    sys.stdout.write(json.dumps(view) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
