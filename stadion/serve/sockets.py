"""Addresses in, sockets out: the port that workers share, and the control socket of a home."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from stadion.core.errors import Code, StadionError

__all__ = [
    "address_of",
    "refuse_new",
    "reserve_port",
    "shared_listener",
    "short_path",
    "unix_listener",
]

_SO_ATTACH_FILTER = 26
_DROP_SYN = (
    (0x30, 0, 0, 13),  # load the TCP flags
    (0x45, 0, 1, 0x02),  # is SYN set?
    (0x06, 0, 0, 0),  # then drop
    (0x06, 0, 0, 0xFFFFFFFF),  # else keep
)
_DYING_S = 1.0
_LONGEST_PATH = 100  # of a Unix socket: the kernel takes 107 bytes


def address_of(host: str, port: int) -> str:
    """HOST:PORT as clients write it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def shared_listener(host: str, port: int) -> socket.socket:
    """A bound socket whose port other processes may bind as well.

    Raises
    ------
    StadionError
        CONFLICT when somebody else holds the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StadionError(
            Code.CONFLICT,
            f"cannot listen on {host}:{port}: {error.strerror}",
            "choose another port, or 0 for a free one",
        ) from None
    return listener


def reserve_port(host: str, port: int) -> tuple[socket.socket, int]:
    """Hold a port for the workers: bound, never listening; 0 lets the kernel choose.

    Raises
    ------
    StadionError
        CONFLICT when something listens there already, be it another server of this kind. The
        workers of one that was killed a moment ago are given time to end.
    """
    deadline = time.monotonic() + _DYING_S
    while port and _is_taken(host, port):
        if time.monotonic() > deadline:
            raise StadionError(
                Code.CONFLICT,
                f"something listens on {host}:{port} already",
                "choose another port, or 0 for a free one",
            )
        time.sleep(0.05)
    holder = shared_listener(host, port)
    return holder, int(holder.getsockname()[1])


def _is_taken(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def refuse_new(listener: socket.socket) -> None:
    """Let the kernel drop new connection attempts without touching those it has accepted.

    Closing a listening socket resets the connections that still wait in its queue: requests
    that clients have sent already. A packet filter that drops SYN segments stops new attempts
    first; a client whose attempt is dropped tries again and finds the port closed.
    """
    import ctypes

    program = b"".join(struct.pack("HBBI", *step) for step in _DROP_SYN)
    held = ctypes.create_string_buffer(program)
    described = struct.pack("HL", len(_DROP_SYN), ctypes.addressof(held))
    with contextlib.suppress(OSError):  # without it a narrow race remains
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)


def unix_listener(path: Path) -> socket.socket:
    """A listening Unix socket that only its owner may use, in place of a stale one.

    The caller holds the home's lock, so whatever lies there belongs to nobody.
    """
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        with short_path(path) as address:
            listener.bind(address)
    finally:
        os.umask(mask)
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    listener.listen(64)
    listener.setblocking(False)
    return listener


@contextlib.contextmanager
def short_path(path: Path) -> Iterator[str]:
    """An address of a Unix socket that the kernel takes, however deep its folder lies."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
