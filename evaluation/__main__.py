"""Trains and asks everything, prints the table and writes docs/results/evaluation.json."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from evaluation.results import Result, show, write
from evaluation.sensors import official_split, physical_therapy
from evaluation.workouts import heart_rate

ROOT = Path(__file__).resolve().parent.parent
SEEDS = (0, 1, 2)


def main() -> None:
    """All data sets beside the checkout, or where STADION_DATA says."""
    data = Path(os.environ.get("STADION_DATA", ROOT.parent / "shared" / "data"))
    if not data.is_dir():
        raise SystemExit(f"the data sets are not at {data.name}; set STADION_DATA to their folder")
    imu = data / "A_activity_imu"
    questions: list[Callable[[], Result]] = [
        lambda: official_split(
            imu / "uea_basicmotions", "BasicMotions",
            "1.000 (signature kernel), 1-NN Euclid 0.600", SEEDS,
        ),
        lambda: official_split(
            imu / "uea_racketsports", "RacketSports",
            "0.934 (WEASEL+MUSE), 0.921 (signature kernel), 1-NN Euclid 0.822", SEEDS,
        ),
        lambda: heart_rate(data / "B_activity_files", SEEDS[0]),
        lambda: physical_therapy(imu / "uci_physical_therapy", SEEDS[0]),
    ]  # fmt: skip
    results = []
    for question in questions:
        results.append(question())
        show(results[-1])
    write(results, SEEDS, ROOT / "docs" / "results" / "evaluation.json")


if __name__ == "__main__":
    main()
