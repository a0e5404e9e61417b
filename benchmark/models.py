"""The model that is served: a small network over 32 numbers, trained on made-up rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stadion.core.dataset import Dataset
from stadion.core.package import Lineage, ModelPackage
from stadion.core.plugins import Cupboard
from stadion.core.settings import read_settings
from stadion.core.signature import Signature, Tensor
from stadion.export.package import make_package
from stadion.train.base import Learner, Run

__all__ = ["FEATURES", "tabular"]

FEATURES = 32
_ROWS = 256
_SIGNATURE = Signature(
    (Tensor("features", "FP32", (None, FEATURES)),), (Tensor("score", "FP32", (None,)),)
)


def tabular(folder: Path, seed: int) -> ModelPackage:
    """32 -> 64 -> 32 -> 1, with imputation and scaling in the graph; its speed is the question."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(_ROWS, FEATURES)).astype(np.float32)
    target = rows[:, :4].sum(axis=1)
    groups = np.arange(_ROWS).astype("U")
    data = Dataset("benchmark", _SIGNATURE, {"features": rows}, {"score": target}, groups)
    learner = Cupboard[Learner]("stadion.train").get("mlp")
    settings = read_settings(learner.Settings, {"hidden": "64,32", "epochs": 2}, "mlp")
    model = learner.fit(data, settings, Run(seed, folder / "run"))
    lineage = Lineage("benchmark", {}, "mlp", {}, seed, data.digest, _ROWS, "")
    return make_package(
        model, signature=_SIGNATURE, metrics=None, lineage=lineage, card="",
        folder=folder / "package", samples={"features": rows[:64]},
    )  # fmt: skip
