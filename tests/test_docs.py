"""Every code block of the documents runs as it stands."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.places import ROOT

PREAMBLE = "set -euo pipefail\nset -m\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT"
"""A failure ends the script, and what it left in the background holds no output open."""
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(document: str) -> list[tuple[str, str]]:
    return [match.groups() for match in BLOCK.finditer((ROOT / document).read_text())]  # type: ignore[misc]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def as_script(document: str) -> str:
    """All blocks as one shell script; Python blocks are given to Python on its input."""
    parts = [PREAMBLE]
    for language, text in blocks(document):
        parts.append(text if language == "bash" else f"python - <<'PYTHON'\n{text}PYTHON\n")
    return "\n".join(parts)


def run(script: str, folder: Path, environment: dict[str, str], limit_s: float) -> str:
    """Run a script in a group of its own, so that nothing it started outlives the test."""
    child = subprocess.Popen(
        ["/bin/bash", "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = child.communicate(timeout=limit_s)
    finally:
        end_session(child.pid)
    assert child.returncode == 0, output
    return output


def end_session(leader: int) -> None:
    """Kill whatever still runs in a session: jobs in the background have groups of their own."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader:
                os.kill(int(stat.parent.name), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour calls curl, which is missing")
def test_the_tour_of_the_readme_runs_as_it_stands(tmp_path: Path) -> None:
    for name in ("demo", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    ports = {port: str(free_port()) for port in ("8000", "8001", "8080")}
    script = re.sub("|".join(ports), lambda port: ports[port.group()], as_script("README.md"))
    environment = {key: value for key, value in os.environ.items() if key != "STADION_HOME"}
    output = run(script, tmp_path, environment, 200)
    assert "accuracy" in output
    assert '"probabilities"' in output
    assert re.search(r"motions\s+1\s+[01]\.\d+", output), "the rollback did not come back"


def test_the_contract_in_contributing_runs(tmp_path: Path) -> None:
    python = shutil.which("python", path=str(ROOT / ".venv" / "bin"))
    assert python, "make setup makes the environment"
    environment = os.environ | {"PATH": f"{Path(python).parent}:{os.environ['PATH']}"}
    run(as_script("CONTRIBUTING.md"), tmp_path, environment, 60)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_inside_the_project_lead_somewhere(document: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / document).read_text()):
        assert (ROOT / target).exists(), f"{document} links to {target}"


def test_a_tour_block_that_fails_is_seen_at_once(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        run(f"{PREAMBLE}\nsleep 60 &\nfalse\ntrue", tmp_path, dict(os.environ), 20)
