"""A session in, proof that it answers out: a run on missing values and one on plain values."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.signature import DATATYPES, FRACTIONS, Signature, Tensor
from stadion.serve.runtimes.base import Session

__all__ = ["check_answer", "prove"]

_FREE_SIZES = (1, 16, 128, 1024)  # a convolution needs more than one step
_TOLERATED = "the self-test of the model failed: "


def prove(session: Session) -> dict[str, Array]:
    """Warm the session up and check what it answers; the row of plain values it was asked.

    Plain values must give finite outputs of the signature's datatypes and shapes; a
    row where everything is missing may give NaN but must be answered.

    Raises
    ------
    StadionError
        INVALID, saying which output was wrong.
    """
    signature = session.signature
    plain = _first_that_runs(session)
    _check_outputs(signature, session.run(plain), may_be_nan=False)
    missing = {t.name: _missing(t, plain[t.name]) for t in signature.inputs}
    _check_outputs(signature, session.run(missing), may_be_nan=True)
    return plain


def check_answer(signature: Signature, outputs: dict[str, Array]) -> None:
    """See that the answer to a row of plain values is what the signature says.

    Raises
    ------
    StadionError
        INVALID, saying which output was wrong.
    """
    _check_outputs(signature, outputs, may_be_nan=False)


def _first_that_runs(session: Session) -> dict[str, Array]:
    """Plain rows; where other axes are free, of the first size that the graph takes."""
    error: StadionError | None = None
    for rows in _candidates(session.signature):
        try:
            session.run(rows)
        except StadionError as refused:
            error = refused
        else:
            return rows
    reason = error.message if error else "it has no input"
    raise StadionError(Code.INVALID, f"{_TOLERATED}{reason}")


def _candidates(signature: Signature) -> Iterator[dict[str, Array]]:
    has_free_axis = any(None in tensor.shape[1:] for tensor in signature.inputs)
    for size in _FREE_SIZES if has_free_axis else _FREE_SIZES[:1]:
        yield {tensor.name: _plain(tensor, size) for tensor in signature.inputs}


def _plain(tensor: Tensor, free: int) -> Array:
    """One row of the possible value nearest to zero."""
    shape = [(free if axis else 1) if n is None else n for axis, n in enumerate(tensor.shape)]
    if tensor.datatype == "BYTES":
        return np.full(shape, b"", object)
    low = -math.inf if tensor.low is None else tensor.low
    high = math.inf if tensor.high is None else tensor.high
    return np.full(shape, min(max(0.0, low), high)).astype(DATATYPES[tensor.datatype])


def _missing(tensor: Tensor, plain: Array) -> Array:
    has_nan = tensor.missing and plain.dtype.kind in FRACTIONS
    return np.full_like(plain, np.nan) if has_nan else plain


def _check_outputs(signature: Signature, outputs: dict[str, Array], *, may_be_nan: bool) -> None:
    for tensor in signature.outputs:
        array = outputs[tensor.name]
        try:
            tensor.check(array) if tensor.missing else _as_missing(tensor).check(array)
        except StadionError as error:
            raise StadionError(Code.INVALID, f"{_TOLERATED}output {error.message}") from None
        if array.dtype.kind in FRACTIONS:
            bad = np.isinf(array) if may_be_nan else ~np.isfinite(array)
            if bad.any():
                row = "where all is missing" if may_be_nan else "of plain values"
                raise StadionError(
                    Code.INVALID,
                    f"{_TOLERATED}output {tensor.name!r} is {array[bad].flat[0]} for a row {row}",
                )
        _check_labels(tensor, array, signature.labels.get(tensor.name))


def _as_missing(tensor: Tensor) -> Tensor:
    """The tensor without its rule on NaN: whether an output may be NaN is judged by the row."""
    return Tensor(tensor.name, tensor.datatype, tensor.shape)


def _check_labels(tensor: Tensor, array: Array, labels: tuple[str, ...] | None) -> None:
    if labels is not None and (not array.ndim or array.shape[-1] != len(labels)):
        raise StadionError(
            Code.INVALID,
            f"{_TOLERATED}output {tensor.name!r} has shape {list(array.shape)}; "
            f"expected a last axis of {len(labels)} classes",
        )
