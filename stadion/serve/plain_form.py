"""The plain form of a call in JSON in, tensors out; a prediction in, an answer that reads out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.request import Prediction
from stadion.core.signature import Tensor
from stadion.serve.answers import jsonable
from stadion.serve.nesting import check_nesting
from stadion.serve.tensors import read_json_values
from stadion.serve.values import Parameter

__all__ = ["Body", "answer_of", "asked_of", "parse_body", "tensors_of"]


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """A call in JSON: one of `inputs` and `input_data`."""

    inputs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    input_data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    parameters: dict[str, Parameter] = {}


def parse_body(body: bytes) -> Body:
    """The call in a body; INVALID says what is no JSON or not as expected."""
    check_nesting(body)
    try:
        return _BODY.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(f"the request is not as expected: {str(error)[:200]}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _invalid(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise _invalid("the JSON of the body is nested too deep") from None


def tensors_of(text: bytes, inputs: Mapping[str, Tensor]) -> dict[str, Array]:
    """Inputs by name, or the only input's rows as a bare list."""
    if not text.startswith(b"{"):
        if len(inputs) != 1:
            raise _invalid(f"a bare list needs one input; the model has {list(inputs)}")
        return {name: _read(text, tensor) for name, tensor in inputs.items()}
    found = {}
    for name, raw in _parse_named(text).items():
        tensor = inputs.get(name)
        if tensor is None:
            raise _invalid(f"there is no input tensor {name[:80]!r}; expected {list(inputs)}")
        found[name] = _read(bytes(raw), tensor)
    return found


def asked_of(content: Body) -> tuple[str, msgspec.Raw]:
    """Where the answer goes, and what was given."""
    given = {"output": content.inputs, "prediction": content.input_data}
    found = [(key, raw) for key, raw in given.items() if isinstance(raw, msgspec.Raw)]
    if len(found) != 1:
        raise _invalid("expected one of inputs and input_data in the JSON object")
    return found[0]


def _parse_named(text: bytes) -> dict[str, msgspec.Raw]:
    try:
        return _NAMED.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _invalid(f"the inputs are not JSON: {error}") from None


def _read(text: bytes, tensor: Tensor) -> Array:
    return read_json_values(text, tensor.datatype, tensor.name)


def answer_of(
    prediction: Prediction,
    labels: Mapping[str, Sequence[str]],
    key: str,
    rows: int | None = None,
) -> dict[str, Any]:
    """The answer under `key`, with numpy arrays in it; `rows` is told for recordings only."""
    content: dict[str, Any] = {"model": prediction.model, "version": prediction.version}
    if rows is not None:
        content["rows"] = rows
    content[key] = {
        name: _labelled(array, labels[name]) if name in labels else jsonable(array)
        for name, array in prediction.outputs.items()
    }
    return content


def _labelled(array: Array, labels: Sequence[str]) -> Any:
    """(..., k) probabilities -> a label and its probabilities for each row; no label for NaN."""
    if array.ndim > 1:
        return [_labelled(row, labels) for row in array]
    scores = jsonable(array)
    best = None if np.isnan(scores).any() else labels[int(scores.argmax())]
    return {"label": best, "probabilities": dict(zip(labels, scores, strict=True))}


def _invalid(text: str) -> StadionError:
    return StadionError(Code.INVALID, text)


_BODY = msgspec.json.Decoder(Body)
_NAMED = msgspec.json.Decoder(dict[str, msgspec.Raw])
