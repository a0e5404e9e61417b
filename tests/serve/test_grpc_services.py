"""What is asked besides predictions: health, metadata, repository, statistics, settings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from stadion.core.version import __version__
from stadion.serve.grpc import health_pb2, inference_pb2
from tests.serve import graphs
from tests.serve.grpc_calls import Client, client, failing, request
from tests.serve.running import Server, running

SERVING = health_pb2.HealthCheckResponse.SERVING
HEALTH = "/grpc.health.v1.Health/"
pb = inference_pb2


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    models = {
        "heart_rate": graphs.heart_rate(home),
        "classes": graphs.classes(home),
        "texts": graphs.texts(home),
        "patient": graphs.patient(home),
    }
    with running(home, models, grpc_port=0) as found:
        yield found


@pytest.fixture(scope="module")
def calls(server: Server) -> Iterator[Client]:
    with client(server) as found:
        yield found


def check(calls: Client, service: str) -> int:
    asked = health_pb2.HealthCheckRequest(service=service).SerializeToString()
    answer = health_pb2.HealthCheckResponse.FromString(calls.raw(asked, f"{HEALTH}Check"))
    return int(answer.status)


def test_the_server_is_live_and_ready(calls: Client) -> None:
    assert calls.ServerLive(pb.ServerLiveRequest()).live
    assert calls.ServerReady(pb.ServerReadyRequest()).ready


def test_the_server_says_what_it_is(calls: Client) -> None:
    answer = calls.ServerMetadata(pb.ServerMetadataRequest())
    assert (answer.name, answer.version) == ("stadion", __version__)
    assert {"classification", "statistics", "model_repository"} <= set(answer.extensions)


@pytest.mark.parametrize(
    ("name", "version", "ready"),
    [("heart_rate", "", True), ("heart_rate", "1", True), ("heart_rate", "2", False),
     ("heart_rate", "x", False), ("nobody", "", False)],
)  # fmt: skip
def test_readiness_of_models(calls: Client, name: str, version: str, ready: bool) -> None:
    assert calls.ModelReady(pb.ModelReadyRequest(name=name, version=version)).ready is ready


def test_metadata_names_versions_and_tensors(calls: Client) -> None:
    answer = calls.ModelMetadata(pb.ModelMetadataRequest(name="heart_rate"))
    assert (answer.name, list(answer.versions)) == ("heart_rate", ["1"])
    assert answer.platform == "onnxruntime_onnx"
    (given,), (told,) = answer.inputs, answer.outputs
    assert (given.name, given.datatype, list(given.shape)) == ("features", "FP32", [-1, 32])
    assert (told.name, told.datatype, list(told.shape)) == ("heart_rate", "FP32", [-1, 1])


def test_metadata_of_what_is_not_there_is_not_found(calls: Client) -> None:
    for name, version in (("nobody", ""), ("heart_rate", "7"), ("heart_rate", "new")):
        with failing(grpc.StatusCode.NOT_FOUND):
            calls.ModelMetadata(pb.ModelMetadataRequest(name=name, version=version))
        with failing(grpc.StatusCode.NOT_FOUND):
            calls.ModelConfig(pb.ModelConfigRequest(name=name, version=version))


def test_the_configuration_leaves_out_the_axis_of_the_rows(calls: Client) -> None:
    config = calls.ModelConfig(pb.ModelConfigRequest(name="heart_rate")).config
    assert config.name == "heart_rate"
    assert config.backend == "onnxruntime"
    assert config.max_batch_size >= 1
    assert [(t.name, t.data_type, list(t.dims)) for t in config.input] == [
        ("features", pb.TYPE_FP32, [32])
    ]
    assert list(config.version_policy.specific.versions) == [1]
    fixed = calls.ModelConfig(pb.ModelConfigRequest(name="patient")).config
    assert fixed.max_batch_size == 0
    assert list(fixed.input[0].dims) == [1]
    texts = calls.ModelConfig(pb.ModelConfigRequest(name="texts")).config
    assert texts.input[0].data_type == pb.TYPE_STRING


def test_statistics_of_one_and_of_all(calls: Client) -> None:
    calls.infer("classes", {"scores": np.zeros((3, 4), np.float32)})
    (one,) = calls.ModelStatistics(pb.ModelStatisticsRequest(name="classes")).model_stats
    assert (one.name, one.version) == ("classes", "1")
    assert one.inference_count >= 3
    assert one.inference_stats.success.count >= 1
    assert any(batch.batch_size == 3 for batch in one.batch_stats)
    everything = calls.ModelStatistics(pb.ModelStatisticsRequest()).model_stats
    assert {stats.name for stats in everything} == {"heart_rate", "classes", "texts", "patient"}
    with failing(grpc.StatusCode.NOT_FOUND):
        calls.ModelStatistics(pb.ModelStatisticsRequest(name="nobody"))


def index(calls: Client, ready: bool = False) -> dict[str, str]:
    answer = calls.RepositoryIndex(pb.RepositoryIndexRequest(ready=ready))
    return {entry.name: entry.state for entry in answer.models}


@pytest.mark.parametrize("field", ["model_name", "repository_name"])
def test_models_are_unloaded_and_loaded_by_both_numberings(calls: Client, field: str) -> None:
    """KServe's clients send the name as field 1, Triton's as field 2."""
    assert set(index(calls).values()) == {"READY"}
    named: dict[str, Any] = {field: "texts"}
    gone = calls.RepositoryModelUnload(pb.RepositoryModelUnloadRequest(**named))
    assert (gone.model_name, gone.is_unloaded) == ("texts", True)
    assert index(calls)["texts"] == "UNAVAILABLE"
    assert "texts" not in index(calls, ready=True)
    assert not calls.ModelReady(pb.ModelReadyRequest(name="texts")).ready
    x = np.array([b"a"], object)
    with failing(grpc.StatusCode.UNAVAILABLE, "texts"):
        calls.infer("texts", {"x": x})
    back = calls.RepositoryModelLoad(pb.RepositoryModelLoadRequest(**named))
    assert (back.model_name, back.is_loaded) == ("texts", True)
    assert index(calls)["texts"] == "READY"
    assert calls.infer("texts", {"x": x})["y"].tolist() == [b"a"]


def test_what_the_repository_cannot_do_is_said(calls: Client) -> None:
    with failing(grpc.StatusCode.NOT_FOUND, "nobody"):
        calls.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name="nobody"))
    given = {"file:1/model.onnx": pb.ModelRepositoryParameter(bytes_param=b"x")}
    with failing(grpc.StatusCode.UNIMPLEMENTED, "file:1/model.onnx"):
        calls.RepositoryModelLoad(
            pb.RepositoryModelLoadRequest(model_name="texts", parameters=given)
        )


def test_settings_are_told_and_not_changed(calls: Client) -> None:
    trace = calls.TraceSetting(pb.TraceSettingRequest())
    assert list(trace.settings["trace_level"].value) == ["OFF"]
    log = calls.LogSettings(pb.LogSettingsRequest())
    assert log.settings["log_error"].bool_param
    assert log.settings["log_verbose_level"].uint32_param == 0
    louder = {"log_verbose_level": pb.LogSettingsRequest.SettingValue(uint32_param=4)}
    with failing(grpc.StatusCode.UNIMPLEMENTED, "log_verbose_level"):
        calls.LogSettings(pb.LogSettingsRequest(settings=louder))
    on = {"trace_level": pb.TraceSettingRequest.SettingValue(value=["TIMESTAMPS"])}
    with failing(grpc.StatusCode.UNIMPLEMENTED, "trace_level"):
        calls.TraceSetting(pb.TraceSettingRequest(settings=on))


@pytest.mark.parametrize("kind", ["System", "Cuda"])
@pytest.mark.parametrize("verb", ["Status", "Register", "Unregister"])
def test_shared_memory_is_clearly_not_offered(calls: Client, kind: str, verb: str) -> None:
    with failing(grpc.StatusCode.UNIMPLEMENTED, "shares no memory"):
        getattr(calls, f"{kind}SharedMemory{verb}")(pb.SharedMemoryRequest())


def test_a_garbled_message_is_refused_by_every_method(calls: Client) -> None:
    for name in ("ModelReady", "ModelMetadata", "ModelConfig", "ModelStatistics", "ModelInfer",
                 "RepositoryIndex", "RepositoryModelLoad", "RepositoryModelUnload",
                 "TraceSetting", "LogSettings"):  # fmt: skip
        with failing(grpc.StatusCode.INVALID_ARGUMENT, f"{name}Request"):
            calls.raw(b"\x0a\xff\xff", f"/inference.GRPCInferenceService/{name}")


# --- the standard health service


def test_health_is_serving(calls: Client) -> None:
    assert check(calls, "") == SERVING
    assert check(calls, "inference.GRPCInferenceService") == SERVING
    with failing(grpc.StatusCode.NOT_FOUND, "'other'"):
        check(calls, "other")
    listed = health_pb2.HealthListResponse.FromString(calls.raw(b"", f"{HEALTH}List"))
    assert {entry.status for entry in listed.statuses.values()} == {SERVING}


def watching(calls: Client, service: str = "") -> Any:
    call = calls.channel.unary_stream(
        f"{HEALTH}Watch", response_deserializer=health_pb2.HealthCheckResponse.FromString
    )
    return call(health_pb2.HealthCheckRequest(service=service).SerializeToString(), timeout=20)


def test_watching_health_begins_with_how_it_stands(calls: Client) -> None:
    watch = watching(calls)
    assert next(watch).status == SERVING
    watch.cancel()
    unknown = watching(calls, "other")
    assert next(unknown).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    unknown.cancel()


def test_a_stopping_server_answers_what_is_under_way_and_ends_streams(tmp_path: Path) -> None:
    models = {"patient": graphs.patient(tmp_path), "echo": graphs.echo(tmp_path)}
    with running(tmp_path, models, grpc_port=0) as server, client(server) as calls:
        watch = watching(calls)
        assert next(watch).status == SERVING
        stop = threading.Event()
        stream = calls.stream(_one_and_wait(stop))
        assert not next(stream).error_message
        asked = calls.later(request("patient", {"rounds": np.array([600_000])}))
        calls.infer("echo", {"x": np.zeros((1, 1), np.float32)})  # the other one is there by now
        assert server.stop() == 0
        assert asked.result(20).outputs
        for ended in (watch, stream):
            with failing(grpc.StatusCode.UNAVAILABLE, "call again"):
                list(ended)
        stop.set()
        with failing(grpc.StatusCode.UNAVAILABLE):
            calls.infer("echo", {"x": np.zeros((1, 1), np.float32)})


def _one_and_wait(stop: threading.Event) -> Iterator[inference_pb2.ModelInferRequest]:
    yield request("echo", {"x": np.zeros((1, 1), np.float32)})
    stop.wait(20)


def test_workers_share_the_port(tmp_path: Path) -> None:
    """Each connection lands on one of them; the counts of both add up."""
    models = {"echo": graphs.echo(tmp_path)}
    with running(tmp_path, models, workers=2, grpc_port=0) as server:
        for _ in range(24):
            with client(server) as calls:
                calls.infer("echo", {"x": np.ones((1, 1), np.float32)})
        with client(server) as calls:
            (stats,) = calls.ModelStatistics(pb.ModelStatisticsRequest(name="echo")).model_stats
            assert stats.inference_stats.success.count == 24
        used = [len(_sockets(pid, server)) for pid in server.said["workers"]]
        assert all(used), "a worker does not listen"


def _sockets(pid: int, server: Server) -> list[str]:
    """The worker's sockets that listen on the port of gRPC."""
    port = f":{int(server.said['grpc'].rpartition(':')[2]):04X}"
    listening = [
        fields[9]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        if (fields := line.split())[1].endswith(port) and fields[3] == "0A"
    ]
    held = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    return [inode for inode in listening if f"socket:[{inode}]" in held]
