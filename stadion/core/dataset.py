"""A training set: arrays in physical units, NaN = missing, and the groups that never part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from stadion.core.arrays import Array, Arrays, FloatArray, digest_of_arrays
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature

__all__ = ["Dataset", "Scalar"]

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Rows that one task made of activities or tables.

    Parameters
    ----------
    task
        Name of the task that asked the question.
    signature
        The tensors a model trained on this set takes and gives.
    inputs
        Name -> (n rows, ...) as the signature says, in physical units, NaN = missing.
    targets
        Output name -> (n,) int64 class index, or (n, ...) float32 quantity.
    groups
        (n,) text: athlete, match or recording. Rows of one group never part in a split.
    settings
        The task's settings as they were resolved; a request is built with the same ones.
    times
        (n,) float64 on one rising clock (seconds since 1970 where there are dates); None where
        the rows have no order in time.
    strata
        Name -> (n,) text, '' = unknown: sex, age group and the like. Errors are told by them.
    """

    task: str
    signature: Signature
    inputs: Arrays
    targets: Arrays
    groups: Array
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    times: FloatArray | None = None
    strata: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = self.signature.check_inputs(self.inputs)
        beside = {**self.targets, **self.strata, "groups": self.groups}
        if self.times is not None:
            beside["times"] = self.times
        for name, values in beside.items():
            if len(values) != n:
                raise StadionError(Code.INVALID, f"{name!r} has {len(values)} rows; expected {n}")

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def digest(self) -> str:
        """SHA-256 of all arrays: equal sets have equal digests."""
        named = {f"input:{k}": v for k, v in self.inputs.items()}
        named |= {f"target:{k}": v for k, v in self.targets.items()}
        named |= {f"stratum:{k}": v.astype("U") for k, v in self.strata.items()}
        if self.times is not None:
            named["times"] = self.times
        return digest_of_arrays(named | {"groups": self.groups.astype("U")})

    def take(self, rows: Array) -> Dataset:
        """The same question over some of the rows: indices or a boolean mask, (k,) or (n,)."""
        return Dataset(
            self.task,
            self.signature,
            {name: values[rows] for name, values in self.inputs.items()},
            {name: values[rows] for name, values in self.targets.items()},
            np.asarray(self.groups)[rows],
            self.settings,
            None if self.times is None else self.times[rows],
            {name: np.asarray(values)[rows] for name, values in self.strata.items()},
        )
