"""Who may ask a running server, from where, and how much it holds of their bodies."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from stadion.core.access import Access
from stadion.core.errors import Code, StadionError
from stadion.core.settings import Home
from stadion.serve import Limits, ServeConfig, run_server
from stadion.serve.config import is_loopback
from stadion.serve.doors import expect_keys
from stadion.serve.protocols.base import Route
from stadion.trust import KeyBook
from tests.serve import graphs
from tests.serve.keyed import X, bearer, infer, within
from tests.serve.routes import all_routes
from tests.serve.running import Server, ask, raw, running

KEYS = "stadion.trust.keys:key_reader"
OPEN = {"/", "/v2/health/live", "/v2/health/ready", "/ping", "/health"}


@pytest.fixture(scope="module")
def book(home: Path) -> KeyBook:
    return KeyBook(Home(home).trust)


@pytest.fixture(scope="module")
def keys(book: KeyBook) -> dict[str, str]:
    """The text of a key by its name."""
    wishes: dict[str, dict[str, Any]] = {
        "app": {},
        "admin": {"scopes": ("control",)},
        "single": {"models": ("echo", "spare")},
    }
    return {name: book.create(name, **wish)[1] for name, wish in wishes.items()}


@pytest.fixture(scope="module")
def server(home: Path, keys: Mapping[str, str]) -> Iterator[Server]:
    models = {
        "echo": graphs.echo(home / "echo"),
        "theirs": graphs.echo(home / "theirs"),
        "spare": graphs.echo(home / "spare"),
    }
    with running(home, models, require_keys=bool(keys)) as server:
        yield server


# --- who may ask


def test_a_key_opens_the_models_in_both_forms(server: Server, keys: dict[str, str]) -> None:
    for headers in (bearer(keys["app"]), {"X-API-Key": keys["app"]}):
        answer = ask(server, "POST", "/v2/models/echo/infer", X, headers)
        assert answer.status == 200, answer.body
        assert answer.json["outputs"][0]["data"] == [1, 2]


def test_a_missing_and_a_wrong_key_are_401_with_a_challenge(server: Server) -> None:
    for key in ("", "wrong", "stadion_000000000000_" + 43 * "A"):
        answer = infer(server, key)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert set(answer.json) == {"error"}


def test_every_route_declares_what_it_asks_and_only_health_is_open() -> None:
    routes = all_routes()
    undeclared = [route.path for route in routes if route.access is None]
    assert not undeclared, "where keys are needed, these are open to nobody"
    assert {route.path for route in routes if route.access is Access.OPEN} <= OPEN
    for route in routes:
        if route.access is Access.PREDICT and route.path != "/invocations":
            assert "{model}" in route.path, f"whose model is it? {route}"


@pytest.mark.parametrize("route", all_routes(), ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_shut_without_the_right_key(
    server: Server, keys: dict[str, str], route: Route
) -> None:
    path = re.sub(r"\{model\}", "spare", route.path)  # one of the calls unloads it
    path = re.sub(r"\{\w+\}", "1", path)

    def status(key: str) -> int:
        body = b"{}" if route.method == "POST" else None
        answer = ask(server, route.method, path, body, bearer(key))
        if answer.status == 401:
            assert answer.headers["www-authenticate"] == "Bearer"
        return answer.status

    if route.access is Access.OPEN:
        assert status("") == 200
        return
    assert status("") == 401
    assert (status(keys["app"]) == 403) is (route.access is Access.CONTROL)
    assert (status(keys["admin"]) == 403) is (route.access in (Access.PREDICT, Access.CATALOGUE))
    assert (status(keys["single"]) == 403) is (route.access in (Access.CONTROL, Access.CATALOGUE))


def test_paths_that_are_not_there_tell_a_stranger_nothing(
    server: Server, keys: dict[str, str]
) -> None:
    for method, path, status in (("GET", "/nowhere", 404), ("PUT", "/v2/models/echo/infer", 405)):
        assert ask(server, method, path).status == 401
        assert ask(server, method, path, headers=bearer(keys["app"])).status == status


def test_a_model_of_others_answers_like_an_unknown_one(
    server: Server, keys: dict[str, str]
) -> None:
    assert infer(server, keys["single"], "echo").status == 200
    hidden = infer(server, keys["single"], "theirs")
    unknown = infer(server, keys["single"], "nobody")
    assert hidden.status == unknown.status == 404
    assert hidden.body == unknown.body.replace(b"nobody", b"theirs")
    shown = infer(server, keys["app"], "nobody")
    assert shown.body == unknown.body


def test_a_key_that_is_made_or_revoked_counts_within_two_seconds(
    server: Server, book: KeyBook
) -> None:
    _, text = book.create("passing")
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, 30)) as client:

        def status() -> int:
            client.request("POST", "/v2/models/echo/infer", json.dumps(X), bearer(text))
            reply = client.getresponse()
            reply.read()
            return reply.status

        assert within(2.0, lambda: status() == 200)
        for _ in range(5):
            assert status() == 200
        book.revoke("passing")
        assert within(2.0, lambda: status() == 401), "also for a head that is known"


def test_a_lost_file_of_keys_shuts_the_doors_and_does_not_open_them(tmp_path: Path) -> None:
    _, text = KeyBook(Home(tmp_path).trust).create("app")
    file = Home(tmp_path).trust / "keys.json"
    with running(tmp_path, {"echo": graphs.echo(tmp_path)}, require_keys=True) as server:
        assert infer(server, text).status == 200
        file.rename(tmp_path / "aside")
        assert within(2.0, lambda: infer(server, text).status == 401)
        assert infer(server).status == 401
        file.write_bytes(b"no keys")
        assert infer(server, text).status == 401
        (tmp_path / "aside").rename(file)
        assert within(2.0, lambda: infer(server, text).status == 200)


def test_the_log_has_the_name_of_a_key_and_never_the_key(tmp_path: Path) -> None:
    _, text = KeyBook(Home(tmp_path).trust).create("app")
    log = tmp_path / "calls.log"
    with running(
        tmp_path, {"echo": graphs.echo(tmp_path)}, require_keys=True, access_log=str(log)
    ) as server:
        for headers in (bearer(text), {"X-API-Key": text}, bearer(text[:-1] + "!")):
            ask(server, "POST", "/v2/models/echo/infer", X, headers)
    written = log.read_text()
    assert '"app"' in written
    assert text[-40:-1] not in written


def test_guessing_becomes_slow(tmp_path: Path) -> None:
    KeyBook(Home(tmp_path).trust).create("app")
    with running(tmp_path, {"echo": graphs.echo(tmp_path)}, require_keys=True) as server:
        statuses = [infer(server, f"guess{number}") for number in range(8)]
        assert [answer.status for answer in statuses] == [401] * 6 + [429] * 2
        assert 1 <= int(statuses[-1].headers["retry-after"]) <= 2


# --- what is held


def test_all_bodies_together_have_a_limit(tmp_path: Path) -> None:
    limits = Limits(body_bytes=1 << 20, held_bytes=1 << 20)
    with running(tmp_path, {"echo": graphs.echo(tmp_path)}, limits=limits) as server:
        head = b"POST /v2/models/echo/infer HTTP/1.1\r\nHost: h\r\n"
        large = head + b"Content-Length: 900000\r\n\r\n"
        chunked = head + b"Transfer-Encoding: chunked\r\n\r\n" + b"7d000\r\n" + bytes(0x7D000)
        address = ("127.0.0.1", server.port)
        with contextlib.closing(socket.create_connection(address, 10)) as holder:
            holder.sendall(large + bytes(600_000))
            assert within(3.0, lambda: raw(server, large).startswith(b"HTTP/1.1 429")), "early"
            refused = raw(server, chunked)
            assert refused.startswith(b"HTTP/1.1 429")
            assert b"Retry-After: 1\r\n" in refused
            assert infer(server).status == 200, "there is room for small ones"
        for _ in range(6):  # what is answered or given up is not held
            assert ask(server, "POST", "/v2/models/echo/infer", bytes(900_000)).status == 400


def test_no_body_is_received_from_a_stranger(server: Server, keys: dict[str, str]) -> None:
    head = b"POST /v2/models/echo/infer HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n"
    refused = raw(server, head + b"\r\n")
    assert refused.startswith(b"HTTP/1.1 401")
    assert b"WWW-Authenticate: Bearer\r\n" in refused
    hidden = raw(server, head.replace(b"echo", b"theirs") + b"X-API-Key: "
                 + keys["single"].encode() + b"\r\n\r\n")  # fmt: skip
    assert hidden.startswith(b"HTTP/1.1 404")


def test_a_head_holds_only_so_many_headers(server: Server) -> None:
    start = b"GET /v2/health/live HTTP/1.1\r\nHost: h\r\n"
    few = b"".join(b"a%d:\r\n" % n for n in range(300))
    assert raw(server, start + few + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert raw(server, start + 2 * few + b"\r\n").startswith(b"HTTP/1.1 431")
    assert raw(server, start + 500 * b"a:\r\n" + b"\r\n").startswith(b"HTTP/1.1 431")


# --- which addresses


def test_an_address_beyond_this_machine_needs_a_key_before_it_opens(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(StadionError, match="nobody can have an API key") as caught:
        ServeConfig(home, host="192.0.2.1")
    assert caught.value.code is Code.FORBIDDEN
    for config in (
        ServeConfig(home, host="192.0.2.1", keys_target=KEYS),
        ServeConfig(home, host="club.example", keys_target=KEYS),
        ServeConfig(home, grpc_host="192.0.2.1", grpc_port=0, keys_target=KEYS),
        ServeConfig(home, keys_target=KEYS, require_keys=True),
    ):
        with pytest.raises(StadionError, match="stadion keys create") as caught:
            run_server(config)
        assert caught.value.code is Code.FORBIDDEN
    book = KeyBook(home.trust)
    book.create("admin", ("control",))
    book.create("gone", expires_s=time.time() + 0.05)
    time.sleep(0.06)
    book.create("past")
    book.revoke("past")
    with pytest.raises(StadionError, match="scope 'predict'"):
        expect_keys(config)
    book.create("app")
    expect_keys(config)


def test_only_addresses_of_this_machine_count_as_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
    others = ("0.0.0.0", "::", "10.0.0.1", "192.168.1.5", "", "x.local")  # noqa: S104  # compared
    assert not any(map(is_loopback, others))
