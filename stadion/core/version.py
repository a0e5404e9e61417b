"""Which code this is: the release, and a digest that tells a changed checkout apart."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

__all__ = ["__version__", "code_version"]

__version__ = "0.1.0"


@cache
def code_version() -> str:
    """Release and the first digits of a SHA-256 over the package's sources: `0.1.0+1a2b3c4d`."""
    state = hashlib.sha256()
    for path in sorted(Path(__file__).parent.parent.rglob("*.py")):
        state.update(path.read_bytes())
    return f"{__version__}+{state.hexdigest()[:8]}"
