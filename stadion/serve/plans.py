"""A session and one row for it in, how its requests best become runs out: measured, not guessed."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from stadion.core.arrays import Array
from stadion.core.deployment import Plan
from stadion.core.errors import StadionError
from stadion.core.signature import Signature
from stadion.serve.runtimes.base import Session

__all__ = ["choose_plan"]

_TINY_MS = 0.3  # below this a thread costs more than the run
_SMALL_MS = 0.5  # below this a run that gains nothing from company may stay on the loop
_GAIN = 1.15  # rows per second in company over those alone
_TICK_MS = 4.0  # a run on the loop holds everything else up
_BATCH_MS = 50.0  # a run on a thread holds up only its own model
_SIZES = (2, 4, 8, 16, 32, 64, 128, 256)
_NEARLY_BEST = 0.9  # a larger run than the best one costs little and halves what surrounds it
_BUDGET_S = 0.8
_TOLERANCE = 1e-3  # of sums in another order, beside which a mix-up of rows is large
_RUNS = 25
_REPEATS = 5
_QUICK_S = 0.1


def choose_plan(session: Session, row: Mapping[str, Array]) -> Plan:
    """Measure a session that answers `row` alone and in company, and choose how to run it.

    Rows share a run only where that was seen to leave every row's answer as it is alone.
    """
    run_ms = _alone_ms(session, row)
    alone = 1e3 / run_ms
    rates = {1: alone}
    if _may_share(session.signature) and _is_row_by_row(session, row):
        most_ms = _TICK_MS if run_ms <= _TINY_MS else _BATCH_MS
        rates |= _rates(session, row, most_ms)
    best = max(rates.values())
    size = max(n for n, rate in rates.items() if rate >= _NEARLY_BEST * best)
    if run_ms <= _TINY_MS:
        return Plan("tick", size, run_ms, rates[size])
    if size > 1 and best >= _GAIN * alone:
        return Plan("batch", size, run_ms, rates[size])
    return Plan("tick" if run_ms <= _SMALL_MS else "pool", 1, run_ms, alone)


def _may_share(signature: Signature) -> bool:
    tensors = (*signature.inputs, *signature.outputs)
    return all(tensor.shape and tensor.shape[0] is None for tensor in tensors)


def _is_row_by_row(session: Session, row: Mapping[str, Array]) -> bool:
    """True when four unlike rows have the same answers together and alone."""
    rng = np.random.default_rng(0)
    rows = [{name: _varied(array, rng) for name, array in row.items()} for _ in range(4)]
    try:
        together = session.run({n: np.concatenate([r[n] for r in rows]) for n in row})
        alone = [session.run(one) for one in rows]
    except StadionError:
        return False
    return all(
        len(array) == len(rows) and _is_close(array, np.concatenate([one[n] for one in alone]))
        for n, array in together.items()
    )


def _varied(array: Array, rng: np.random.Generator) -> Array:
    """Other values of the same kind; numbers that are no fractions stay as they are."""
    if array.dtype.kind != "f":
        return array
    return (array + rng.uniform(-0.5, 0.5, array.shape)).astype(array.dtype)


def _is_close(a: Array, b: Array) -> bool:
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    wide = a.astype(np.float64), b.astype(np.float64)
    return bool(np.allclose(*wide, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True))


def _alone_ms(session: Session, row: Mapping[str, Array]) -> float:
    """The lower quartile: whatever else the processor does only ever adds to a run's time."""
    times: list[float] = []
    deadline = time.perf_counter() + _QUICK_S
    while len(times) < _RUNS and (not times or time.perf_counter() < deadline):
        times.append(_run_ms(session, row))
    return sorted(times)[len(times) // 4]


def _rates(session: Session, row: Mapping[str, Array], most_ms: float) -> dict[int, float]:
    """Rows per second by size of the run, as far as a run stays below `most_ms`."""
    found: dict[int, float] = {}
    deadline = time.perf_counter() + _BUDGET_S
    for size in _SIZES:
        rows = {name: np.repeat(array, size, axis=0) for name, array in row.items()}
        try:
            took_ms = min(_run_ms(session, rows) for _ in range(_REPEATS))
        except StadionError:
            break
        if took_ms > most_ms:
            break
        found[size] = 1e3 * size / took_ms
        if time.perf_counter() > deadline:
            break
    return found


def _run_ms(session: Session, rows: Mapping[str, Array]) -> float:
    """In processor time: a run keeps to one thread, and the machine may be busy with others."""
    started = time.thread_time()
    session.run(rows)
    return max(1e-4, 1e3 * (time.thread_time() - started))
