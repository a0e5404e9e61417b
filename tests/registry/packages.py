"""A label in, a small honest package out: its files have the digests that it says."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

from stadion.core.package import GRAPH, Lineage, Metrics, ModelFile, ModelPackage
from stadion.core.signature import Signature, Tensor

__all__ = ["make_package", "tar_bytes"]


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
        files={GRAPH: _model_file(graph), "extra/labels.txt": _model_file(card)},
        card=f"The model {label}.",
    )  # fmt: skip


def tar_bytes(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """What a member of a tar holds; nothing for a link or a folder."""
    data = tar.extractfile(member)
    return data.read() if data else b""


def _model_file(path: Path) -> ModelFile:
    """A file as a package names it."""
    data = path.read_bytes()
    return ModelFile(str(path), hashlib.sha256(data).hexdigest(), len(data))
