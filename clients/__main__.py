"""Clients by name in, what each could do printed and written to docs/results/clients.json.

Each client lives in an environment of its own, made from its pinned requirements at the first
use and kept in .clients; the server is one real `stadion up` (and one with a single model, for
MLflow's clients, which name none).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from reliability.homes import with_models
from reliability.models import ramp, recurrent
from reliability.server import serving
from stadion.core.version import code_version

__all__ = ["CLIENTS", "environment", "main", "run_client", "servers"]

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results" / "clients.json"
CLIENTS = {
    "triton_http": "tritonclient",
    "triton_grpc": "tritonclient",
    "kserve_client": "kserve",
    "tensorflow_serving": "tensorflow_serving",
    "mlflow_scoring": "mlflow",
}
"""Program -> the requirements it runs with."""
_INSTALL_S, _RUN_S = 1200, 180


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every client could do everything."""
    chosen = list(sys.argv[1:] if arguments is None else arguments) or list(CLIENTS)
    if unknown := [name for name in chosen if name not in CLIENTS]:
        sys.stderr.write(f"there is no client {unknown}; expected {list(CLIENTS)}\n")
        return 2
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="stadion-") as folder, servers(Path(folder)) as where:
        for name in chosen:
            found += run_client(name, where, environment(CLIENTS[name]))
    _write(found, chosen)
    failed = [one for one in found if not one["passed"]]
    print(f"{len(found) - len(failed)} of {len(found)} checks passed")
    return 1 if failed else 0


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[dict[str, str]]:
    """Two servers, and HOST:PORT of each: `http` and `grpc` of one, `single` of the other."""
    several = [("ramp", ramp(folder / "1", 1.0)), ("signal", recurrent(folder / "2"))]
    several.append(("spare", ramp(folder / "3", 1.0)))
    options = ["--grpc", "127.0.0.1:0"]
    homes = with_models(folder / "a", several), with_models(folder / "b", several[:1])
    with serving(homes[0], 2, options) as first, serving(homes[1], 1, options) as second:
        yield {
            "http": _address(first.predictions),
            "grpc": _address(first.grpc),
            "single": _address(second.predictions),
        }


def run_client(name: str, where: dict[str, str], python: Path) -> list[dict[str, Any]]:
    """What one program said of its checks, run by a Python; its early end is a failed check."""
    command = [str(python), "-m", f"clients.programs.{name}", json.dumps(where)]
    path = dict(os.environ, PYTHONPATH=str(ROOT))
    done = subprocess.run(
        command, cwd=ROOT, env=path, capture_output=True, text=True, timeout=_RUN_S, check=False
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0:
        text = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        lines.append(
            {"client": name, "check": "runs to its end", "passed": False, "error": text[0]}
        )
    for line in lines:
        word = "passed" if line["passed"] else "FAILED"
        print(f"  {word} {line['client']}: {line['check']} {line.get('error', '')}", flush=True)
    return lines


def environment(name: str) -> Path:
    """The Python of a client's environment, which is made again when its requirements change."""
    pinned = ROOT / "clients" / "requirements" / f"{name}.txt"
    home = ROOT / ".clients" / name
    stamp, digest = home / ".installed", hashlib.sha256(pinned.read_bytes()).hexdigest()
    python = home / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != digest:
        print(f"  {name}: installing {pinned.name}", flush=True)
        venv.create(home, clear=True, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--requirement", str(pinned)], check=True, timeout=_INSTALL_S)
        stamp.write_text(digest)
    return python


def _address(url: str) -> str:
    return url.rpartition("/")[2]


def _write(found: list[dict[str, Any]], chosen: Sequence[str]) -> None:
    """What was run now; the others stay as they are."""
    content: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    clients = content.setdefault("clients", {})
    requirements = content.setdefault("requirements", {})
    for name in dict.fromkeys(one["client"] for one in found):
        mine = [one for one in found if one["client"] == name]
        clients[name] = {
            "passed": [one["check"] for one in mine if one["passed"]],
            "failed": {one["check"]: one["error"] for one in mine if not one["passed"]},
        }
    requirements |= {name: _main_packages(CLIENTS[name]) for name in chosen}
    content |= {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "stadion": code_version(),
        "server": {name: metadata.version(name) for name in ("grpcio", "httptools", "onnxruntime")},
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(content, indent=2) + "\n")


def _main_packages(name: str) -> list[str]:
    """The lines that say which client it is."""
    text = (ROOT / "clients" / "requirements" / f"{name}.txt").read_text().splitlines()
    wanted = ("tritonclient", "kserve", "requests==", "mlflow", "grpcio==", "protobuf")
    return [line for line in text if line.startswith(wanted)]


if __name__ == "__main__":
    raise SystemExit(main())
