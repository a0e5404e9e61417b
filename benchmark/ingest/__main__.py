"""Measures reading, prints a table and keeps it in docs/results/ingest.json.

`python -m benchmark.ingest` measures everything, `python -m benchmark.ingest fit` that one.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmark.ingest.measures import Figure
from benchmark.machine import describe

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "docs" / "results" / "ingest.json"
MEASURES = ("fit", "markup", "health", "rides")
"""Each is a file beside this one, with `measure(data) -> list[Figure]`."""
PEERS = ("fitdecode", "fitparse", "fitfast", "gpxpy", "tcxreader", "numpy", "pyarrow")


def main() -> None:
    """All that is asked for, on the data sets beside the checkout or where STADION_DATA says."""
    data = Path(os.environ.get("STADION_DATA", ROOT.parent / "shared" / "data"))
    asked = sys.argv[1:] or MEASURES
    for name in asked:
        if name not in MEASURES:
            raise SystemExit(f"there is no measure {name!r}; there are {', '.join(MEASURES)}")
    for name in asked:
        figures = importlib.import_module(f"benchmark.ingest.{name}").measure(data)
        for figure in figures:
            print(f"{name:7} {figure.what:56} {figure.value:10.4g} {figure.unit:4} {figure.wanted}")
        _keep(name, figures)


def _keep(name: str, figures: list[Figure]) -> None:
    known: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    versions = {peer: metadata.version(peer) for peer in PEERS}
    known[name] = {
        "machine": describe() | versions,
        "figures": [
            {
                "what": figure.what,
                "value": figure.value,
                "unit": figure.unit,
                "wanted": figure.wanted,
                "details": dict(figure.details),
            }
            for figure in figures
        ],
    }
    RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
