"""Who may call over gRPC: the same keys, scopes and quotas as over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest

from stadion.core.access import Quota
from stadion.core.settings import Home
from stadion.serve.grpc import health_pb2, inference_pb2
from stadion.trust import KeyBook
from tests.serve import graphs
from tests.serve.running import Server, ask, running

INFERENCE = "inference.GRPCInferenceService"
HEALTH = "grpc.health.v1.Health"
OPEN = {"ServerLive", "ServerReady"}
CONTROL = {"RepositoryModelLoad", "RepositoryModelUnload", "TraceSetting", "LogSettings"}
CATALOGUE = {"RepositoryIndex"}
SERVICE = inference_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
METHODS = [method.name for method in SERVICE.methods]


@pytest.fixture(scope="module")
def keys(home: Path) -> dict[str, str]:
    book = KeyBook(Home(home).trust)
    wishes: dict[str, dict[str, Any]] = {
        "app": {},
        "admin": {"scopes": ("control",)},
        "single": {"models": ("echo",)},
        "slow": {"quota": Quota(per_second=0.2, burst=2)},
    }
    return {name: book.create(name, **wish)[1] for name, wish in wishes.items()}


@pytest.fixture(scope="module")
def server(home: Path, keys: Mapping[str, str]) -> Iterator[Server]:
    models = {name: graphs.echo(home / name) for name in ("echo", "theirs")}
    with running(home, models, require_keys=bool(keys), grpc_port=0) as server:
        yield server


@pytest.fixture(scope="module")
def channel(server: Server) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.said["grpc"]) as channel:
        yield channel


def end_of(
    channel: grpc.Channel, method: str, key: str = "", body: bytes = b"", service: str = INFERENCE
) -> grpc.RpcError | bytes:
    """The answer of one call, or the error it ends with; also of a method with streams."""
    call = channel.stream_stream(f"/{service}/{method}", None, None)
    metadata = [("authorization", f"Bearer {key}")] if key else []
    try:
        return bytes(next(call(iter([body]), timeout=10, metadata=metadata)))
    except grpc.RpcError as error:
        return error
    except StopIteration:
        return b""


def code_of(end: grpc.RpcError | bytes) -> Any:
    return grpc.StatusCode.OK if isinstance(end, bytes) else end.code()


def infer(model: str) -> bytes:
    request = inference_pb2.ModelInferRequest(model_name=model)
    tensor = request.inputs.add(name="x", datatype="FP32", shape=[1, 2])
    tensor.contents.fp32_contents.extend([1, 2])
    return bytes(request.SerializeToString())


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_shut_without_the_right_key(
    channel: grpc.Channel, keys: dict[str, str], method: str
) -> None:
    body = infer("echo") if method in {"ModelInfer", "ModelStreamInfer"} else b""
    denied = grpc.StatusCode.PERMISSION_DENIED
    if method in OPEN:
        assert code_of(end_of(channel, method)) is grpc.StatusCode.OK
        return
    assert code_of(end_of(channel, method, body=body)) is grpc.StatusCode.UNAUTHENTICATED
    by_app = code_of(end_of(channel, method, keys["app"], body))
    assert by_app is not grpc.StatusCode.UNAUTHENTICATED
    assert (by_app is denied) is (method in CONTROL)
    if method in CATALOGUE:
        assert code_of(end_of(channel, method, keys["single"], body)) is denied


def test_the_health_service_is_open_and_tells_no_models(channel: grpc.Channel) -> None:
    for method in ("Check", "Watch"):
        assert (
            end_of(channel, method, service=HEALTH)
            == health_pb2.HealthCheckResponse(
                status=health_pb2.HealthCheckResponse.SERVING
            ).SerializeToString()
        )
    listed = end_of(channel, "List", service=HEALTH)
    assert isinstance(listed, bytes)
    assert b"echo" not in listed


@pytest.mark.parametrize("method", ["ModelInfer", "ModelStreamInfer"])
def test_keys_of_control_and_wrong_ones_ask_no_model(
    channel: grpc.Channel, keys: dict[str, str], method: str
) -> None:
    answer = end_of(channel, method, keys["app"], infer("echo"))
    assert isinstance(answer, bytes), answer
    assert code_of(end_of(channel, method, "wrong", infer("echo"))) is (
        grpc.StatusCode.UNAUTHENTICATED
    )
    if method == "ModelInfer":  # a stream tells it inside its answer
        end = end_of(channel, method, keys["admin"], infer("echo"))
        assert code_of(end) is grpc.StatusCode.PERMISSION_DENIED


def test_a_model_of_others_answers_like_an_unknown_one(
    channel: grpc.Channel, keys: dict[str, str]
) -> None:
    kinds: dict[str, Any] = {
        "ModelMetadata": inference_pb2.ModelMetadataRequest,
        "ModelStatistics": inference_pb2.ModelStatisticsRequest,
        "ModelConfig": inference_pb2.ModelConfigRequest,
    }
    for method in ("ModelInfer", *kinds):

        def end(model: str, method: str = method) -> grpc.RpcError | bytes:
            kind = kinds.get(method)
            body = bytes(kind(name=model).SerializeToString()) if kind else infer(model)
            return end_of(channel, method, keys["single"], body)

        hidden, unknown = end("theirs"), end("nobody")
        assert code_of(end("echo")) is grpc.StatusCode.OK, method
        assert code_of(hidden) is code_of(unknown) is grpc.StatusCode.NOT_FOUND
        assert isinstance(hidden, grpc.RpcError)
        assert isinstance(unknown, grpc.RpcError)
        assert hidden.details() == unknown.details().replace("nobody", "theirs")
    ready = inference_pb2.ModelReadyRequest
    ask_ready = [ready(name=name).SerializeToString() for name in ("theirs", "nobody")]
    told = [end_of(channel, "ModelReady", keys["single"], body) for body in ask_ready]
    assert told == [b"", b""], "not ready, both of them"


def test_a_quota_is_one_for_both_ports_and_tells_the_time_to_wait(
    server: Server, channel: grpc.Channel, keys: dict[str, str]
) -> None:
    headers = {"X-API-Key": keys["slow"]}
    assert ask(server, "GET", "/v2/models/echo", headers=headers).status == 200
    assert code_of(end_of(channel, "ModelInfer", keys["slow"], infer("echo"))) is (
        grpc.StatusCode.OK
    )
    refused = end_of(channel, "ModelInfer", keys["slow"], infer("echo"))
    assert isinstance(refused, grpc.RpcError)
    assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    told = dict(refused.trailing_metadata())
    assert 3 <= int(told["retry-after"]) <= 5
    assert ask(server, "GET", "/v2/models/echo", headers=headers).status == 429


def test_each_message_of_a_stream_counts(server: Server, channel: grpc.Channel, home: Path) -> None:
    _, text = KeyBook(Home(home).trust).create("streaming", quota=Quota(per_second=0.1, burst=3))
    deadline = time.monotonic() + 3
    while ask(server, "GET", "/v2", headers={"X-API-Key": text}).status == 401:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    call = channel.stream_stream(f"/{INFERENCE}/ModelStreamInfer", None, None)
    answers = call(iter([infer("echo")] * 6), timeout=10, metadata=[("x-api-key", text)])
    errors = []
    try:
        for answer in answers:
            errors.append(inference_pb2.ModelStreamInferResponse.FromString(answer).error_message)
    except grpc.RpcError as error:
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # noqa: PT017  # after answers
    assert errors.count("") == 2, "the first of three was asked over HTTP"
