"""Good calls that arrive together with malformed ones: each gets its own answer.

The worker is held still while all of them are sent, so that it reads them in one go.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.serve import graphs
from tests.serve.corpus.neighbours import BINARY, TEXTS, in_binary, in_json, packed
from tests.serve.running import Server, running
from tests.serve.wire import Reply, cut_reply

GOOD = 9


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with running(home, {"echo": graphs.echo(home)}) as found:
        yield found


@pytest.fixture(scope="module")
def wires(server: Server) -> Iterator[list[socket.socket]]:
    """Connections that stay open, on which the server has seen both forms."""
    with contextlib.ExitStack() as stack:
        address = ("127.0.0.1", server.port)
        found = [
            stack.enter_context(socket.create_connection(address, 10)) for _ in range(2 * GOOD)
        ]
        for wire in found:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(4):
            calls = [in_json(b"1.5,2.5"), in_binary(packed(1.5, 2.5))]
            for call, wire in zip(itertools.cycle(calls), found, strict=False):
                assert together(server, [wire], [call])[0].status == 200
        yield found


@pytest.mark.parametrize("name", TEXTS)
def test_nobody_gets_the_answer_of_a_neighbour_in_json(
    server: Server, wires: list[socket.socket], name: str
) -> None:
    poison = [(in_json(text), status) for text, status in TEXTS[name]]
    check_mixed(server, wires, poison, lambda a, b: in_json(b"%r,%r" % (a, b)), numbers_in_json)


@pytest.mark.parametrize("name", BINARY)
def test_nobody_gets_the_answer_of_a_neighbour_in_binary(
    server: Server, wires: list[socket.socket], name: str
) -> None:
    poison = [(in_binary(bytes(size)), status) for size, status in BINARY[name]]
    check_mixed(server, wires, poison, lambda a, b: in_binary(packed(a, b)), numbers_in_binary)


def check_mixed(
    server: Server,
    wires: list[socket.socket],
    poison: Sequence[tuple[bytes, int]],
    good: Callable[[float, float], bytes],
    read: Callable[[Reply], tuple[float, ...]],
) -> None:
    """Good and malformed calls in turns, the malformed ones first, between, and last."""
    for turn, lead in enumerate((0, 1, GOOD - 1)):
        asked = [(turn * 100.5 + n, n + 0.25) for n in range(GOOD)]
        calls: list[tuple[bytes, int, tuple[float, ...]]] = [(good(*n), 200, n) for n in asked]
        for at, (call, status) in enumerate([*poison, *poison]):
            calls.insert(min(lead + 2 * at, len(calls)), (call, status, ()))
        assert len(calls) <= len(wires)
        replies = together(server, wires, [call for call, _, _ in calls])
        for reply, (_, status, numbers) in zip(replies, calls, strict=True):
            assert reply.status == status, reply.body
            if numbers:
                assert read(reply) == numbers
            elif status != 200:
                assert list(json.loads(reply.body)) == ["error"]


def together(server: Server, wires: Sequence[socket.socket], calls: Sequence[bytes]) -> list[Reply]:
    """Send each call on a wire of its own, all before the worker reads any."""
    (pid,) = server.said["workers"]
    used = wires[: len(calls)]
    os.kill(pid, signal.SIGSTOP)
    try:
        for wire, call in zip(used, calls, strict=True):
            wire.sendall(call)
    finally:
        os.kill(pid, signal.SIGCONT)
    return [_reply(wire) for wire in used]


def _reply(wire: socket.socket) -> Reply:
    buffer = bytearray()
    while (reply := cut_reply(buffer)) is None:
        part = wire.recv(1 << 16)
        assert part, "the server closed the connection"
        buffer += part
    assert not buffer
    return reply


def numbers_in_json(reply: Reply) -> tuple[float, ...]:
    return tuple(json.loads(reply.body)["outputs"][0]["data"])


def numbers_in_binary(reply: Reply) -> tuple[float, ...]:
    length = int(reply.headers[b"inference-header-content-length"])
    return struct.unpack("<2f", reply.body[length:])
