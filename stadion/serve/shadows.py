"""Answered requests in, what a shadow would have said of them compared and counted out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import numpy as np

from stadion.core.arrays import Array
from stadion.core.request import Prediction, Request
from stadion.serve.loading import Loaded
from stadion.serve.pool import Overloaded, Pool
from stadion.serve.runtimes.base import Halt

__all__ = ["Shadows"]

_TOLERANCE = 1e-4


class Shadows:
    """Runs copies on a pool of its own at low priority; nothing of it reaches a caller.

    A shadow agrees when every label is the same and every number is within a ten-thousandth.
    """

    def __init__(
        self, pool: Pool, run_s: float, observe: Callable[[Request, Prediction, int], None] | None
    ) -> None:
        self._pool = pool
        self._run_s = run_s
        self._observe = observe

    def send(self, model: str, loaded: Loaded, request: Request, answered: Prediction) -> None:
        """Ask a shadow what was answered already; where it falls behind, only some of it."""
        if self._pool.is_full:
            loaded.stats.shadow_dropped += 1
            return
        inputs = {name: array.copy() for name, array in request.inputs.items()}

        def work(halt: Halt) -> tuple[Prediction, bool]:
            started = time.perf_counter_ns()
            loaded.check(inputs)
            outputs = loaded.session.run(inputs, (), halt)
            took = time.perf_counter_ns() - started
            found = Prediction(model, loaded.version, outputs, request.id, took)
            return found, _is_same(answered.outputs, outputs)

        def done(run: asyncio.Future[tuple[Prediction, bool]]) -> None:
            if run.cancelled() or run.exception() is not None:
                loaded.stats.shadow_failed += 1
                return
            prediction, is_same = run.result()
            if is_same:
                loaded.stats.shadow_same += 1
            else:
                loaded.stats.shadow_different += 1
            if self._observe is not None:
                self._observe(request, prediction, 0)

        try:
            self._pool.submit(work, self._run_s).add_done_callback(done)
        except Overloaded:
            loaded.stats.shadow_dropped += 1


def _is_same(answered: Mapping[str, Array], shadowed: Mapping[str, Array]) -> bool:
    return all(
        name in shadowed and _is_close(array, shadowed[name]) for name, array in answered.items()
    )


def _is_close(a: Array, b: Array) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    return bool(np.allclose(a, b, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True))
