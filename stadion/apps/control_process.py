"""The process of the control REST: `python -m stadion.apps.control_process HOST:PORT`."""

from __future__ import annotations

import socket
import sys

import uvicorn

from stadion.apps.control import build_app
from stadion.platform import Platform

__all__ = ["main"]


def main(bound: str) -> None:
    """Serve the home of the environment on an address that the parent process holds."""
    host, _, port = bound.rpartition(":")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, int(port)))
    listener.listen(128)
    config = uvicorn.Config(
        build_app(Platform.open()), log_level="warning", access_log=False, timeout_keep_alive=30
    )
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main(sys.argv[1])
