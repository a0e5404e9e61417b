"""One line of JSON for every call, when it is asked for, and nothing private in any."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stadion.core.errors import StadionError
from stadion.serve.access_log import AccessLog
from stadion.serve.backlog import Backlog
from stadion.serve.finished import Finished
from tests.serve import graphs
from tests.serve.running import Server, ask, running

ONE = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [0]}]}


@pytest.fixture(scope="module")
def log(home: Path) -> Path:
    return home / "access.jsonl"


@pytest.fixture(scope="module")
def server(home: Path, log: Path) -> Iterator[Server]:
    models = {"first": graphs.constant(home, 1.0)}
    with running(home, models, workers=2, access_log=str(log)) as found:
        yield found


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def the_line(log: Path, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for line in lines(log):
            if wanted(line):
                return line
        time.sleep(0.05)
    raise AssertionError(f"no such line among {lines(log)[-5:]}")


def test_a_call_is_one_line_with_its_times(server: Server, log: Path) -> None:
    body = ONE | {"id": "activity-7"}
    answer = ask(server, "POST", "/v2/models/first/infer", body, {"X-Request-Id": "run-1"})
    line = the_line(log, lambda line: line["request_id"] == "run-1")
    assert line["id"] == "activity-7"
    assert (line["method"], line["path"]) == ("POST", "/v2/models/first/infer")
    assert (line["model"], line["version"], line["status"]) == ("first", 1, 200)
    assert line["bytes_in"] == len(json.dumps(body))
    assert line["bytes_out"] == len(answer.body)
    assert 0 < line["infer_ms"] < line["total_ms"] < 10_000
    assert 0 <= line["queue_ms"] < line["total_ms"]
    age = datetime.now(UTC) - datetime.fromisoformat(line["time"])
    assert 0 <= age.total_seconds() < 60


def test_nothing_private_is_written(server: Server, log: Path) -> None:
    headers = {"X-Request-Id": "private", "X-API-Key": "secret-key", "Authorization": "Bearer s3"}
    path = "/v2/models/first/infer?athlete=ada&home=52.5,13.4"
    body = ONE | {"parameters": {"athlete": "ada"}}
    assert ask(server, "POST", path, body, headers).status == 200
    line = the_line(log, lambda line: line["request_id"] == "private")
    assert line["path"] == "/v2/models/first/infer"
    text = log.read_text()
    for word in ("ada", "52.5", "secret-key", "s3", "127.0.0.1", '"data"'):
        assert word not in text


def test_a_path_of_nobody_is_not_repeated(server: Server, log: Path) -> None:
    assert ask(server, "GET", "/athletes/ada", None, {"X-Request-Id": "lost"}).status == 404
    line = the_line(log, lambda line: line["request_id"] == "lost")
    assert (line["status"], line["path"]) == (404, "")
    assert "ada" not in log.read_text()


@pytest.mark.parametrize("given", ["", "two words", "x" * 200, '"}{', "\u00e9t\u00e9"])
def test_an_id_that_is_not_sane_is_replaced(server: Server, log: Path, given: str) -> None:
    ask(server, "GET", "/v2/models/first", None, {"X-Request-Id": given.encode().decode("latin-1")})
    line = the_line(log, lambda line: line["path"] == "/v2/models/first")
    assert re.fullmatch(r"[0-9a-f]{8}-\d+", line["request_id"])


def test_failures_are_written_with_their_status(server: Server, log: Path) -> None:
    ask(server, "POST", "/v2/models/nobody/infer", ONE, {"X-Request-Id": "nobody"})
    ask(server, "POST", "/v2/models/first/infer", b"{", {"X-Request-Id": "broken"})
    assert the_line(log, lambda line: line["request_id"] == "nobody")["status"] == 404
    broken = the_line(log, lambda line: line["request_id"] == "broken")
    assert (broken["status"], broken["model"]) == (400, "first")
    assert "infer_ms" not in broken


def test_every_call_of_many_clients_is_a_whole_line(server: Server, log: Path) -> None:
    def call(number: int) -> None:
        for turn in range(40):
            headers = {"X-Request-Id": f"many-{number}-{turn}"}
            ask(server, "POST", "/v2/models/first/infer", ONE, headers)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = {f"many-{number}-{turn}" for number in range(4) for turn in range(40)}
    deadline = time.monotonic() + 10
    found: list[str] = []
    while time.monotonic() < deadline and len(found) < len(wanted):
        found = [line["request_id"] for line in lines(log) if line["request_id"] in wanted]
        time.sleep(0.05)
    assert sorted(found) == sorted(wanted)


def test_a_log_that_was_moved_away_is_begun_anew(server: Server, log: Path) -> None:
    ask(server, "GET", "/v2", None, {"X-Request-Id": "before"})
    the_line(log, lambda line: line["request_id"] == "before")
    log.rename(log.with_suffix(".1"))
    for _ in range(30):
        ask(server, "GET", "/v2", None, {"X-Request-Id": "after"})
    assert the_line(log, lambda line: line["request_id"] == "after")["path"] == "/v2"
    assert log.stat().st_mode & 0o077 == 0


def test_the_standard_output_takes_lines_too(home: Path) -> None:
    models = {"first": graphs.constant(home, 1.0)}
    with running(home / "other", models, access_log="-") as server:
        ask(server, "GET", "/v2", None, {"X-Request-Id": "shown"})
        assert server.process.stdout is not None
        assert json.loads(server.process.stdout.readline())["request_id"] == "shown"


def test_without_being_asked_nothing_is_written(home: Path) -> None:
    models = {"first": graphs.constant(home, 1.0)}
    with running(home / "quiet", models) as server:
        ask(server, "GET", "/v2")
        time.sleep(0.5)
        assert server.stop() == 0
    assert not list((home / "quiet").glob("*.jsonl"))


def test_what_is_under_way_when_the_server_ends_is_still_written(home: Path) -> None:
    log = home / "ending.jsonl"
    models = {"first": graphs.constant(home, 1.0)}
    with running(home / "ending", models, access_log=str(log)) as server:
        for number in range(20):
            ask(server, "GET", "/v2", None, {"X-Request-Id": f"last-{number}"})
    assert {line["request_id"] for line in lines(log)} == {f"last-{n}" for n in range(20)}


# --- the log itself


def finished(number: int) -> Finished:
    now = 1_700_000_000_123_000_000
    return Finished(now, f"call-{number}", "", "GET", "/v2", "", 0, 200, 0, 9, 0, 0, 0, 1_000)


def test_more_than_can_be_written_is_dropped_and_counted() -> None:
    may_go_on = threading.Event()
    taken: list[int] = []

    def slow(numbers: Sequence[int]) -> None:
        may_go_on.wait(10)
        taken.extend(numbers)

    backlog = Backlog("slow", slow, most=100)
    for number in range(1_000):
        backlog.add(number)
    assert 800 <= backlog.dropped <= 900
    may_go_on.set()
    backlog.close(5)
    assert backlog.taken + backlog.dropped == 1_000
    assert len(taken) == backlog.taken


def test_lines_that_cannot_be_written_are_counted() -> None:
    log = AccessLog("/dev/full")
    for number in range(300):
        log.note(finished(number))
    log.close()
    assert (log.lines, log.dropped) == (0, 300)


def test_a_file_that_cannot_be_written_is_refused_at_the_door(tmp_path: Path) -> None:
    with pytest.raises(StadionError, match="no-such-folder"):
        AccessLog(str(tmp_path / "no-such-folder" / "access.jsonl"))


def test_workers_that_share_a_pipe_never_cut_each_others_lines() -> None:
    program = (
        "from stadion.serve.access_log import AccessLog\n"
        "from tests.serve.test_access_log import finished\n"
        "log = AccessLog('-')\n"
        "for number in range(4000): log.note(finished(number))\n"
        "log.close(30)\n"
    )
    ours, theirs = os.pipe()
    both = [subprocess.Popen([sys.executable, "-c", program], stdout=theirs) for _ in range(2)]
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        written = [json.loads(line)["request_id"] for line in pipe]
    assert [process.wait(10) for process in both] == [0, 0]
    assert sorted(written) == sorted(2 * [f"call-{number}" for number in range(4000)])
