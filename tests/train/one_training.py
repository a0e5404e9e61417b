"""Trains one network in a process of its own: `python -m tests.train.one_training NAME FOLDER k=v`.

Prints each epoch as it ends, and leaves its answers in FOLDER/answers.npy.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from stadion.core.dataset import Dataset
from stadion.core.plugins import Cupboard
from stadion.core.settings import read_settings
from stadion.train._examples import movements
from stadion.train.base import Learner, Progress, Run

ROWS, BATCH = 240, 4
UPDATES = ROWS // BATCH
UPDATES_WITH_HOLDOUT = 50
"""Per epoch. With groups of a sixth of the rows each, one group is held out."""


def question() -> Dataset:
    return movements(ROWS)


def main(name: str, folder: Path, chosen: dict[str, str]) -> None:
    torch.set_num_threads(1)  # the same number in every process, whatever else it inherits
    learner = Cupboard[Learner]("stadion.train").get(name)
    common = {"epochs": 3, "batch_size": BATCH, "checkpoint_s": 0, "rotation": 20}
    settings = read_settings(learner.Settings, {**common, **chosen}, name)
    data = question()
    model = learner.fit(data, settings, Run(11, folder, report))
    np.save(folder / "answers.npy", model.predict(data.inputs)["movement"])


def report(progress: Progress) -> None:
    sys.stdout.write(f"{progress.done}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), dict(arg.split("=") for arg in sys.argv[3:]))
