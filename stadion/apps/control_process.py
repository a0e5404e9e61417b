"""The process of the control REST: `python -m stadion.apps.control_process HOST:PORT [KEYS]`."""

from __future__ import annotations

import socket
import sys

import uvicorn

from stadion.apps.control import LOOPBACK_HOSTS, build_app
from stadion.apps.options import REQUIRE_KEYS
from stadion.platform import Platform
from stadion.serve.config import is_loopback
from stadion.serve.gate import Gate

__all__ = ["main"]


def main(bound: str, keys: str = "") -> None:
    """Serve the home of the environment on an address that the parent process holds.

    `keys` is `REQUIRE_KEYS` where they are needed on a loopback address too.
    """
    host, _, port = bound.rpartition(":")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, int(port)))
    listener.listen(128)
    place = Platform.open()
    is_near = is_loopback(host)
    gate = Gate(place.keys.reader(), is_required=keys == REQUIRE_KEYS or not is_near)
    # A page that calls under another name has no key to send.
    app = build_app(place, gate, LOOPBACK_HOSTS if is_near else ["*"])
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_keep_alive=30)
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
