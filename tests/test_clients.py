"""A client that people use already, whose library is among those of the tests, does everything."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from clients.__main__ import run_client, servers


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_tritonclient_can_do_everything_it_has_over_http(tmp_path: Path) -> None:
    with servers(tmp_path) as where:
        found = run_client("triton_http", where, Path(sys.executable))
        broken = run_client("triton_http", where | {"http": where["single"]}, Path(sys.executable))
    assert [check for check in found if not check["passed"]] == []
    assert len(found) > 30
    missing = {check["check"] for check in broken if not check["passed"]}
    assert {"infer, classification", "load", "repository index"} <= missing
