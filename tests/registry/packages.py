"""A label in, a small honest package out: its files have the digests that it says."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from stadion.core.package import GRAPH, Lineage, Metrics, ModelFile, ModelPackage
from stadion.core.signature import Signature, Tensor

__all__ = ["make_package", "model_file", "with_files"]


def make_package(folder: Path, label: str, extra_bytes: int = 0) -> ModelPackage:
    """A package of two files that differs from every package with another label."""
    home = folder / hashlib.sha256(label.encode()).hexdigest()[:16]
    home.mkdir(parents=True, exist_ok=True)
    graph, card = home / GRAPH, home / "labels.txt"
    graph.write_bytes(f"graph of {label}".encode() + bytes(extra_bytes))
    card.write_text("rest\nwalk\n")
    return ModelPackage(
        signature=Signature(
            inputs=(Tensor("acceleration", "FP32", (None, 100, 3), unit="m/s^2", step_s=0.1),),
            outputs=(Tensor("activity", "FP32", (None, 2), columns=("rest", "walk")),),
            labels={"activity": ("rest", "walk")},
        ),
        metrics=Metrics("accuracy", 0.9, {"majority": 0.5}, "official test split", 40),
        lineage=Lineage(
            "activity_recognition", {"window_s": 10.0}, "rocket", {"kernels": 84}, 7, "0" * 64,
            40, "0.1.0",
        ),
        files={GRAPH: model_file(graph), "extra/labels.txt": model_file(card)},
        card=f"The model {label}.",
    )  # fmt: skip


def model_file(path: Path) -> ModelFile:
    """A file as a package names it."""
    data = path.read_bytes()
    return ModelFile(str(path), hashlib.sha256(data).hexdigest(), len(data))


def with_files(package: ModelPackage, **changes: ModelFile) -> ModelPackage:
    """The package with its graph (`graph=`) replaced."""
    return replace(package, files={**package.files, GRAPH: changes["graph"]})
