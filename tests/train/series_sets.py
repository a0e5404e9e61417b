"""The UEA archive's smart-watch sets as training sets, read from their text layout."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from stadion.core.dataset import Dataset
from stadion.core.signature import Signature, Tensor
from tests.places import shared_data

__all__ = ["basic_motions", "motions_folder", "racket_sports", "read_ts"]


def racket_sports(part: str) -> Dataset:
    """RacketSports, `TRAIN` or `TEST` of the official split: 6 channels x 30 steps at 10 Hz."""
    return read_ts(shared_data("A_activity_imu", "uea_racketsports", f"RacketSports_{part}.ts.gz"))


def basic_motions(part: str) -> Dataset:
    """BasicMotions as aeon's wheel carries it: 6 channels x 100 steps at 10 Hz."""
    return read_ts(motions_folder() / f"BasicMotions_{part}.ts")


def motions_folder() -> Path:
    """Where aeon's wheel keeps BasicMotions."""
    found = importlib.util.find_spec("aeon")
    if found is None or found.origin is None:
        pytest.skip("aeon, whose wheel carries BasicMotions, is not installed")
    return Path(found.origin).parent / "datasets" / "data" / "BasicMotions"


def read_ts(path: Path) -> Dataset:
    """A `.ts` file of six channels; every row its own group."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    head, _, body = text.partition("@data\n")
    labels = tuple(next(x for x in head.splitlines() if x.startswith("@classLabel")).split()[2:])
    rows = [line.strip().split(":") for line in body.splitlines() if line.strip()]
    values = np.array([[c.split(",") for c in row[:-1]] for row in rows]).astype(np.float32)
    values = values.transpose(0, 2, 1)
    steps = values.shape[1]
    signature = Signature(
        (
            Tensor("acceleration", "FP32", (None, steps, 3), "m/s^2", columns=("x", "y", "z"),
                   step_s=0.1),
            Tensor("angular_velocity", "FP32", (None, steps, 3), "rad/s", columns=("x", "y", "z"),
                   step_s=0.1),
        ),
        (Tensor("activity", "FP32", (None, len(labels)), columns=labels, missing=False),),
        {"activity": labels},
    )  # fmt: skip
    return Dataset(
        "activity_recognition",
        signature,
        {"acceleration": values[:, :, :3].copy(), "angular_velocity": values[:, :, 3:].copy()},
        {"activity": np.array([labels.index(row[-1].strip()) for row in rows], np.int64)},
        np.array([f"row-{number}" for number in range(len(rows))]),
    )
