"""API keys on the command line and over the control REST; and what they open there."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

import stadion
from stadion.apps.control import build_app
from stadion.client import Client
from stadion.core.errors import Code, StadionError
from stadion.platform import Platform
from tests.servers import Server, running_server


def run(*arguments: str | Path, key: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stadion", *map(str, arguments)]
    environment = {**os.environ, "STADION_API_KEY": key}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def as_json(*arguments: str | Path, key: str = "") -> Any:
    done = run(*arguments, "--json", key=key)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    return Platform.open(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def admin(place: Platform) -> str:
    return str(place.keys.create("admin", ["control"])["key"])


@pytest.fixture(scope="module")
def app_key(place: Platform) -> str:
    return str(place.keys.create("app")["key"])


@pytest.fixture(scope="module")
def server(place: Platform, admin: str, app_key: str) -> Iterator[Server]:
    assert admin != app_key
    with running_server(place.home.path, 1, ["--require-keys"]) as server:
        yield server


def call(
    server: Server, method: str, path: str, key: str = "", host: str = ""
) -> tuple[int, dict[str, str], Any]:
    address = urllib.parse.urlsplit(server.control)
    assert address.hostname is not None
    client = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if host:
        headers["Host"] = host
    try:
        client.request(method, path, headers=headers)
        reply = client.getresponse()
        content = reply.read()
        is_json = reply.headers.get("Content-Type") == "application/json"
        known = {name.lower(): value for name, value in reply.getheaders()}
        return reply.status, known, json.loads(content) if content and is_json else content
    finally:
        client.close()


# --- the command line


def test_a_key_is_made_listed_and_revoked_on_the_command_line(tmp_path: Path) -> None:
    made = as_json(
        "keys", "create", "club-app", "--model", "motions", "--per-second", "2.5",
        "--at-once", "4", "--expires-days", "30", "--home", tmp_path,
    )  # fmt: skip
    assert made["key"].startswith(f"stadion_{made['id']}_")
    assert (made["scopes"], made["models"]) == (["predict"], ["motions"])
    assert (made["per_second"], made["burst"], made["at_once"]) == (2.5, 3, 4)
    (listed,) = as_json("keys", "list", "--home", tmp_path)
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert as_json("keys", "revoke", "club-app", "--home", tmp_path)["state"] == "revoked"
    assert [key["state"] for key in as_json("keys", "list", "--home", tmp_path)] == ["revoked"]


def test_a_person_is_told_to_keep_the_key(tmp_path: Path) -> None:
    done = run("keys", "create", "ada", "--scope", "predict", "--scope", "control",
               "--home", tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "stadion_" in done.stdout
    assert "cannot be shown again" in done.stdout
    shown = run("keys", "list", "--home", tmp_path).stdout
    assert "ada" in shown
    assert "predict, control" in shown
    assert "stadion_" not in shown


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        (("--scope", "root"), "scopes are"),
        (("--expires-days", "0"), "expires_days is 0"),
        (("--per-second", "nan"), "per second are nan"),
        (("--per-second", "-1"), "per second are -1"),
        (("--model", "../x"), "model is"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(
    tmp_path: Path, wish: tuple[str, ...], word: str
) -> None:
    done = run("keys", "create", "app", *wish, "--home", tmp_path)
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_does_not_open_without_the_keys_it_asks_for(tmp_path: Path) -> None:
    for option, scope in (
        (("--require-keys",), "control"),
        (("--http", "192.0.2.1:0"), "predict"),
        (("--grpc", "192.0.2.1:0"), "predict"),
        (("--control", "192.0.2.1:0"), "control"),
    ):
        near = [
            part
            for name in ("--http", "--grpc", "--control")
            for part in (name, "127.0.0.1:0")
            if name not in option
        ]
        done = run("up", "--home", tmp_path, *near, *option)
        assert done.returncode == 1
        assert f"stadion keys create NAME --scope {scope}" in done.stderr
        assert "Traceback" not in done.stderr


# --- the control REST


def test_every_path_of_the_control_asks_for_a_key_of_its_scope(
    server: Server, place: Platform, app_key: str
) -> None:
    routes = [route for route in build_app(place).routes if isinstance(route, APIRoute | Route)]
    assert len(routes) > 30
    for route in routes:
        path = "/".join("x" if part.startswith("{") else part for part in route.path.split("/"))
        for method in route.methods or {"GET"}:
            if path == "/health":
                continue
            status, headers, _ = call(server, method, path)
            assert (status, headers["www-authenticate"]) == (401, "Bearer"), path
            assert call(server, method, path, app_key)[0] == 403, path
    assert call(server, "GET", "/health")[0] == 200
    assert call(server, "GET", "/nowhere")[0] == 401


def test_the_right_key_opens_the_control(server: Server, admin: str) -> None:
    for path in ("/api/v1/server", "/api/v1/models", "/docs", "/openapi.json"):
        assert call(server, "GET", path, admin)[0] == 200
    status, _, body = call(server, "GET", "/api/v1/server", admin[:-1])
    assert (status, body["code"]) == (401, "FORBIDDEN")


def test_only_names_of_this_machine_are_listened_to(server: Server, admin: str) -> None:
    assert call(server, "GET", "/api/v1/server", admin, host="evil.example")[0] == 400


def test_a_client_with_the_key_does_what_the_folder_does(
    server: Server, place: Platform, admin: str
) -> None:
    client = stadion.connect(server.control, admin)
    assert isinstance(client, Client)
    made = client.keys.create("guest", per_second=5, at_once=2)
    (mine,) = [key for key in client.keys.list() if key["name"] == "guest"]
    assert mine == {name: value for name, value in made.items() if name != "key"}
    assert client.keys.list() == place.keys.list()
    with pytest.raises(StadionError, match="already") as caught:
        client.keys.create("guest")
    assert caught.value.code is Code.CONFLICT
    assert client.keys.revoke("guest")["state"] == "revoked"
    for stranger in (Client(server.control), Client(server.control, key="wrong")):
        with pytest.raises(StadionError) as caught:
            stranger.status()
        assert caught.value.code is Code.FORBIDDEN


def test_the_command_line_sends_the_key_of_the_environment(server: Server, admin: str) -> None:
    names = [key["name"] for key in as_json("keys", "list", "--home", server.control, key=admin)]
    assert {"admin", "app"} <= set(names)
    done = run("keys", "list", "--home", server.control)
    assert done.returncode == 1
    assert "an API key is needed" in done.stderr


def test_a_key_of_the_control_has_a_quota_there_too(server: Server, place: Platform) -> None:
    text = place.keys.create("slow", ["control"], per_second=0.1, burst=2)["key"]
    statuses = [call(server, "GET", "/api/v1/tasks", text)[0] for _ in range(3)]
    assert statuses == [200, 200, 429]
    status, headers, _ = call(server, "GET", "/api/v1/tasks", text)
    assert (status, 5 <= int(headers["retry-after"]) <= 10) == (429, True)
