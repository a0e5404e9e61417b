"""A graph, the model it was made from and real inputs in; proof that both answer alike out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from stadion.core.arrays import Array, Arrays, FloatArray
from stadion.core.errors import Code, StadionError
from stadion.core.model import Model
from stadion.core.signature import Signature, Tensor

__all__ = ["TOLERANCE", "Verified", "open_graph", "verify"]

TOLERANCE = 1e-4
"""Largest |graph - model| / max(1, largest |model|) of any output."""

_ROWS = 64
_HOLES = 0.2  # share of the values that one of the cases leaves out
_TIPPED = 0.01  # share of yes and no that rounding may tip where a threshold decides
_SUM = 1e-3  # how far from 1 probabilities may add up


@dataclass(frozen=True, slots=True)
class Verified:
    """The largest scaled difference found, where, and in how many cases it was looked for."""

    difference: float
    tensor: str
    cases: tuple[str, ...]


def verify(
    model: Model, graph: Path, signature: Signature, samples: Arrays, seed: int = 0
) -> Verified:
    """Ask graph and model the same questions and refuse a difference.

    The questions are the samples as they are, one row alone, and the samples with values missing
    here and there, with whole channels missing, and with nothing measured at all.

    Parameters
    ----------
    samples
        Real inputs as the signature says, (n, ...), n from 1; the first 64 rows are used.
    seed
        Decides what is left out.

    Raises
    ------
    StadionError
        INVALID, naming case, tensor, row and both values, when they differ by more than
        `TOLERANCE`, when an answer is not finite, when probabilities do not add up to 1, or when
        the graph cannot be run.
    """
    if not signature.check_inputs(samples):
        raise StadionError(Code.INVALID, "there are no sample rows; expected at least one")
    session = open_graph(graph)
    worst, worst_tensor, cases = 0.0, "", []
    for case, inputs in _cases(signature, samples, np.random.default_rng(seed)):
        expected = model.predict(inputs)
        received = _run(session, inputs, signature, case)
        for tensor in signature.outputs:
            _check_answer(tensor, received[tensor.name], tensor.name in signature.labels, case)
            difference = _difference(tensor, received[tensor.name], expected[tensor.name], case)
            if difference >= worst:
                worst, worst_tensor = difference, tensor.name
        cases.append(case)
    return Verified(worst, worst_tensor, tuple(cases))


def open_graph(graph: Path | bytes) -> onnxruntime.InferenceSession:
    """The graph ready to run on one thread.

    Raises
    ------
    StadionError
        INVALID with the runtime's reason.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised; nothing else is printed
    source = graph if isinstance(graph, bytes) else str(graph)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  # the runtime raises a dozen types of its own
        raise StadionError(
            Code.INVALID, f"ONNX Runtime cannot load the graph: {str(error)[:500]}"
        ) from None


def _cases(
    signature: Signature, samples: Arrays, chance: np.random.Generator
) -> Iterator[tuple[str, dict[str, Array]]]:
    rows = {name: values[:_ROWS] for name, values in samples.items()}
    yield "the samples as they are", rows
    yield "one row", {name: values[:1] for name, values in rows.items()}
    may_miss = {tensor.name for tensor in signature.inputs if tensor.missing}
    for case, keep in (
        ("values missing here and there", lambda v: chance.random(v.shape) >= _HOLES),
        ("whole channels missing", lambda v: _channels_kept(v, chance)),
        ("nothing measured", lambda v: np.zeros(v.shape, np.bool_)),
    ):
        yield (
            case,
            {
                name: np.where(keep(values), values, values.dtype.type(np.nan))
                if name in may_miss and values.dtype.kind == "f"
                else values
                for name, values in rows.items()
            },
        )


def _channels_kept(values: Array, chance: np.random.Generator) -> Array:
    """Each channel (last axis; the whole row of an array without one) is there or not."""
    lead = (len(values),) + (1,) * (values.ndim - 1)
    shape = lead if values.ndim < 3 else (*lead[:-1], values.shape[-1])
    return np.broadcast_to(chance.random(shape) >= 0.5, values.shape)


def _run(
    session: onnxruntime.InferenceSession, inputs: Arrays, signature: Signature, case: str
) -> dict[str, Array]:
    names = [tensor.name for tensor in signature.outputs]
    try:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))
    except Exception as error:  # noqa: BLE001  # the runtime raises a dozen types of its own
        raise StadionError(Code.INVALID, f"the graph fails on {case}: {str(error)[:500]}") from None


def _check_answer(tensor: Tensor, answer: Array, is_probability: bool, case: str) -> None:
    if answer.dtype.kind == "f" and not np.isfinite(answer).all():
        row = int(np.argwhere(~np.isfinite(answer))[0][0])
        raise StadionError(
            Code.INVALID,
            f"output {tensor.name!r} is {answer[row]!r} in row {row} for {case}; "
            "expected finite numbers",
        )
    try:
        tensor.check(answer)
    except StadionError as error:
        raise StadionError(
            Code.INVALID, f"the graph answers {case} wrongly: {error.message}"
        ) from None
    if not is_probability:
        return
    answer = answer.reshape(-1, answer.shape[-1])
    sums = answer.sum(axis=1)
    row = int(np.argmax(np.abs(sums - 1)))
    if abs(sums[row] - 1) > _SUM or answer.min() < -_SUM:
        raise StadionError(
            Code.INVALID,
            f"probabilities of {tensor.name!r} are {answer[row].tolist()} in row {row} for {case}; "
            "expected numbers from 0 that add up to 1",
        )


def _difference(tensor: Tensor, received: Array, expected: Array, case: str) -> float:
    """Scaled difference of one output; refused when it is above the tolerance."""
    got, wanted = _numbers(received), _numbers(expected)
    if got.shape != wanted.shape:
        raise StadionError(
            Code.INVALID,
            f"output {tensor.name!r} of the graph has shape {list(got.shape)} for {case}; "
            f"the model gives {list(wanted.shape)}",
        )
    if expected.dtype.kind == "b" and (got != wanted).mean() <= _TIPPED:
        return 0.0
    scaled = np.abs(got - wanted) / max(1.0, float(np.abs(wanted).max(initial=0.0)))
    worst = float(scaled.max(initial=0.0))
    if not worst <= TOLERANCE:
        place = np.unravel_index(int(np.argmax(np.where(np.isnan(scaled), np.inf, scaled))),
                                 scaled.shape)  # fmt: skip
        raise StadionError(
            Code.INVALID,
            f"graph and model differ by {worst:.2g} (scaled) in output {tensor.name!r}, "
            f"row {place[0]}, for {case}: graph {got[place]:.7g}, model {wanted[place]:.7g}; "
            f"expected at most {TOLERANCE:g}",
        )
    return worst


def _numbers(values: Array) -> FloatArray:
    numbers: FloatArray = np.asarray(values, dtype=np.float64)
    return numbers
