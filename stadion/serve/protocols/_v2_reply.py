"""A prediction in, the reply of the Open Inference Protocol out: JSON, binary or both."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.request import Prediction
from stadion.serve.binary import write_binary_tensor
from stadion.serve.classes import best_classes
from stadion.serve.protocols._v2_request import Asked, Wanted
from stadion.serve.protocols.base import Reply

__all__ = ["encode"]

_BINARY = b"application/octet-stream"


def encode(asked: Asked, prediction: Prediction) -> Reply:
    """Write the outputs in the order and form that were asked for.

    Raises
    ------
    StadionError
        INVALID when an output has no such form: FP16 in JSON, classes of a single number.
    """
    blobs: list[bytes] = []
    outputs = [_output(asked, wanted, prediction, blobs) for wanted in asked.outputs]
    content: dict[str, Any] = {
        "model_name": prediction.model,
        "model_version": str(prediction.version),
        "outputs": outputs,
    }
    if prediction.id:
        content["id"] = prediction.id
    text = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    if not any(wanted.is_binary for wanted in asked.outputs):
        return Reply(text)
    header = b"Inference-Header-Content-Length: %d\r\n" % len(text)
    return Reply(b"".join((text, *blobs)), kind=_BINARY, headers=header)


def _output(
    asked: Asked, wanted: Wanted, prediction: Prediction, blobs: list[bytes]
) -> dict[str, Any]:
    array = prediction.outputs[wanted.name]
    loaded = asked.lane.loaded
    datatype = loaded.outputs[wanted.name].datatype
    if wanted.classes:
        labels = loaded.signature.labels.get(wanted.name, ())
        array = best_classes(array, wanted.classes, labels, wanted.name)
        datatype = "BYTES"
    view: dict[str, Any] = {"name": wanted.name, "datatype": datatype, "shape": array.shape}
    if wanted.is_binary:
        blob = write_binary_tensor(array)
        blobs.append(blob)
        view["parameters"] = {"binary_data_size": len(blob)}
    else:
        view["data"] = _json_data(array, datatype, wanted.name)
    return view


def _json_data(array: Array, datatype: str, name: str) -> Any:
    """Values in row-major order; orjson writes NaN as null and floats in full precision."""
    if array.dtype == object:
        return _texts(array, name)
    if datatype in ("FP16", "BF16"):
        raise StadionError(
            Code.INVALID,
            f"output {name!r} is {datatype}, which has no JSON form; "
            "ask for it with binary_data: true",
        )
    return np.ascontiguousarray(array).reshape(-1)


def _texts(array: Array, name: str) -> list[str]:
    try:
        return [v.decode() if isinstance(v, bytes) else str(v) for v in array.flat]
    except UnicodeDecodeError:
        raise StadionError(
            Code.INVALID,
            f"output {name!r} holds bytes that are not UTF-8; ask for it with binary_data: true",
        ) from None
