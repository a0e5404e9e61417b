"""Registers version after version of one model and prints what was acknowledged, until killed."""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
from pathlib import Path

from stadion.registry import Registry


def main(home: Path, model: str, turn: str) -> None:
    """A line per acknowledged version, after a first one that says ready."""
    registry = Registry.open(home / "registry")
    package = registry.version(f"{model}:1").package
    print(json.dumps({"ready": True}), flush=True)
    sys.stdin.readline()
    for number in itertools.count():
        child = dataclasses.replace(package, card=f"turn {turn}, copy {number}")
        version = registry.register(model, child)
        print(json.dumps({"version": version.number, "digest": version.digest}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
