"""The models that the examples of the OpenAPI document are for, and schemathesis against them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from stadion.core.package import ModelPackage
from tests.places import ROOT
from tests.serve import graphs
from tests.serve.running import Server

__all__ = ["models", "schemathesis"]


def models(home: Path) -> dict[str, ModelPackage]:
    """'pace' has one input x of any number of columns, as the examples say; 'spare' may go."""
    return {
        "pace": graphs.echo(home),
        "two": graphs.sum_of_two(home),
        "texts": graphs.texts(home),
        "rate": graphs.heart_rate(home),
        "spare": graphs.constant(home, 5.0),
    }


def schemathesis(
    server: Server, folder: Path, limit_s: float, *more: str
) -> subprocess.CompletedProcess[str]:
    """Every check it has, with the hooks and settings of this folder."""
    command = [str(Path(sys.executable).parent / "schemathesis")]
    command += ["--config-file", str(ROOT / "tests" / "serve" / "schemathesis.toml")]
    command += ["run", f"{server.url}/openapi.json", "--checks", "all", "--no-color"]
    command += ["--continue-on-failure", "--generation-database", "none", *more]
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )
