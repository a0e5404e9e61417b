"""`stadion up`: a home in, its deployments answering until the signal to stop."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from stadion.apps.options import REQUIRE_KEYS
from stadion.apps.showing import answer
from stadion.core.access import CONTROL
from stadion.core.errors import Code, StadionError
from stadion.platform import Platform
from stadion.platform.keys import KEYS_TARGET
from stadion.serve import ServeConfig, ServerInfo, run_server
from stadion.serve.access_log import STDOUT
from stadion.serve.config import byte_size
from stadion.serve.doors import expect_keys

__all__ = ["serve"]

_CONTROL_READY_S = 30.0


def serve(
    home: str,
    http: str,
    grpc: str,
    control: str,
    workers: int,
    as_json: bool,
    require_keys: bool = False,
    access_log: str = "",
    memory_budget: str = "",
) -> None:
    """Run workers and control; say so when both answer.

    Raises
    ------
    StadionError
        INVALID for an address or a size that is none and a log that cannot be written, FORBIDDEN
        for an address that needs keys where there are none, CONFLICT when a server runs on this
        home or the port is taken.
    """
    place = Platform.open(home or None)
    host, port = _address(http, "--http")
    grpc_host, grpc_port = _address(grpc, "--grpc")
    control_host, control_port = _address(control, "--control")
    config = ServeConfig(
        place.home,
        host,
        port,
        workers,
        keys_target=KEYS_TARGET,
        require_keys=require_keys,
        grpc_host=grpc_host,
        grpc_port=grpc_port,
        access_log=_log_target(access_log),
        memory_budget=byte_size(memory_budget) if memory_budget else 0,
    )
    expect_keys(replace(config, host=control_host, grpc_port=None), CONTROL)
    # The children find the home and the plug-ins where this process does.
    os.environ["STADION_HOME"] = str(place.home.path)
    with _held(control_host, control_port) as control_socket:
        control_port = control_socket.getsockname()[1]
        bound = f"{control_host}:{control_port}"
        command = [sys.executable, "-m", "stadion.apps.control_process", bound]
        command += [REQUIRE_KEYS] if require_keys else []

        def ready(info: ServerInfo) -> None:
            # The supervisor goes on while this waits: it is the one who starts the control.
            threading.Thread(target=announce, args=(info,), daemon=True).start()

        def announce(info: ServerInfo) -> None:
            _await_control(control_host, control_port)
            view = {
                "ready": True,
                "predictions": info.url,
                "grpc": info.grpc,
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


def _log_target(text: str) -> str:
    """The workers' way to the log; that it can be written is seen before any of them begins."""
    if text in ("", STDOUT):
        return text
    file = Path(text).expanduser().absolute()
    try:
        file.open("ab").close()
    except OSError as error:
        raise StadionError(
            Code.INVALID, f"--access-log is {text!r}: {error.strerror}; expected a file or -"
        ) from None
    return str(file)


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
