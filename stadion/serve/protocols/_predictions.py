"""A prediction in, JSON without datatypes out: in rows or in columns."""

from __future__ import annotations

from typing import Any

import orjson

from stadion.core.errors import Code, StadionError
from stadion.core.request import Prediction
from stadion.serve.answers import jsonable, rows_of
from stadion.serve.protocols.base import Reply

__all__ = ["column_reply", "row_reply"]

_OPAQUE = "_bytes"  # TensorFlow Serving writes the strings of an output named so as base64


def row_reply(prediction: Prediction) -> Reply:
    """{"predictions": rows}: values of the only output, or objects that hold all outputs.

    Raises
    ------
    StadionError
        INVALID when several outputs do not have the same number of rows.
    """
    if len(prediction.outputs) == 1:
        return _reply("predictions", *_values(prediction).values())
    rows = {array.shape[:1] for array in prediction.outputs.values()}
    if len(rows) != 1 or () in rows:
        shapes = {name: list(array.shape) for name, array in prediction.outputs.items()}
        raise StadionError(
            Code.INVALID,
            f"the outputs have shapes {shapes} and so no rows in common",
            "send `inputs` instead of `instances` to get them in columns",
        )
    names = list(prediction.outputs)
    columns = [
        rows_of(array, is_opaque=name.endswith(_OPAQUE))
        for name, array in prediction.outputs.items()
    ]
    return _reply(
        "predictions", [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    )


def column_reply(prediction: Prediction) -> Reply:
    """{"outputs": tensor}, or {"outputs": {name: tensor}} where there are several."""
    values = _values(prediction)
    return _reply("outputs", values if len(values) != 1 else next(iter(values.values())))


def _values(prediction: Prediction) -> dict[str, Any]:
    return {
        name: jsonable(array, is_opaque=name.endswith(_OPAQUE))
        for name, array in prediction.outputs.items()
    }


def _reply(key: str, value: Any) -> Reply:
    return Reply(orjson.dumps({key: value}, option=orjson.OPT_SERIALIZE_NUMPY))
