"""The corpus against one server: each entry gets its answer and costs little, none ends a worker.

After every entry the same processes still answer a good request. Memory is the most the worker
ever held while an entry was played, not what it held afterwards.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stadion.serve import Limits
from tests.serve import graphs
from tests.serve.corpus import (
    again,
    blobs,
    bodies,
    framing,
    heads,
    names,
    operations,
    slow,
    tensors,
    values,
)
from tests.serve.corpus.entry import CLOSE, Entry, good
from tests.serve.processes import MOST_BYTES, Worker, excess
from tests.serve.running import Server, running
from tests.serve.wire import Reply, cut_reply

LIMITS = Limits(head_s=0.6, body_s=0.8, idle_s=1.2, body_bytes=8 << 20, write_s=1.0)
TABLES = {
    module.__name__.rpartition(".")[2]: module.ENTRIES
    for module in (again, blobs, bodies, framing, heads, names, operations, tensors, values)
}


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    models = {
        "echo": graphs.echo(home),
        "strict": graphs.constant(home, 5.0),
        "half": graphs.half(home),
        "texts": graphs.texts(home),
        "two": graphs.sum_of_two(home),
        "spare": graphs.constant(home, 6.0),
    }
    with running(home, models, limits=LIMITS) as found:
        yield found


@pytest.fixture(scope="module")
def at_first(server: Server) -> int:
    """What the worker held before anything malformed came."""
    worker = Worker(server.said["workers"][0])
    worker.forget_most()
    return worker.most_bytes()


@pytest.mark.parametrize("table", TABLES)
def test_every_entry_gets_its_answer(server: Server, at_first: int, table: str) -> None:
    (pid,) = server.said["workers"]
    worker = Worker(pid)
    began = worker.began()
    wrong = []
    worker.forget_most()
    floor = worker.most_bytes()
    for entry in TABLES[table]:
        worker.forget_most()
        spent = worker.cpu_s()
        replies = play(server, entry)
        wrong += [f"{entry.name}: {fault}" for fault in faults(entry, replies)]
        wrong += [f"{entry.name}: {fault}" for fault in excess(worker, entry.size, floor, spent)]
        assert worker.began() == began, f"the worker died of {entry.name}"
        assert is_good(server), f"no answer after {entry.name}"
    worker.forget_most()
    largest = max(entry.size for entries in TABLES.values() for entry in entries)
    wrong += [
        f"held for good: {fault}" for fault in excess(worker, largest, at_first, worker.cpu_s())
    ]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(TABLES[table])}", *wrong])


def test_slow_clients_are_cut_in_time(server: Server) -> None:
    """All at once: each waits for itself only."""
    began = time.monotonic()
    with ThreadPoolExecutor(len(slow.ENTRIES)) as crowd:
        answers = list(crowd.map(lambda entry: play(server, entry), slow.ENTRIES))
    assert time.monotonic() - began < 6
    wrong = [
        f"{entry.name}: {fault}"
        for entry, replies in zip(slow.ENTRIES, answers, strict=True)
        for fault in faults(entry, replies)
    ]
    assert not wrong, "\n".join(wrong)
    assert is_good(server)


def test_what_is_wrong_would_be_noticed(server: Server) -> None:
    entry = Entry("control", (), (400,))
    kind = {b"content-type": b"application/json"}
    told = Reply(400, kind, b'{"error":"the shape is wrong"}')
    assert faults(entry, [told]) == []
    for reply in (
        Reply(500, kind, told.body),
        Reply(400, {}, told.body),
        Reply(400, kind, b'{"error":"broken'),
        Reply(400, kind, b'{"detail":"wrong"}'),
        Reply(400, kind, b'{"error":"at worker.py line 3"}'),
        Reply(400, kind, b'{"error":"%b"}' % (b"x" * 5_000)),
    ):
        assert faults(entry, [reply]), reply
    assert faults(entry, [])
    assert faults(entry, [told, told])
    worker = Worker(server.said["workers"][0])
    assert len(excess(worker, 0, -MOST_BYTES, -1.0)) == 2


def play(server: Server, entry: Entry) -> list[Reply]:
    """Send an entry and read what comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), 10) as wire:
        wire.settimeout(10)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in entry.send:
                if isinstance(piece, float):
                    time.sleep(piece)
                elif isinstance(piece, tuple):
                    for _ in range(piece[1]):
                        wire.sendall(piece[0])
                else:
                    wire.sendall(piece)
        return _received(wire, entry)


def _received(wire: socket.socket, entry: Entry) -> list[Reply]:
    """All answers; once there are enough, our half is closed so that the server closes too."""
    buffer, found, is_open = bytearray(), [], True
    while True:
        while (reply := cut_reply(buffer, bodiless=entry.bodiless)) is not None:
            if reply.status != 100:
                found.append(reply)
        if is_open and entry.expect and len(found) >= len(entry.expect):
            is_open = False
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_WR)
        part = wire.recv(1 << 16)
        if not part:
            break
        buffer += part
    assert not buffer, f"{entry.name}: half an answer: {bytes(buffer[:200])!r}"
    return found


def faults(entry: Entry, replies: Sequence[Reply]) -> list[str]:
    """What is not as the entry says."""
    statuses = tuple(reply.status for reply in replies)
    if statuses != entry.expect:
        texts = [reply.body[:120] for reply in replies if reply.status != 200]
        return [f"{statuses[:9]} instead of {entry.expect[:9]} {texts[:3]}"]
    if entry.bodiless:
        return []
    return [fault for reply in replies if (fault := _fault(reply))]


def _fault(reply: Reply) -> str:
    if reply.headers.get(b"content-type") != b"application/json":
        return "" if reply.status == 200 else f"{reply.status} without a text"
    try:
        content = json.loads(reply.body, parse_constant=_no_constant)
    except ValueError as error:
        return f"the answer is no JSON: {error}"
    if reply.status == 200:
        return ""
    text = content.get("message" if "error_code" in content else "error")
    if not isinstance(text, str) or not text:
        return f"the error has no text: {content}"
    if len(reply.body) > 2_000:
        return f"the error has {len(reply.body)} bytes"
    if re.search(r"Traceback|\.py\b|0x[0-9a-f]{6}|/(home|work|tmp|usr)/", text):
        return f"the error tells of the inside: {content}"
    return ""


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def is_good(server: Server) -> bool:
    """The server answers a good request, and correctly."""
    (reply,) = play(server, Entry("good", (good(1.5, CLOSE),), (200,)))
    return reply.status == 200 and json.loads(reply.body)["outputs"][0]["data"] == [1.5]
