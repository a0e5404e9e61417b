"""How gRPC calls end: statuses, deadlines, callers that go away, sizes, keys; what is counted."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from stadion.core.access import Quota
from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.settings import Home
from stadion.serve import Limits
from stadion.serve.gate import Unauthenticated
from stadion.serve.grpc import inference_pb2 as pb
from stadion.serve.grpc.status import STATUS, Status, ending_of
from stadion.serve.pool import Overloaded
from stadion.trust import KeyBook
from tests.serve import graphs
from tests.serve.grpc_calls import Client, arrays, client, failing, parameter, request
from tests.serve.running import Server, running

LIMIT = 1 << 20
X: Array = np.array([[1.0, 2.0]], np.float32)
QUICK, LONG = np.array([1000]), np.array([30_000_000])


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    models = {"echo": graphs.echo(home), "patient": graphs.patient(home)}
    limits = Limits(body_bytes=LIMIT, run_s=8.0, queue=4)
    log = str(home / "access.log")
    with running(home, models, limits=limits, grpc_port=0, access_log=log) as found:
        yield found


@pytest.fixture
def calls(server: Server) -> Iterator[Client]:
    with client(server) as found:
        yield found


def counts(calls: Client, model: str) -> pb.ModelStatistics:
    (found,) = calls.ModelStatistics(pb.ModelStatisticsRequest(name=model)).model_stats
    assert isinstance(found, pb.ModelStatistics)
    return found


def until(truth: Callable[[], bool], limit_s: float = 6.0) -> None:
    began = time.monotonic()
    while not truth():
        assert time.monotonic() - began < limit_s, "it never came true"
        time.sleep(0.02)


def is_free(calls: Client) -> bool:
    """True when the model's thread answers a short question at once."""
    began = time.monotonic()
    calls.ModelInfer(request("patient", {"rounds": QUICK}))
    return time.monotonic() - began < 0.5


# --- statuses


def test_every_code_has_a_status_and_a_text() -> None:
    assert set(STATUS) == set(Code)
    for code in Code:
        ending = ending_of(StadionError(code, "what happened", "what to do"))
        assert ending.status is STATUS[code] is not Status.OK
        assert ending.details == b"what happened: what to do"
    assert ending_of(Unauthenticated("who?")).status is Status.UNAUTHENTICATED
    assert ending_of(Overloaded("full", 7)).metadata == (("retry-after", "7"),)
    assert ending_of(ValueError("a secret")).details == b"internal error"
    assert len(ending_of(StadionError(Code.INVALID, "ü" * 9000)).details) <= 2048


def test_the_numbers_are_those_of_grpc() -> None:
    for status in Status:
        assert grpc.StatusCode[status.name].value[0] == status.value


def test_an_unknown_method_is_not_implemented(calls: Client) -> None:
    for path in ("/inference.GRPCInferenceService/Nothing", "/other.Service/ModelInfer", "/x/y"):
        with failing(grpc.StatusCode.UNIMPLEMENTED, "no such method"):
            calls.raw(b"", path)


def test_a_call_without_a_message_is_refused(calls: Client) -> None:
    call = calls.channel.stream_unary("/inference.GRPCInferenceService/ModelInfer")
    with failing(grpc.StatusCode.UNIMPLEMENTED, "no message"):
        call(iter(()), timeout=5)


