"""A package in, a version ready to answer out: opened, proven and measured."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path, PurePath

import numpy as np

from stadion.core.arrays import Array, Arrays
from stadion.core.deployment import Plan
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.core.plugins import Cupboard
from stadion.core.signature import DATATYPES, FRACTIONS, Signature, Tensor
from stadion.serve.plans import choose_plan
from stadion.serve.runtimes.base import Runtime, Session
from stadion.serve.selftest import prove
from stadion.serve.stats import Stats

__all__ = ["Loaded", "load_version", "runtime_of"]


class Loaded:
    """One version of one model in memory.

    `sample` is a row it has been seen to answer. `inline_elements` is how many values a request
    may hold to be run on the event loop: as many as its plan's largest run there. `crowd` is the
    refusal for whoever comes while too much waits already; `waiting_rows` wait for this turn of
    the event loop.
    """

    __slots__ = (
        "__weakref__",
        "_doors",
        "crowd",
        "digest",
        "has_free_axis",
        "inline_elements",
        "inputs",
        "load_ms",
        "outputs",
        "package",
        "plan",
        "sample",
        "session",
        "signature",
        "stats",
        "version",
        "waiting_rows",
    )

    def __init__(
        self, version: int, package: ModelPackage, session: Session, load_ms: float, plan: Plan,
        sample: Arrays,
    ) -> None:  # fmt: skip
        self.version = version
        self.package = package
        self.digest = package.digest
        self.session = session
        self.signature: Signature = package.signature
        self.inputs: dict[str, Tensor] = {t.name: t for t in package.signature.inputs}
        self.outputs: dict[str, Tensor] = {t.name: t for t in package.signature.outputs}
        self.load_ms = load_ms
        self.plan = plan
        self.sample = sample
        self.stats = Stats()
        self.crowd: StadionError | None = None
        self.waiting_rows = 0
        self.has_free_axis = any(None in tensor.shape[1:] for tensor in package.signature.inputs)
        row = sum(array.size for array in sample.values())
        self.inline_elements = row * max(1, plan.max_rows) if plan.mode == "tick" else 0
        self._doors = [_Door(tensor) for tensor in package.signature.inputs]

    def check(self, arrays: Arrays) -> int:
        """`Signature.check_inputs`, in a fifth of its time for what is as it should be.

        Raises
        ------
        StadionError
            INVALID as `Signature.check_inputs` says it, and where a tensor holds no value.
        """
        rows = -1
        if len(arrays) == len(self._doors):
            for door in self._doors:
                array = arrays.get(door.name)
                if array is None or not door.lets(array):
                    break
                if rows not in (-1, array.shape[0]):
                    break
                rows = array.shape[0]
            else:
                if rows > 0:
                    return rows
        found = self.signature.check_inputs(arrays)
        for name, array in arrays.items():
            if not array.size:
                raise StadionError(
                    Code.INVALID,
                    f"tensor {name!r} has shape {list(array.shape)} and so no values; "
                    "expected at least one row",
                )
        return found

    def keep_off_loop(self) -> None:
        """Run on a thread from now on: it has turned out slower than it was measured."""
        self.plan = dataclasses.replace(self.plan, mode="pool", max_rows=1)
        self.inline_elements = 0


class _Door:
    """The quick half of `Tensor.check`: it may turn away what is well, never let in what is not."""

    __slots__ = ("_dtype", "_must_be_there", "_tail", "name")

    def __init__(self, tensor: Tensor) -> None:
        self.name = tensor.name
        self._dtype = DATATYPES[tensor.datatype]
        shape = tensor.shape
        is_plain = len(shape) > 0 and shape[0] is None and None not in shape[1:]
        self._tail = tensor.shape[1:] if is_plain else (None,)  # which no shape is equal to
        self._must_be_there = not tensor.missing and self._dtype.kind in FRACTIONS

    def lets(self, array: Array) -> bool:
        if array.dtype is not self._dtype or array.shape[1:] != self._tail or not array.size:
            return False
        return not (self._must_be_there and np.isnan(array).any())


def load_version(
    version: int, package: ModelPackage, plugins: Path | None = None, plan: Plan | None = None
) -> Loaded:
    """Open a package with the runtime of its kind and prove that it answers.

    Parameters
    ----------
    plan
        How to run it, where that was measured before; None measures it now.

    Raises
    ------
    StadionError
        When its bytes are not the package's, or it cannot run, or answers wrongly.
    """
    started = time.perf_counter()
    session = runtime_of(package, plugins).load(package)
    sample = prove(session)
    load_ms = 1e3 * (time.perf_counter() - started)
    plan = plan or choose_plan(session, sample)
    return Loaded(version, package, session, load_ms, plan, sample)


def runtime_of(package: ModelPackage, plugins: Path | None = None) -> Runtime:
    """The runtime named by the extension of the package's `model.*` file."""
    kinds = [PurePath(n).suffix[1:] for n in package.files if PurePath(n).stem == "model"]
    if len(kinds) != 1:
        raise StadionError(
            Code.INVALID, f"the package holds {sorted(package.files)}; expected one model.* file"
        )
    cupboard: Cupboard[Runtime] = Cupboard("stadion.serve.runtimes", plugins)
    return cupboard.get(kinds[0])
