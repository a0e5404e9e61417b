"""JSON or the bytes of a recording to /predict/{model} in, answers that read by themselves out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl

import orjson

from stadion.core.access import Access
from stadion.core.errors import Code, StadionError
from stadion.core.request import Prediction, Request
from stadion.core.version import __version__
from stadion.serve.plain_form import answer_of, asked_of, parse_body, tensors_of
from stadion.serve.protocols._openapi_plain import DESCRIBED
from stadion.serve.protocols.base import (
    LARGE_BODY,
    STATUS,
    Answer,
    Call,
    Reply,
    Route,
    Services,
    after,
    retry_after,
)
from stadion.serve.traffic import Lane

__all__ = ["PLUGIN", "Plain"]

_BLANK = b" \t\r\n"


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A decoded call; `key` is where the answer goes, `rows` are told for recordings only."""

    lane: Lane
    request: Request
    key: str
    rows: int | None = None


class Plain:
    """The form of the articles the project began with, and files as they left the watch."""

    name = "plain"
    summary = "POST /predict/{model} with JSON tensors or the bytes of an activity file"
    described = DESCRIBED

    def routes(self, services: Services) -> Sequence[Route]:
        """See `WireProtocol.routes`."""
        calls = _Calls(services)
        return [
            Route("GET", "/", calls.live, Access.OPEN),
            Route("POST", "/predict/{model}", calls.predict, Access.PREDICT),
        ]

    def failure(self, error: StadionError) -> Reply:
        """The sentence, the code of the house, and what to try next."""
        content = {"error": error.message, "code": error.code.value, "hint": error.hint}
        return Reply(orjson.dumps(content), STATUS[error.code], headers=retry_after(error))


class _Calls:
    """One handler per route."""

    def __init__(self, services: Services) -> None:
        self._plane = services.plane
        self._read_file = services.read_file

    def live(self, _call: Call) -> Reply:
        content = {"name": "stadion", "version": __version__, "status": "alive"}
        return Reply(orjson.dumps(content))

    def predict(self, call: Call) -> Answer:
        model, query = call.params["model"], _query(call)
        version = _version(query.pop("version", None))
        if _is_recording(call):
            return self._predict_recording(call.body, model, version, query)
        if len(call.body) > LARGE_BODY:
            return self._predict_large(call.body, model, version)
        asked = self._decode(call.body, model, version)
        return after(self._plane.run(asked.lane, asked.request), partial(_reply, asked))

    async def _predict_large(self, body: bytes, model: str, version: int | None) -> Reply:
        asked = await self._plane.off_loop(lambda: self._decode(body, model, version))
        return _reply(asked, await self._plane.wait(asked.lane, asked.request))

    async def _predict_recording(
        self, body: bytes, model: str, version: int | None, query: dict[str, str]
    ) -> Reply:
        """The version that will answer also says how the recording becomes its request."""
        name = query.pop("name", "")
        lane = self._plane.lane(model, version, query)
        inputs = await self._plane.off_loop(
            lambda: self._read_file(lane.loaded.package, body, name)
        )
        rows = lane.loaded.signature.check_inputs(inputs)
        asked = _Asked(lane, Request(model, inputs, version, parameters=query), "output", rows)
        return _reply(asked, await self._plane.wait(lane, asked.request))

    def _decode(self, body: bytes, model: str, version: int | None) -> _Asked:
        content = parse_body(body)
        key, raw = asked_of(content)
        lane = self._plane.lane(model, version, content.parameters)
        inputs = tensors_of(bytes(raw), lane.loaded.inputs)
        request = Request(model, inputs, version, parameters=content.parameters)
        return _Asked(lane, request, key)


def _query(call: Call) -> dict[str, str]:
    if not call.query:
        return {}
    try:
        return dict(parse_qsl(call.query, keep_blank_values=True, max_num_fields=16))
    except ValueError:
        raise _invalid("the query has more than 16 fields") from None


def _version(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 10):
        raise _invalid(f"version is {text[:80]!r}; expected a whole number from 1")
    return int(text)


def _is_recording(call: Call) -> bool:
    """JSON begins with a bracket; whatever else is said not to be JSON is a recording."""
    kind = call.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind == b"application/json":
        return False
    start = (call.body[:64].lstrip(_BLANK) or call.body.lstrip(_BLANK))[:1]
    return start not in (b"{", b"[", b"")


def _reply(asked: _Asked, prediction: Prediction) -> Reply:
    labels = asked.lane.loaded.signature.labels
    content = answer_of(prediction, labels, asked.key, asked.rows)
    return Reply(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY))


def _invalid(text: str) -> StadionError:
    return StadionError(Code.INVALID, text)


PLUGIN = Plain()
