"""How much one key may ask for, and what the others notice of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from stadion.core.access import Quota
from stadion.core.settings import Home
from stadion.trust import KeyBook
from tests.serve import graphs
from tests.serve.keyed import bearer, infer, within
from tests.serve.running import Server, ask, raw, running

ROUNDS = 20_000  # of the slow model: about 20 ms


@pytest.fixture(scope="module")
def keys(home: Path) -> dict[str, str]:
    """The text of a key by its name."""
    quotas = {
        "app": None,
        "slow": Quota(per_second=0.2, burst=2),
        "narrow": Quota(at_once=1),
        "flooder": Quota(per_second=2, burst=1),
    }
    book = KeyBook(Home(home).trust)
    return {name: book.create(name, quota=quota)[1] for name, quota in quotas.items()}


@pytest.fixture(scope="module")
def server(home: Path, keys: Mapping[str, str]) -> Iterator[Server]:
    models = {"echo": graphs.echo(home / "echo"), "patient": graphs.patient(home / "patient")}
    with running(home, models, require_keys=bool(keys)) as server:
        yield server


def test_a_quota_is_429_with_the_time_to_wait(server: Server, keys: dict[str, str]) -> None:
    assert [infer(server, keys["slow"]).status for _ in range(2)] == [200, 200]
    refused = infer(server, keys["slow"])
    assert refused.status == 429
    assert 3 <= int(refused.headers["retry-after"]) <= 5
    assert infer(server, keys["app"]).status == 200


def test_quotas_hold_on_one_connection_with_pipelined_requests(
    server: Server, keys: dict[str, str]
) -> None:
    one = b"GET /v2/models/echo HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %b\r\n" % (
        keys["flooder"].encode()
    )
    answered = raw(server, (one + b"\r\n") * 9 + one + b"Connection: close\r\n\r\n")
    assert answered.count(b"HTTP/1.1 200") == 1
    assert answered.count(b"HTTP/1.1 429") == 9


def test_a_place_is_taken_while_a_request_runs_and_free_afterwards(
    server: Server, keys: dict[str, str]
) -> None:
    body = {"inputs": [{"name": "rounds", "shape": [1], "datatype": "INT64", "data": [400_000]}]}
    statuses: list[int] = []

    def run() -> None:
        path = "/v2/models/patient/infer"
        statuses.append(ask(server, "POST", path, body, bearer(keys["narrow"])).status)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.15)
    assert infer(server, keys["narrow"]).status == 429
    thread.join(20)
    assert statuses == [200]
    assert infer(server, keys["narrow"]).status == 200


def test_a_client_that_goes_away_leaves_its_place(server: Server, keys: dict[str, str]) -> None:
    body = json.dumps(
        {"inputs": [{"name": "rounds", "shape": [1], "datatype": "INT64", "data": [20_000_000]}]}
    ).encode()
    head = (
        f"POST /v2/models/patient/infer HTTP/1.1\r\nHost: h\r\nX-API-Key: {keys['narrow']}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with contextlib.suppress(TimeoutError):
        raw(server, head.encode() + body, limit_s=0.2)
    assert within(3.0, lambda: infer(server, keys["narrow"]).status == 200)


def test_where_no_key_is_needed_a_quota_counts_once_its_key_is_sent(tmp_path: Path) -> None:
    quota = Quota(per_second=0.2, burst=2)
    _, slow = KeyBook(Home(tmp_path).trust).create("slow", quota=quota)
    with running(tmp_path, {"echo": graphs.echo(tmp_path)}) as server:
        assert infer(server).status == 200
        statuses = [infer(server, slow).status for _ in range(4)]
        assert statuses == [200, 200, 429, 429]
        assert infer(server, "wrong").status == 401
        assert infer(server).status == 200


def test_each_worker_admits_its_part_of_a_quota(tmp_path: Path) -> None:
    quota = Quota(per_second=0.02, burst=6)
    _, text = KeyBook(Home(tmp_path).trust).create("shared", quota=quota)
    with running(tmp_path, {"echo": graphs.echo(tmp_path)}, workers=2) as server:
        statuses = [infer(server, text).status for _ in range(40)]
        assert statuses.count(200) == 6
        assert statuses.count(429) == 34


def test_the_flood_of_one_key_leaves_the_others_alone(server: Server, keys: dict[str, str]) -> None:
    """The control is the same flood with a key that has no quota."""
    with_quota = asyncio.run(_beside_a_flood(server, keys["app"], keys["flooder"]))
    without = asyncio.run(_beside_a_flood(server, keys["app"], keys["app"]))
    print(f"median beside a flood: {with_quota * 1e3:.1f} ms, without a quota {without * 1e3:.1f}")
    assert without > 2 * with_quota


async def _beside_a_flood(server: Server, key: str, flooding: str) -> float:
    """How long a lone caller of the slow model waits while eight others ask all the time."""
    stop = asyncio.Event()
    floods = [asyncio.create_task(_ask_until(server, flooding, stop)) for _ in range(8)]
    await asyncio.sleep(0.3)
    seconds = []
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for _ in range(12):
        began = time.monotonic()
        assert await _patient(reader, writer, key) == 200
        seconds.append(time.monotonic() - began)
    stop.set()
    await asyncio.gather(*floods)
    writer.close()
    return statistics.median(seconds)


async def _ask_until(server: Server, key: str, stop: asyncio.Event) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    while not stop.is_set():
        assert await _patient(reader, writer, key) in (200, 429)
        await asyncio.sleep(0.002)
    writer.close()


async def _patient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str) -> int:
    body = b'{"inputs":[{"name":"rounds","shape":[1],"datatype":"INT64","data":[%d]}]}' % ROUNDS
    writer.write(
        b"POST /v2/models/patient/infer HTTP/1.1\r\nHost: h\r\nX-API-Key: %b\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (key.encode(), len(body), body)
    )
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    return int(head.split()[1])


@pytest.mark.parametrize("name", ["flooder", "wrong"])
def test_refusals_cost_the_worker_little(server: Server, keys: dict[str, str], name: str) -> None:
    """Of one key, or of all strangers together: some hundred per second, not tens of thousands."""
    statuses: list[int] = []

    async def ask_all_the_time() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            statuses.append(await _patient(reader, writer, keys.get(name, name)))
        writer.close()

    async def flood() -> None:
        await asyncio.gather(*(ask_all_the_time() for _ in range(12)))

    before = cpu_s(server.said["workers"][0])
    asyncio.run(flood())
    spent_s = cpu_s(server.said["workers"][0]) - before
    print(f"{len(statuses)} answers in 1 s for {spent_s:.2f} s of the worker's time")
    assert 50 < len(statuses) < 900
    assert set(statuses) <= {200, 401, 429}
    assert spent_s < 0.5


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
