"""Triton's extensions over HTTP, by hand and by Triton's own client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from tests.serve import graphs
from tests.serve.running import Answer, Server, ask, running


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    models = {
        "rate": graphs.heart_rate(home),
        "echo": graphs.echo(home),
        "texts": graphs.texts(home),
        "patient": graphs.patient(home),
    }
    with running(home, models, workers=2) as found:
        yield found


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    found = triton.InferenceServerClient(f"127.0.0.1:{server.port}")
    yield found
    found.close()


def refused(answer: Answer, *words: str, status: int = 400) -> None:
    """Exactly {"error": text}, and the text says all of the words."""
    assert answer.status == status, answer
    assert list(answer.json) == ["error"], answer.json
    for word in words:
        assert word in answer.json["error"], (word, answer.json)


def test_the_server_names_its_extensions(client: Any) -> None:
    said = client.get_server_metadata()
    assert {"model_repository", "statistics", "binary_tensor_data"} <= set(said["extensions"])
    assert not [name for name in said["extensions"] if "shared_memory" in name]


# --- repository


def test_the_index_tells_how_every_version_stands(server: Server, client: Any) -> None:
    wanted = [
        {"name": name, "version": "1", "state": "READY", "reason": ""}
        for name in ("echo", "patient", "rate", "texts")
    ]
    assert client.get_model_repository_index() == wanted
    assert ask(server, "POST", "/v2/repository/index", b"").json == wanted
    assert ask(server, "POST", "/v2/repository/index", {"ready": True}).json == wanted
    refused(ask(server, "POST", "/v2/repository/index", b"{"), "JSON")
    refused(ask(server, "POST", "/v2/repository/index", {"ready": 1}), "ready")


def test_a_model_is_unloaded_and_loaded_again_in_every_worker(server: Server, client: Any) -> None:
    client.unload_model("echo", unload_dependents=True)
    for _ in range(8):  # connections of their own, so that both workers are asked
        refused(ask(server, "GET", "/v2/models/echo/ready"), "'echo'", "unloaded", status=503)
    (entry,) = [e for e in client.get_model_repository_index() if e["name"] == "echo"]
    assert (entry["state"], entry["reason"]) == ("UNAVAILABLE", "unloaded")
    ready = ask(server, "POST", "/v2/repository/index", {"ready": True}).json
    assert "echo" not in [e["name"] for e in ready]
    client.load_model("echo")
    for _ in range(8):
        assert ask(server, "GET", "/v2/models/echo/ready").status == 200
    assert client.is_model_ready("echo")


def test_what_loading_cannot_do_is_said(server: Server, client: Any) -> None:
    with pytest.raises(InferenceServerException, match="config"):
        client.load_model("echo", config="{}")
    with pytest.raises(InferenceServerException, match="file:1"):
        client.load_model("echo", config="{}", files={"file:1/model.onnx": b"x"})
    answer = ask(server, "POST", "/v2/repository/models/nobody/load", b"")
    refused(answer, "'nobody'", status=404)
    answer = ask(server, "POST", "/v2/repository/models/nobody/unload", b"")
    refused(answer, "'nobody'", status=404)
    answer = ask(server, "POST", "/v2/repository/models/echo/unload", {"parameters": {"now": 1}})
    refused(answer, "now", status=501)
    answer = ask(server, "POST", "/v2/repository/models/echo/load", {"parameters": 5})
    refused(answer, "parameters")


# --- configuration and statistics


def test_the_configuration_describes_the_model(server: Server, client: Any) -> None:
    said = client.get_model_config("rate")
    assert said == ask(server, "GET", "/v2/models/rate/versions/1/config").json
    assert (said["name"], said["backend"]) == ("rate", "onnxruntime")
    assert said["max_batch_size"] >= 1
    assert said["input"] == [{"name": "features", "data_type": "TYPE_FP32", "dims": [32]}]
    assert said["output"] == [{"name": "heart_rate", "data_type": "TYPE_FP32", "dims": [1]}]
    assert said["version_policy"] == {"specific": {"versions": [1]}}
    texts = client.get_model_config("texts")
    assert texts["input"] == [{"name": "x", "data_type": "TYPE_STRING", "dims": []}]
    fixed = client.get_model_config("patient")
    assert (fixed["max_batch_size"], fixed["input"][0]["dims"]) == (0, [1])
    refused(ask(server, "GET", "/v2/models/rate/versions/7/config"), "7", status=404)
    refused(ask(server, "GET", "/v2/models/nobody/config"), "'nobody'", status=404)


def test_statistics_count_what_all_workers_did(server: Server, client: Any) -> None:
    def counted() -> dict[str, Any]:
        (found,) = client.get_inference_statistics("rate", "1")["model_stats"]
        stats: dict[str, Any] = found
        return stats

    before = counted()["inference_stats"]["success"]["count"]
    body = {
        "inputs": [
            {"name": "features", "shape": [3, 32], "datatype": "FP32", "data": [0.5] * 96},
        ]
    }
    for _ in range(6):
        assert ask(server, "POST", "/v2/models/rate/infer", body).status == 200
    stats = counted()
    assert (stats["name"], stats["version"]) == ("rate", "1")
    assert stats["inference_stats"]["success"]["count"] - before == 6
    assert stats["inference_count"] >= 18
    assert stats["last_inference"] > 0
    every = client.get_inference_statistics()["model_stats"]
    assert [found["name"] for found in every] == ["echo", "patient", "rate", "texts"]
    refused(ask(server, "GET", "/v2/models/nobody/stats"), "'nobody'", status=404)
    refused(ask(server, "GET", "/v2/models/rate/versions/9/stats"), "9", status=404)


# --- settings


def test_log_settings_are_told_and_not_changed(server: Server, client: Any) -> None:
    said = client.get_log_settings()
    assert said["log_error"] is True
    assert client.update_log_settings({"log_error": True, "log_verbose_level": 0}) == said
    with pytest.raises(InferenceServerException, match="log_verbose_level is 0"):
        client.update_log_settings({"log_verbose_level": 3})
    refused(ask(server, "POST", "/v2/logging", {"log_colour": True}), "log_colour", "log_file")
    refused(ask(server, "POST", "/v2/logging", {"log_file": {}}), "array")


def test_trace_settings_are_told_and_not_changed(server: Server, client: Any) -> None:
    said = client.get_trace_settings()
    assert said["trace_level"] == ["OFF"]
    assert client.get_trace_settings("echo") == said
    same = {"trace_level": "OFF", "trace_rate": None, "trace_count": "-1"}
    assert client.update_trace_settings("echo", same) == said
    with pytest.raises(InferenceServerException, match="trace_level"):
        client.update_trace_settings(settings={"trace_level": ["TIMESTAMPS"]})
    refused(ask(server, "GET", "/v2/models/nobody/trace/setting"), "'nobody'", status=404)


def test_there_is_no_shared_memory(server: Server, client: Any) -> None:
    with pytest.raises(InferenceServerException, match="shares no memory"):
        client.get_system_shared_memory_status()
    with pytest.raises(InferenceServerException, match="shares no memory"):
        client.register_system_shared_memory("r", "/r", 64)
    with pytest.raises(InferenceServerException, match="shares no memory"):
        client.unregister_cuda_shared_memory()
    refused(ask(server, "GET", "/v2/cudasharedmemory/region/r/status"), status=501)
    given = triton.InferInput("x", [1, 1], "FP32")
    given.set_shared_memory("r", 4)
    with pytest.raises(InferenceServerException, match="'x' is in shared memory"):
        client.infer("echo", [given])
    given.set_data_from_numpy(np.zeros((1, 1), np.float32))
    wanted = triton.InferRequestedOutput("y")
    wanted.set_shared_memory("r", 4)
    with pytest.raises(InferenceServerException, match="'y' is in shared memory"):
        client.infer("echo", [given], outputs=[wanted])


# --- inference as the client sends it


@pytest.mark.parametrize("algorithm", [None, "gzip", "deflate"])
def test_bodies_are_compressed_both_ways_when_asked(client: Any, algorithm: str | None) -> None:
    rows = np.tile(np.linspace(-1, 1, 32, dtype=np.float32), (500, 1))
    given = triton.InferInput("x", rows.shape, "FP32")
    for is_binary in (True, False):
        given.set_data_from_numpy(rows, binary_data=is_binary)
        result = client.infer(
            "echo",
            [given],
            outputs=[triton.InferRequestedOutput("y", binary_data=is_binary)],
            request_compression_algorithm=algorithm,
            response_compression_algorithm=algorithm,
        )
        np.testing.assert_array_equal(result.as_numpy("y"), rows)
