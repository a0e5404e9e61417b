"""`stadion up`: a home in, its deployments answering until the signal to stop."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time

from stadion.apps.showing import answer
from stadion.core.errors import Code, StadionError
from stadion.platform import Platform
from stadion.serve import ServeConfig, ServerInfo, run_server

__all__ = ["serve"]

_CONTROL_READY_S = 30.0


def serve(home: str, http: str, control: str, workers: int, as_json: bool) -> None:
    """Run workers and control; say so when both answer.

    Raises
    ------
    StadionError
        INVALID for an address that is none, FORBIDDEN for one that is not loopback, CONFLICT
        when a server runs on this home or the port is taken.
    """
    place = Platform.open(home or None)
    host, port = _address(http, "--http")
    control_host, control_port = _address(control, "--control")
    config = ServeConfig(place.home, host, port, workers)
    ServeConfig(place.home, control_host, control_port)  # the control port has the same limits
    # The children find the home and the plug-ins where this process does.
    os.environ["STADION_HOME"] = str(place.home.path)
    with _held(control_host, control_port) as control_socket:
        control_port = control_socket.getsockname()[1]
        bound = f"{control_host}:{control_port}"
        command = [sys.executable, "-m", "stadion.apps.control_process", bound]

        def ready(info: ServerInfo) -> None:
            # The supervisor goes on while this waits: it is the one who starts the control.
            threading.Thread(target=announce, args=(info,), daemon=True).start()

        def announce(info: ServerInfo) -> None:
            _await_control(control_host, control_port)
            view = {
                "ready": True,
                "predictions": info.url,
                "control": f"http://{bound}",
                "workers": len(info.workers),
                "home": str(place.home.path),
                "ready_s": round(info.ready_s, 3),
                "failed": dict(info.failed),
            }
            _say(view, as_json)

        run_server(
            config,
            place.placements(),
            "stadion.platform.reading:read_file",
            ready,
            [command],
        )


def _say(view: dict[str, object], as_json: bool) -> None:
    answer(view, as_json)
    if not as_json:
        sys.stdout.write(f"the control REST is described at {view['control']}/docs\n")
    sys.stdout.flush()


def _address(text: str, option: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) >= 1 << 16:
        raise StadionError(Code.INVALID, f"{option} is {text!r}; expected HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def _held(host: str, port: int) -> socket.socket:
    """A socket that holds the control port without listening, so that a free one stays ours."""
    held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        held.bind((host, port))
    except OSError as error:
        held.close()
        raise StadionError(
            Code.CONFLICT, f"cannot listen on {host}:{port}: {error.strerror}"
        ) from None
    return held


def _await_control(host: str, port: int) -> None:
    """Predictions are served whether or not the control answers in time."""
    deadline = time.monotonic() + _CONTROL_READY_S
    while True:
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                sys.stderr.write(f"stadion: the control REST does not answer on {host}:{port}\n")
                return
            time.sleep(0.02)
