"""A model as it is kept and served: a graph, its signature and everything that explains it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from stadion.core.dataset import Scalar
from stadion.core.signature import Signature

__all__ = ["GRAPH", "Lineage", "Metrics", "ModelFile", "ModelPackage", "Version"]

GRAPH = "model.onnx"
_ADDED = {
    "selected", "spread", "groups", "intervals", "missing", "search", "energy_j", "energy_how",
    "licence",
}  # fmt: skip
"""Fields that packages of the first layout do not have."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a package: where it lies now, and the digest it must have there."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Metrics:
    """How good the model is, beside the trivial answers to the same question.

    Parameters
    ----------
    protocol
        How it was measured ('3 folds grouped by athlete', 'official test split').
    spread
        Standard deviation of the metric over the folds.
    groups
        'sex=female' -> `rows` and the metric, for each group of people or matches with enough
        rows.
    intervals
        Output -> the `share` its intervals are made for, the `coverage` seen, the mean `width`
        (of classes: the mean number of them in the set), and 'coverage sex=female' per group.
    missing
        '0.3' -> the metric with that share of the input values blanked.
    """

    metric: str
    value: float
    baselines: Mapping[str, float]
    protocol: str
    rows: int
    more: Mapping[str, float] = field(default_factory=dict)
    spread: float = 0.0
    groups: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    intervals: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    missing: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lineage:
    """What made the model: enough to make it again.

    `search` tells how its settings were found (trials, folds, the space); empty = they were given.
    `energy_j` is what the training took, `energy_how` what counted it; 0 = nobody did. `licence`
    of the data; empty = not stated.
    """

    task: str
    task_settings: Mapping[str, Scalar]
    learner: str
    settings: Mapping[str, Scalar]
    seed: int
    data_digest: str
    data_rows: int
    code_version: str
    libraries: Mapping[str, str] = field(default_factory=dict)
    train_s: float = 0.0
    search: Mapping[str, Scalar] = field(default_factory=dict)
    energy_j: float = 0.0
    energy_how: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """model.onnx and all that is said about it; immutable, named by its digest.

    `parent` is the digest of the package this one was made from (a quantised child, a
    fine-tuned successor); None for a first model.
    """

    signature: Signature
    metrics: Metrics | None
    lineage: Lineage
    files: Mapping[str, ModelFile]
    card: str = ""
    parent: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 over the content; where the files lie does not count."""
        content = [
            *map(_as_first_written, (self.signature, self.metrics, self.lineage)),
            sorted((name, f.sha256, f.bytes) for name, f in self.files.items()),
            self.card,
            self.parent,
        ]
        return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def _as_first_written(value: Signature | Metrics | Lineage | None) -> Any:
    """Without what was added since the first layout and says nothing: old digests stay true."""
    if value is None:
        return None
    plain = msgspec.to_builtins(value, order="deterministic")
    return {name: held for name, held in plain.items() if held or name not in _ADDED}


@dataclass(frozen=True, slots=True)
class Version:
    """A package under a model's name. Its number is never used again."""

    model: str
    number: int
    digest: str
    created: datetime
    package: ModelPackage
    aliases: tuple[str, ...] = ()
