"""HTTP/1.1 as good, slow and hostile clients speak it; after each the server answers others."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stadion.serve import Limits
from tests.serve import graphs
from tests.serve.running import Server, ask, raw, running

LIMITS = Limits(head_s=0.6, body_s=0.9, idle_s=1.2, body_bytes=1 << 20, write_s=1.0)
PATH = b"/v2/models/echo/infer"


@pytest.fixture(scope="module")
def one(home: Path) -> Iterator[Server]:
    with running(home, {"echo": graphs.echo(home)}, limits=LIMITS) as found:
        yield found


@pytest.fixture
def server(one: Server) -> Iterator[Server]:
    """The server, which must still answer after the test."""
    yield one
    assert ask(one, "POST", PATH.decode(), json.loads(body_of(4.5))).status == 200


def body_of(number: float) -> bytes:
    one = {"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [number]}
    return json.dumps({"inputs": [one]}).encode()


def request_of(number: float, *headers: bytes, path: bytes = PATH) -> bytes:
    body = body_of(number)
    lines = [b"POST %b HTTP/1.1" % path, b"Host: x", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(*chunks: bytes, trailer: bytes = b"", extension: bytes = b"") -> bytes:
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" % PATH
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    for chunk in chunks:
        head += b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk)
    return head + b"0\r\n" + trailer + b"\r\n"


def replies(received: bytes) -> list[tuple[int, bytes]]:
    """Status and body of each response; every one must announce its length."""
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        if status == 100:
            received = rest
            continue
        assert length, head
        size = int(length[1])
        found.append((status, rest[:size]))
        received = rest[size:]
    return found


def numbers(received: bytes) -> list[float]:
    found = []
    for status, body in replies(received):
        assert status == 200, body
        found.append(json.loads(body)["outputs"][0]["data"][0])
    return found


def only(received: bytes) -> int:
    """The status of the only response, whose error is {"error": text}."""
    ((status, body),) = replies(received)
    assert list(json.loads(body)) == ["error"], body
    return status


CLOSE = b"Connection: close"


# --- good clients


def test_a_connection_is_kept_for_more_requests(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as wire:
        for number in (1.0, 2.0, 3.0):
            wire.sendall(request_of(number))
            assert numbers(wire.recv(1 << 16)) == [number]


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    asked = [float(n) for n in range(200)]
    requests = b"".join(request_of(n) for n in asked[:-1]) + request_of(asked[-1], CLOSE)
    assert numbers(raw(server, requests)) == asked
    middle = len(requests) // 2 + 7
    assert numbers(raw(server, requests[:middle], requests[middle:])) == asked


def test_a_request_may_come_byte_by_byte(server: Server) -> None:
    asked = request_of(7.0, CLOSE)
    assert numbers(raw(server, *(asked[i : i + 1] for i in range(len(asked))))) == [7.0]


def test_chunked_bodies_with_extensions_and_trailers_are_taken(server: Server) -> None:
    body = body_of(8.0)
    pieces = [body[i : i + 3] for i in range(0, len(body), 3)]
    assert numbers(raw(server, chunked(body))) == [8.0]
    assert numbers(raw(server, chunked(*pieces))) == [8.0]
    fancy = chunked(*pieces, trailer=b"Checked: no\r\n", extension=b";a=b")
    assert numbers(raw(server, fancy)) == [8.0]


def test_continue_is_said_before_the_body(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as wire:
        head, _, body = request_of(5.0, b"Expect: 100-continue", CLOSE).partition(b"\r\n\r\n")
        wire.sendall(head + b"\r\n\r\n")
        assert wire.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.sendall(body)
        assert numbers(wire.recv(1 << 16)) == [5.0]


def test_a_body_that_will_be_refused_is_not_asked_for(server: Server) -> None:
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nExpect: %b\r\nContent-Length: %d\r\n\r\n"
    assert only(raw(server, head % (PATH, b"100-continue", 2 << 20))) == 413
    assert only(raw(server, head % (PATH, b"cookies", 5))) == 417


def test_head_is_get_without_the_body(server: Server) -> None:
    get = raw(server, b"GET /v2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head = raw(server, b"HEAD /v2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert head.endswith(b"\r\n\r\n")
    assert head.lower().count(b"content-length") == 1
    assert get[: len(head)].split(b"Date")[0] == head.split(b"Date")[0]


def test_old_clients_keep_a_connection_when_they_say_so(server: Server) -> None:
    asked = b"GET /v2/health/live HTTP/1.0\r\n"
    assert b"Connection: close" in raw(server, asked + b"\r\n")
    both = raw(server, asked + b"Connection: keep-alive\r\n\r\n" + asked + b"\r\n")
    assert [status for status, _ in replies(both)] == [200, 200]
    assert both.count(b"Connection: keep-alive") == 1


def test_an_offer_of_another_protocol_is_declined(server: Server) -> None:
    offer = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMA")
    received = raw(server, request_of(3.0, *offer) + request_of(4.0, CLOSE))
    assert numbers(received) == [3.0, 4.0]


def test_a_connection_closed_behind_its_requests_gets_quick_answers(server: Server) -> None:
    assert numbers(raw(server, request_of(1.0) + request_of(2.0), end=True)) == [1.0, 2.0]


def test_a_proxys_absolute_url_is_taken(server: Server) -> None:
    assert numbers(raw(server, request_of(6.0, CLOSE, path=b"http://x" + PATH))) == [6.0]


# --- mistaken clients


@pytest.mark.parametrize("path", ["/", "/v2", "/v2/health/live", "/v2/models/echo"])
def test_a_wrong_method_is_told_with_the_right_one(server: Server, path: str) -> None:
    answer = ask(server, "DELETE", path)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert ask(server, "GET", "/v2/models/echo/infer").headers["allow"] == "POST"


@pytest.mark.parametrize(
    "path",
    ["/v3", "/v2/", "/v2/models//infer", "/predict", "/predict/a/b", "/%2e%2e/etc", "/v2%00"],
)
def test_an_unknown_path_is_not_found(server: Server, path: str) -> None:
    assert ask(server, "GET", path).status == 404


def test_names_in_paths_may_be_quoted_and_are_not_paths(server: Server) -> None:
    assert ask(server, "GET", "/v2/models/ec%68o/ready").status == 200
    for name in ("..%2f..%2fetc%2fpasswd", "%00", "%ff", "a" * 500):
        answer = ask(server, "GET", f"/v2/models/{name}/ready")
        assert answer.status == 404
        assert len(answer.body) < 600


@pytest.mark.parametrize(
    "request_line",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"BREW /v2 HTTP/1.1\r\n\r\n",
        b"GET /v2\r\n\r\n",
        b"GET /v2 HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v2 HTTP/1.1\nHost: x\n\n",
        b"GET /v2 HTTP/1.1\r\nBad Header: x\r\n\r\n",
        b"GET /v2 HTTP/1.1\r\nX: a\r\n b\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v\xff2 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v2 HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /v2 HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /v2 HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /v2 HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /v2 HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v2 HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"POST /v2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_what_is_not_http_gets_400(server: Server, request_line: bytes) -> None:
    assert only(raw(server, request_line)) == 400


def test_requests_before_a_malformed_one_are_answered(server: Server) -> None:
    received = replies(raw(server, request_of(1.0) + request_of(2.0) + b"nonsense\r\n\r\n"))
    assert [status for status, _ in received] == [200, 200, 400]


# --- clients that send too much


def test_a_body_beyond_the_limit_is_refused_early(server: Server) -> None:
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    assert only(raw(server, head % (PATH, 3 << 20))) == 413
    assert only(raw(server, head % (PATH, 3 << 20), bytes(3 << 20))) == 413
    assert only(raw(server, chunked(*[bytes(64 << 10)] * 20))) == 413
    assert ask(server, "POST", PATH.decode(), bytes((1 << 20) + 1)).status == 413


def test_heads_have_a_limit(server: Server) -> None:
    start = b"GET /v2 HTTP/1.1\r\nHost: x\r\n"
    assert only(raw(server, start + b"X: %b\r\n\r\n" % (b"a" * 20_000))) == 431
    assert only(raw(server, start + b"X: y\r\n" * 1_000 + b"\r\n")) == 431
    assert only(raw(server, start + b"X: ", *[b"a" * 10_000] * 40)) == 431
    assert only(raw(server, b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 10_000))) == 414


def test_chunks_that_carry_next_to_nothing_are_cut(server: Server) -> None:
    start = b"POST %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % PATH
    extension = b"1;" + b"a" * 50_000
    assert only(raw(server, start, *[extension + b"\r\nx\r\n"] * 40)) == 400
    assert only(raw(server, start + b"0\r\n", *[b"T: %b\r\n" % (b"a" * 20_000)] * 40)) == 400


# --- slow clients


def test_a_slow_head_is_cut(server: Server) -> None:
    began = time.monotonic()
    assert only(raw(server, b"GET /v2 HTTP/1.1\r\nX")) == 408
    assert 0.4 < time.monotonic() - began < 3
    with socket.create_connection(("127.0.0.1", server.port), 10) as wire:
        assert drip(wire, b"GET /v2 HTTP/1.1\r\nX: " + b"a" * 100).startswith(b"HTTP/1.1 408")


def test_a_slow_body_is_cut(server: Server) -> None:
    began = time.monotonic()
    assert only(raw(server, request_of(1.0)[:-3])) == 408
    assert 0.7 < time.monotonic() - began < 3


def drip(wire: socket.socket, content: bytes) -> bytes:
    """Send a byte every moment until something comes back."""
    wire.settimeout(0.05)
    for i in range(len(content)):
        wire.sendall(content[i : i + 1])
        try:
            return wire.recv(1 << 16)
        except TimeoutError:
            continue
    raise AssertionError("the server waited for all of it")


def test_a_silent_connection_is_closed_without_a_word(server: Server) -> None:
    assert raw(server, limit_s=5) == b""
    received = raw(server, request_of(2.0), limit_s=5)
    assert numbers(received) == [2.0]


def test_a_client_that_takes_no_answer_is_cut(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        shape = {"name": "x", "shape": [1, 100_000], "datatype": "FP32", "data": [0] * 100_000}
        body = json.dumps({"inputs": [shape]}).encode()
        head = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (PATH, len(body))
        wire.settimeout(8)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            send_forever(wire, head + body)


def send_forever(wire: socket.socket, content: bytes) -> None:
    while True:
        wire.sendall(content)


def test_many_slow_clients_leave_the_others_alone(server: Server) -> None:
    slow = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(300)]
    try:
        for wire in slow:
            wire.sendall(b"POST /v2/models/echo/infer HTTP/1.1\r\nX: ")
        began = time.monotonic()
        assert numbers(raw(server, request_of(9.0, CLOSE))) == [9.0]
        assert time.monotonic() - began < 2
    finally:
        for wire in slow:
            wire.close()
