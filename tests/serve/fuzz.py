"""Minutes in; malformed calls of every protocol for that long, and 0 if all is well, out.

python -m tests.serve.fuzz 5
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.places import ROOT
from tests.serve.openapi_server import models, schemathesis
from tests.serve.running import running

_MUTATED_PER_MINUTE = 300  # of each good body
_FILES = ("test_malformed", "test_neighbours", "test_mutations", "test_grpc_malformed")


def main(minutes: int) -> int:
    """Half of the time calls made from the OpenAPI document, half of it mutated good ones."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), models(Path(folder))) as up:
        found = schemathesis(up, Path(folder), minutes * 60, "--max-time", str(minutes * 30))
    print(found.stdout)
    paths = [f"tests/serve/{name}.py" for name in _FILES]
    mutated = subprocess.run(
        [sys.executable, "-m", "pytest", *paths, "--timeout", str(minutes * 120 + 300)],
        cwd=ROOT,
        env=os.environ | {"STADION_FUZZ": str(minutes * _MUTATED_PER_MINUTE)},
        check=False,
    )
    return found.returncode or mutated.returncode


if __name__ == "__main__":
    raise SystemExit(main(max(1, int(sys.argv[1]))))
