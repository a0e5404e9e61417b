"""Mutated messages and hostile HTTP/2: only declared statuses, bounded memory, no death."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from stadion.core.arrays import Array
from stadion.serve import Limits
from stadion.serve.grpc import inference_pb2 as pb
from stadion.serve.grpc.status import Status
from tests.serve import graphs
from tests.serve.grpc_calls import Client, client, parameter, request
from tests.serve.running import Server, running

MUTANTS = 2500
DECLARED = {status.name for status in Status} - {"INTERNAL", "UNAVAILABLE"}
X: Array = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    models = {
        "echo": graphs.echo(home),
        "texts": graphs.texts(home),
        "two": graphs.sum_of_two(home),
        "classes": graphs.classes(home),
    }
    limits = Limits(body_bytes=8 << 20, head_s=1.5, body_s=1.5, connections=200)
    with running(home, models, limits=limits, grpc_port=0) as found:
        yield found


@pytest.fixture
def calls(server: Server) -> Iterator[Client]:
    """A client of a server that is the same, and well, before and after."""
    pid = server.said["workers"][0]
    threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    before = resident(server)
    with client(server) as found:
        yield found
        assert np.array_equal(found.infer("echo", {"x": X})["y"], X)
    assert Path(f"/proc/{pid}/stat").exists()
    assert resident(server) - before < 64 << 20
    assert len(list(Path(f"/proc/{pid}/task").iterdir())) <= threads + 8


def resident(server: Server) -> int:
    """Bytes of the worker in memory."""
    status = Path(f"/proc/{server.said['workers'][0]}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


# --- messages


def seeds() -> list[bytes]:
    texts = np.array([b"", b"a", b"\xff\x00"], object)
    numbers = np.array([[1, -2]])
    scores = np.zeros((1, 4), np.float32)
    classified = request("classes", {"scores": scores}, parameters={"priority": parameter(2)})
    classified.outputs.add(name="activity").parameters["classification"].int64_param = 2
    messages = [
        request("echo", {"x": X}, id="seven"),
        request("echo", {"x": X}, typed=True, parameters={"sport": parameter("rowing")}),
        request("texts", {"x": texts}),
        request("texts", {"x": texts}, typed=True),
        request("two", {"a": numbers, "b": numbers}, outputs=["total"], model_version="1"),
        request("two", {"a": numbers, "b": numbers}, typed=True),
        classified,
    ]
    return [message.SerializeToString() for message in messages]


def mutant(rng: random.Random, known: list[bytes]) -> bytes:
    """A message with bytes cut off, changed, doubled, moved, or with numbers made enormous."""
    body = bytearray(rng.choice(known))
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(body) + 1)
        match rng.randrange(7):
            case 0:
                del body[at:]
            case 1 if body:
                body[at % len(body)] = rng.randrange(256)
            case 2:
                body[at:at] = body[max(0, at - 9) : at]
            case 3:
                body[at:at] = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"  # minus one
            case 4 if body:
                body[at % len(body)] ^= 1 << rng.randrange(8)
            case 5:
                del body[at : at + rng.randrange(1, 9)]
            case _:
                other = rng.choice(known)
                body[at:at] = other[rng.randrange(len(other)) :]
    return bytes(body)


def test_mutated_messages_end_with_declared_statuses_only(calls: Client) -> None:
    rng, known = random.Random(20261), seeds()
    call = calls.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
    seen: Counter[str] = Counter()
    for _ in range(MUTANTS // 100):
        for asked in [call.future(mutant(rng, known), timeout=20) for _ in range(100)]:
            error = asked.exception()
            seen["OK" if error is None else error.code().name] += 1
    assert set(seen) <= DECLARED, seen
    assert seen["INVALID_ARGUMENT"] > MUTANTS // 4
    assert seen["OK"] > MUTANTS // 50, "the mutants are too wild to reach the depths"


def test_mutated_messages_in_a_stream_leave_the_stream_alone(calls: Client) -> None:
    rng, known = random.Random(20262), seeds()
    good = request("echo", {"x": X}, id="good").SerializeToString()
    sent = [mutant(rng, known) if n % 2 else good for n in range(800)]
    stream = calls.channel.stream_stream(
        "/inference.GRPCInferenceService/ModelStreamInfer",
        response_deserializer=pb.ModelStreamInferResponse.FromString,
    )(iter(sent), timeout=40)
    answers = list(stream)
    assert len(answers) == len(sent)
    for answer in answers[::2]:
        assert (answer.infer_response.id, answer.error_message) == ("good", "")
    assert sum(bool(answer.error_message) for answer in answers[1::2]) > 100


def test_mutated_messages_of_the_other_methods(calls: Client) -> None:
    rng = random.Random(20263)
    known = [
        b"\x0a\x04echo\x12\x011",
        b"\x0a\x00\x10\x01",
        b"\x12\x04echo\x1a\x06\x0a\x01a\x12\x01b",
    ]
    names = ("ModelReady", "ModelMetadata", "ModelConfig", "RepositoryIndex", "TraceSetting",
             "LogSettings", "SystemSharedMemoryStatus")  # fmt: skip
    for name in names:
        call = calls.channel.unary_unary(f"/inference.GRPCInferenceService/{name}")
        for asked in [call.future(mutant(rng, known), timeout=20) for _ in range(60)]:
            error = asked.exception()
            assert error is None or error.code().name in DECLARED, (name, error)


@pytest.mark.parametrize(
    "body",
    [
        b"\x2a\x00" * 2_000_000,  # an input each
        b"\x32\x00" * 2_000_000,  # a requested output each
        b"\x22\x00" * 2_000_000,  # a parameter each
        b"\x3a\x00" * 2_000_000,  # an empty tensor each
        b"\xf8\x07\x01" * 2_000_000,  # unknown fields
    ],
)
def test_a_message_of_millions_of_fields_is_refused_before_it_is_parsed(
    calls: Client, body: bytes
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        calls.raw(body)
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "fields" in error.details()


# --- HTTP/2 by hand

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, CONTINUATION = 0, 1, 3, 4, 6, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind: int, flags: int, stream: int, payload: bytes, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def field(name: bytes, value: bytes) -> bytes:
    """A header in HPACK, literally."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


