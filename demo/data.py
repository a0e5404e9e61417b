"""Prints the folder with the demo's recordings: BasicMotions, which aeon's wheel carries."""

from __future__ import annotations

import importlib.util
from pathlib import Path

__all__ = ["basic_motions"]


def basic_motions() -> Path:
    """Folder with BasicMotions_TRAIN.ts and BasicMotions_TEST.ts.

    aeon is only located, never imported: its wheel is wanted for its data alone.
    """
    spec = importlib.util.find_spec("aeon")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("aeon is not installed; run: make setup")
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data" / "BasicMotions"


if __name__ == "__main__":
    print(basic_motions())
