"""What travels through the serving plane, and what is said about it afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Scalar

__all__ = ["Feedback", "Prediction", "Report", "Request"]


class Request(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One question to a model. `version` is None for whatever the deployment routes to."""

    model: str
    inputs: Arrays
    version: int | None = None
    id: str = ""
    outputs: tuple[str, ...] = ()
    parameters: Mapping[str, Scalar] = {}


class Prediction(msgspec.Struct, frozen=True, eq=False, gc=False):
    """The answer: outputs by name -> (n, ...), and the version that gave it."""

    model: str
    version: int
    outputs: Mapping[str, Array]
    id: str = ""
    infer_ns: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Feedback:
    """What really happened after a prediction: targets by name -> (n, ...)."""

    model: str
    request_id: str
    targets: Arrays
    observed: datetime
    athlete: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A model measured on data: its metrics and, beside them, each baseline's.

    `by_group` and `intervals` are as in `core.package.Metrics`.
    """

    model: str
    version: int
    data_digest: str
    rows: int
    groups: int
    metrics: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]
    by_group: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    intervals: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
