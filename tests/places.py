"""Where the tests find real recordings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

__all__ = ["ROOT", "shared_data"]

ROOT = Path(__file__).resolve().parent.parent


def shared_data(*parts: str) -> Path:
    """A file or folder of the real data sets; skips the test where they are not there."""
    base = Path(os.environ.get("STADION_DATA", ROOT.parent / "shared" / "data"))
    path = base.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"real data set {'/'.join(parts)} is not beside the checkout")
    return path