CALL = b"".join(
    field(*pair)
    for pair in (
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", b"/inference.GRPCInferenceService/ModelInfer"),
        (b":authority", b"x"),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
    )
)
OPENING = PREFACE + frame(SETTINGS, 0, 0, b"")


def message() -> bytes:
    body = request("echo", {"x": X}).SerializeToString()
    return b"\x00" + struct.pack(">I", len(body)) + body


def rapid_reset() -> Iterator[bytes]:
    """Calls that are taken back at once, over and over."""
    for first in range(1, 40_001, 200):
        yield b"".join(
            frame(HEADERS, END_HEADERS, stream, CALL)
            + frame(DATA, 0, stream, message())
            + frame(RST, 0, stream, struct.pack(">I", 8))
            for stream in range(first, first + 200, 2)
        )


def many_streams() -> Iterator[bytes]:
    """Far more calls at once than are allowed, none of them complete."""
    for stream in range(1, 8001, 2):
        yield frame(HEADERS, END_HEADERS, stream, CALL) + frame(DATA, 0, stream, message()[:9])


def header_flood() -> Iterator[bytes]:
    """One head that never ends."""
    yield frame(HEADERS, 0, 1, CALL)
    for number in range(20_000):
        yield frame(CONTINUATION, 0, 1, field(b"x-%d" % number, b"v" * 90))


def chatter(kind: int, payload: bytes) -> Callable[[], Iterator[bytes]]:
    def frames() -> Iterator[bytes]:
        for _ in range(200):
            yield frame(kind, 0, 0, payload) * 200

    return frames


