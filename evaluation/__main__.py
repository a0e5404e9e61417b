"""Trains and asks everything, prints the table and keeps it in docs/results/evaluation.json.

`python -m evaluation` asks about every task, `python -m evaluation match_outcome` about that one.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from pathlib import Path

from evaluation.results import keep, show

ROOT = Path(__file__).resolve().parent.parent
SEEDS = (0, 1, 2)
TASKS = (
    "activity_recognition",
    "exercise_technique",
    "workout_heart_rate",
    "daily_readiness",
    "match_outcome",
    "stroke_forecast",
    "player_motion",
)
"""Each is a file beside this one, with `evaluate(data, seeds)`."""


def main() -> None:
    """All data sets beside the checkout, or where STADION_DATA says."""
    data = Path(os.environ.get("STADION_DATA", ROOT.parent / "shared" / "data"))
    if not data.is_dir():
        raise SystemExit(f"the data sets are not at {data.name}; set STADION_DATA to their folder")
    asked = sys.argv[1:] or TASKS
    for task in asked:
        if task not in TASKS:
            raise SystemExit(f"there is no evaluation of {task!r}; there are {', '.join(TASKS)}")
    began = time.monotonic()
    for task in asked:
        results = importlib.import_module(f"evaluation.{task}").evaluate(data, SEEDS)
        for result in results:
            show(result)
        keep(results, SEEDS, ROOT / "docs" / "results" / "evaluation.json")
    print(f"\n{', '.join(asked)}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
