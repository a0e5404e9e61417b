"""`stadion up` tells where gRPC is answered, and opens it only where it may."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import grpc

from stadion.serve.grpc import inference_pb2 as pb
from tests.servers import running_server


def up(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stadion", "up", "--home", str(home), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_up_tells_where_grpc_is_answered(tmp_path: Path) -> None:
    with running_server(tmp_path, workers=1) as server:
        host, _, port = server.grpc.rpartition(":")
        assert host == "127.0.0.1"
        assert int(port) > 0
        with grpc.insecure_channel(server.grpc) as channel:
            ready = channel.unary_unary("/inference.GRPCInferenceService/ServerReady")
            assert pb.ServerReadyResponse.FromString(ready(b"", timeout=10)).ready


def test_two_servers_do_not_share_a_port_of_grpc(tmp_path: Path) -> None:
    with running_server(tmp_path / "one", workers=1) as server:
        refused = up(
            tmp_path / "two", "--http", "127.0.0.1:0", "--control", "127.0.0.1:0",
            "--grpc", server.grpc,
        )  # fmt: skip
        assert refused.returncode != 0
        assert server.grpc in refused.stderr
        assert "Traceback" not in refused.stderr


def test_an_open_address_needs_keys(tmp_path: Path) -> None:
    refused = up(tmp_path, "--http", "127.0.0.1:0", "--control", "127.0.0.1:0",
                 "--grpc", "0.0.0.0:0")  # fmt: skip
    assert refused.returncode != 0
    assert "0.0.0.0 is not a loopback address" in refused.stderr
    assert "key" in refused.stderr


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    refused = up(tmp_path, "--grpc", "here")
    assert refused.returncode != 0
    assert "--grpc is 'here'; expected HOST:PORT" in refused.stderr


def test_nothing_else_of_the_house_loads_grpc() -> None:
    program = (
        "import sys, stadion, stadion.serve, stadion.serve.worker, stadion.platform;"
        "assert not [m for m in sys.modules if m.split('.')[0] == 'grpc']"
    )
    subprocess.run(
        [sys.executable, "-c", program], check=True, timeout=60, env={**os.environ}, cwd=Path.cwd()
    )