def one(data: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter([data])


HOSTILE: dict[str, Callable[[], Iterator[bytes]]] = {
    "rapid reset": rapid_reset,
    "many streams": many_streams,
    "header flood": header_flood,
    "ping flood": chatter(PING, b"12345678"),
    "settings flood": chatter(SETTINGS, struct.pack(">HI", 3, 100)),
    "empty data": lambda: (frame(DATA, 0, 1, b"") * 500 for _ in range(100)),
    "enormous frame": one(frame(DATA, 0, 1, b"x" * 64, length=(1 << 24) - 1)),
    "truncated frame": one(frame(HEADERS, END_HEADERS, 1, CALL)[:20]),
    "garbage frames": one(random.Random(7).randbytes(1 << 16)),
    "garbled head": one(frame(HEADERS, END_HEADERS, 1, b"\xff" * 200)),
    "enormous message": one(
        frame(HEADERS, END_HEADERS, 1, CALL)
        + frame(DATA, END_STREAM, 1, b"\x00\xff\xff\xff\xff" + b"x" * 100)
    ),
    "unknown compression": one(
        frame(HEADERS, END_HEADERS, 1, CALL + field(b"grpc-encoding", b"zstd"))
        + frame(DATA, END_STREAM, 1, b"\x01\x00\x00\x00\x04abcd")
    ),
    "false gzip": one(
        frame(HEADERS, END_HEADERS, 1, CALL + field(b"grpc-encoding", b"gzip"))
        + frame(DATA, END_STREAM, 1, b"\x01\x00\x00\x00\x04abcd")
    ),
    "stream zero": one(frame(HEADERS, END_HEADERS, 0, CALL)),
    "data without a call": one(frame(DATA, END_STREAM, 99, message())),
    "window overflow": one(frame(8, 0, 0, struct.pack(">I", (1 << 31) - 1)) * 3),
}


def hostile(server: Server, frames: Iterator[bytes], opening: bytes = OPENING) -> bytes:
    """Send until the server closes or all is said; what came back."""
    host, _, port = str(server.said["grpc"]).rpartition(":")
    received = bytearray()
    with contextlib.closing(socket.create_connection((host, int(port)), 10)) as wire:
        wire.settimeout(0.5)
        with contextlib.suppress(OSError):
            wire.sendall(opening)
            for piece in frames:
                wire.sendall(piece)
        with contextlib.suppress(OSError):
            while part := wire.recv(1 << 16):
                received += part
    return bytes(received)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_http2_harms_nobody(server: Server, calls: Client, name: str) -> None:
    hostile(server, HOSTILE[name]())


@pytest.mark.parametrize(
    "opening",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        random.Random(8).randbytes(4096),
        PREFACE[:10],
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_what_is_no_http2_harms_nobody(server: Server, calls: Client, opening: bytes) -> None:
    hostile(server, iter(()), opening)


def test_a_call_by_hand_is_answered(server: Server, calls: Client) -> None:
    """The frames above are right where they are meant to be."""
    said = frame(HEADERS, END_HEADERS, 1, CALL) + frame(DATA, END_STREAM, 1, message())
    answer = hostile(server, iter([said]))
    assert X.tobytes() in answer


def test_a_message_that_stays_incomplete_is_given_up(server: Server, calls: Client) -> None:
    host, _, port = str(server.said["grpc"]).rpartition(":")
    with contextlib.closing(socket.create_connection((host, int(port)), 10)) as wire:
        wire.settimeout(6)
        half = message()[:40]
        wire.sendall(OPENING + frame(HEADERS, END_HEADERS, 1, CALL) + frame(DATA, 0, 1, half))
        began, received = time.monotonic(), b""
        while b"grpc-status" not in received:
            part = wire.recv(1 << 16)
            assert part, "the connection was closed instead"
            received += part
        assert 1 < time.monotonic() - began < 5


def test_more_connections_than_allowed_are_turned_away(server: Server, calls: Client) -> None:
    host, _, port = str(server.said["grpc"]).rpartition(":")
    with contextlib.ExitStack() as held:
        for _ in range(300):
            wire = socket.create_connection((host, int(port)), 10)
            held.enter_context(contextlib.closing(wire))
            with contextlib.suppress(OSError):
                wire.sendall(OPENING)
        time.sleep(0.3)
        pid = server.said["workers"][0]
        assert sockets_of(pid) < 240


def sockets_of(pid: int) -> int:
    count = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            count += str(entry.readlink()).startswith("socket:")
    return count