def test_what_waits_beyond_the_queue_is_refused_with_the_time_to_come_back(calls: Client) -> None:
    with ThreadPoolExecutor(12) as pool:
        asked = [calls.later(request("patient", {"rounds": LONG // 150})) for _ in range(12)]
        errors: list[Any] = [e for e in pool.map(lambda call: call.exception(), asked) if e]
    assert 0 < len(errors) < 12
    for error in errors:
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert int(dict(error.trailing_metadata())["retry-after"]) >= 1


# --- deadlines and callers that go away


def test_the_callers_deadline_ends_the_run(calls: Client) -> None:
    began = time.monotonic()
    with failing(grpc.StatusCode.DEADLINE_EXCEEDED):
        calls.ModelInfer(request("patient", {"rounds": LONG}), timeout=0.5)
    assert time.monotonic() - began < 2
    until(lambda: is_free(calls))


def test_the_timeout_parameter_ends_the_run(calls: Client) -> None:
    given = {"timeout": parameter(300_000)}
    began = time.monotonic()
    with failing(grpc.StatusCode.DEADLINE_EXCEEDED, "limit"):
        calls.ModelInfer(request("patient", {"rounds": LONG}, parameters=given), timeout=20)
    assert time.monotonic() - began < 3


def test_a_call_without_a_deadline_has_the_servers(calls: Client) -> None:
    assert calls.later(request("patient", {"rounds": QUICK}), timeout=None).result(20)


def test_a_cancelled_call_frees_its_place(calls: Client) -> None:
    before = counts(calls, "patient").inference_stats.success.count
    asked = [calls.later(request("patient", {"rounds": LONG})) for _ in range(3)]
    time.sleep(0.3)
    for call in asked:
        call.cancel()
    until(lambda: is_free(calls))
    after = counts(calls, "patient").inference_stats.success.count
    assert after - before <= 40  # the short questions of `until`, none of the long ones
    assert all(call.cancelled() for call in asked)


def test_a_connection_that_breaks_frees_its_places(server: Server, calls: Client) -> None:
    with client(server) as leaving:
        for _ in range(3):
            leaving.later(request("patient", {"rounds": LONG}))
        time.sleep(0.3)
    until(lambda: is_free(calls))


# --- sizes


def test_a_message_above_the_limit_is_refused_and_the_connection_stays(calls: Client) -> None:
    with failing(grpc.StatusCode.RESOURCE_EXHAUSTED):
        calls.infer("echo", {"x": np.zeros((1, LIMIT // 4 + 100), np.float32)})
    just = np.zeros((1, LIMIT // 4 - 100), np.float32)
    assert calls.infer("echo", {"x": just})["y"].shape == just.shape


@pytest.mark.parametrize("how", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_messages_are_read_and_bombs_are_not(
    server: Server, calls: Client, how: Any
) -> None:
    small = request("echo", {"x": np.zeros((1, 5000), np.float32)})
    assert arrays(calls.ModelInfer(small, compression=how))["y"].shape == (1, 5000)
    before = resident(server)
    bomb = request("echo", {"x": np.zeros((1, 64 << 20), np.uint8).view(np.float32)})
    with failing(grpc.StatusCode.RESOURCE_EXHAUSTED):
        calls.ModelInfer(bomb, compression=how)
    assert resident(server) - before < 24 << 20


def test_long_metadata_is_refused(calls: Client) -> None:
    with failing(grpc.StatusCode.RESOURCE_EXHAUSTED):
        calls.ModelInfer(request("echo", {"x": X}), metadata=[("x-long", "x" * 40_000)])
    assert calls.infer("echo", {"x": X})["y"].tolist() == X.tolist()


def resident(server: Server) -> int:
    """Bytes of the worker in memory."""
    status = Path(f"/proc/{server.said['workers'][0]}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


# --- many at once, and what is told of them


def test_a_thousand_calls_at_once_each_get_their_own_answer(server: Server) -> None:
    wrong: list[object] = []

    def ask(first: int) -> None:
        with client(server) as calls:
            rows = [np.full((1 + n % 3, 2), first + n, np.float32) for n in range(125)]
            asked = [calls.later(request("echo", {"x": x}, id=str(n))) for n, x in enumerate(rows)]
            for number, (call, sent) in enumerate(zip(asked, rows, strict=True)):
                response = call.result(20)
                if response.id != str(number) or not np.array_equal(arrays(response)["y"], sent):
                    wrong.append(response)

    threads = [threading.Thread(target=ask, args=(1000 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert not wrong


def test_what_is_asked_is_counted(calls: Client) -> None:
    before = counts(calls, "echo")
    for _ in range(7):
        calls.infer("echo", {"x": X})
    after = counts(calls, "echo")
    for field in ("success", "queue", "compute_input", "compute_infer", "compute_output"):
        was, now = (getattr(stats.inference_stats, field) for stats in (before, after))
        assert now.count - was.count == 7, field
        assert now.ns > was.ns or field == "queue", field
    assert after.inference_count - before.inference_count == 7
    assert after.last_inference >= before.last_inference > 0


def test_calls_are_written_into_the_access_log(calls: Client, home: Path) -> None:
    message = request("echo", {"x": X}, id="lap-3")
    calls.ModelInfer(message, metadata=[("x-request-id", "ask-1")])
    with failing(grpc.StatusCode.NOT_FOUND):
        calls.ModelInfer(request("nobody", {"x": X}), metadata=[("x-request-id", "ask-2")])
    path = home / "access.log"
    until(lambda: path.exists() and "ask-2" in path.read_text())
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    good, bad = (next(x for x in lines if x["request_id"] == f"ask-{n}") for n in (1, 2))
    assert (good["method"], good["status"], good["model"]) == ("GRPC", 200, "echo")
    assert good["path"] == "/inference.GRPCInferenceService/ModelInfer"
    assert good["bytes_in"] == message.ByteSize()
    assert bad["status"] == 404


# --- keys


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, str]]]:
    home = tmp_path_factory.mktemp("guarded")
    book = KeyBook(Home(home).trust)
    wishes: dict[str, dict[str, Any]] = {
        "app": {},
        "admin": {"scopes": ("control",)},
        "single": {"models": ("echo",)},
        "slow": {"quota": Quota(per_second=0.2, burst=2)},
    }
    keys = {name: book.create(name, **wish)[1] for name, wish in wishes.items()}
    models = {"echo": graphs.echo(home / "a"), "theirs": graphs.echo(home / "b")}
    with running(home, models, grpc_port=0, require_keys=True) as server:
        yield server, keys


def test_keys_open_what_they_are_for(guarded: tuple[Server, dict[str, str]]) -> None:
    server, keys = guarded
    asked, load = request("echo", {"x": X}), pb.RepositoryModelLoadRequest(model_name="echo")

    def bearer(name: str) -> list[tuple[str, str]]:
        return [("authorization", f"Bearer {keys[name]}")]

    with client(server) as calls:
        assert calls.ServerLive(pb.ServerLiveRequest()).live
        with failing(grpc.StatusCode.UNAUTHENTICATED, "key"):
            calls.ModelInfer(asked)
        with failing(grpc.StatusCode.UNAUTHENTICATED):
            calls.ModelInfer(asked, metadata=[("authorization", "Bearer nonsense")])
        with failing(grpc.StatusCode.UNAUTHENTICATED):
            next(calls.stream(iter([asked])))
        assert calls.ModelInfer(asked, metadata=bearer("app")).outputs
        assert calls.ModelInfer(asked, metadata=[("x-api-key", keys["single"])]).outputs
        with failing(grpc.StatusCode.NOT_FOUND, "there is no model 'theirs'"):
            calls.ModelInfer(request("theirs", {"x": X}), metadata=bearer("single"))
        with failing(grpc.StatusCode.PERMISSION_DENIED):
            calls.ModelInfer(asked, metadata=bearer("admin"))
        with failing(grpc.StatusCode.PERMISSION_DENIED):
            calls.RepositoryModelLoad(load, metadata=bearer("app"))
        with failing(grpc.StatusCode.PERMISSION_DENIED):
            calls.RepositoryIndex(pb.RepositoryIndexRequest(), metadata=bearer("single"))
        calls.RepositoryModelLoad(load, metadata=bearer("admin"))


def test_a_quota_counts_calls_and_messages_of_streams(
    guarded: tuple[Server, dict[str, str]],
) -> None:
    server, keys = guarded
    key = [("authorization", f"Bearer {keys['slow']}")]
    asked = request("echo", {"x": X})
    with client(server) as calls:
        calls.ModelInfer(asked, metadata=key)
        stream = calls.channel.stream_stream(
            "/inference.GRPCInferenceService/ModelStreamInfer",
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=pb.ModelStreamInferResponse.FromString,
        )(iter([asked] * 3), metadata=key, timeout=10)
        errors = [answer.error_message for answer in stream]
        assert sum(not error for error in errors) <= 1
        assert "may ask 0.2 times per second" in errors[-1]
        with pytest.raises(grpc.RpcError) as caught:
            calls.ModelInfer(asked, metadata=key)
        refused: Any = caught.value
        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert int(dict(refused.trailing_metadata())["retry-after"]) >= 1
