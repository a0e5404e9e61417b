"""A version and a request in, the answer a server would give out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage, Version
from stadion.core.request import Prediction
from stadion.platform.reading import advice_on, read_file
from stadion.platform.views import plain
from stadion.serve.loading import runtime_of
from stadion.serve.plain_form import answer_of, asked_of, parse_body, tensors_of

__all__ = ["predict", "recommend"]


def predict(version: Version, request: bytes | str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """Load the version here and ask it, in the plain form of the server's `/predict`.

    Raises
    ------
    StadionError
        INVALID, naming the tensor, what was expected and what was received; NOT_FOUND for a path
        that leads nowhere.
    """
    body, name = _body(request)
    inputs, key, is_recording = _inputs(body, name, version.package)
    rows = version.package.signature.check_inputs(inputs)
    session = runtime_of(version.package).load(version.package)
    prediction = Prediction(version.model, version.number, session.run(inputs))
    labels = version.package.signature.labels
    content = answer_of(prediction, labels, key, rows if is_recording else None)
    view: dict[str, Any] = orjson.loads(
        orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    )  # the same text a server sends
    return view


def recommend(version: Version, request: bytes | str | Path) -> list[dict[str, Any]]:
    """Load the version here and let its task say what to do after the recording's end.

    Raises
    ------
    StadionError
        UNSUPPORTED when the task gives no advice, INVALID for bytes it cannot use.
    """
    body, name = _body(request)
    session = runtime_of(version.package).load(version.package)
    advice = advice_on(version.package, body, name, session.run)
    views: list[dict[str, Any]] = orjson.loads(orjson.dumps(plain(advice)))
    return views  # the same that a server sends


def _inputs(body: bytes, name: str, package: ModelPackage) -> tuple[dict[str, Array], str, bool]:
    """Tensors, the answer's key, and whether they came from a recording."""
    if body.lstrip()[:1] not in (b"{", b"["):
        return read_file(package, body, name), "output", True
    key, raw = asked_of(parse_body(body))
    tensors = {tensor.name: tensor for tensor in package.signature.inputs}
    return tensors_of(bytes(raw), tensors), key, False


def _body(request: bytes | str | Path | Mapping[str, Any]) -> tuple[bytes, str]:
    if isinstance(request, bytes):
        return request, ""
    if isinstance(request, Mapping):
        return orjson.dumps(request, option=orjson.OPT_SERIALIZE_NUMPY), ""
    path = Path(request)
    try:
        return path.read_bytes(), path.name
    except OSError as error:
        raise StadionError(Code.NOT_FOUND, f"cannot read {path.name!r}: {error.strerror}") from None
