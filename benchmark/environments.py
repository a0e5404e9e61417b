"""A requirements file in, the interpreter of an environment that holds exactly that out."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from benchmark.peers.base import Peer

__all__ = ["Missing", "python_for", "version_of"]

_REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
_INSTALL_S = 1200
_STAMP = ".requirements.sha256"


class Missing(Exception):  # noqa: N818  # a peer that is not there is no error
    """The peer cannot be installed here; says why."""


def python_for(peer: Peer, folder: Path) -> Path:
    """The peer's interpreter; its environment is made on the first call and kept in `folder`.

    Raises
    ------
    Missing
        With pip's last words, where it cannot be installed.
    """
    if not peer.requirements:
        return Path(sys.executable)
    requirements = _REQUIREMENTS / peer.requirements
    place = folder / peer.name
    python, stamp = place / "bin" / "python", place / _STAMP
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
        print(f"{peer.name}: installing {requirements.name} ...", flush=True)
        shutil.rmtree(place, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(place)])
        _run([str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)])
        stamp.write_text(wanted)
    return python


def version_of(distribution: str, python: Path) -> str:
    """What is installed there."""
    code = f"from importlib.metadata import version; print(version({distribution!r}))"
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"not installed within {_INSTALL_S} s") from None
    if done.returncode:
        errors = re.findall(r"ERROR: (.*)", done.stderr) or [done.stderr]
        raise Missing(errors[-1].strip()[:200])
