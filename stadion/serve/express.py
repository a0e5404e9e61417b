"""Calls whose every byte but the numbers was seen before in, their answers written together out.

A client asks the same question with other numbers: head, names and shapes come in the same bytes
each time. The first such call goes the usual way; what was understood of it is kept as a mould.
Of later ones only the numbers are read, all those of one turn of the event loop at once, run as
one, and written at once. Whatever is unusual goes the usual way, which says what is wrong.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import orjson

from stadion.core.arrays import Array
from stadion.core.errors import Code
from stadion.core.request import Prediction
from stadion.core.signature import DATATYPES
from stadion.serve.faults import whereabouts
from stadion.serve.floats import read_floats
from stadion.serve.http.bodies import WORTH_DEFLATING
from stadion.serve.http.heads import Head
from stadion.serve.loading import Loaded
from stadion.serve.plane import Plane
from stadion.serve.pool import Overloaded
from stadion.serve.protocols._v2_reply import encode
from stadion.serve.protocols._v2_request import Asked, decode
from stadion.serve.protocols._versions import number_of
from stadion.serve.protocols.base import JSON, Call, Reply
from stadion.serve.tick import has_room, turn_crowd
from stadion.serve.traffic import Lane

if TYPE_CHECKING:
    from stadion.serve.http.connection import Connection
    from stadion.serve.http.site import Site

__all__ = ["Express"]

_log = logging.getLogger("stadion.serve")

_BINARY = b"application/octet-stream"
_MOST = 256
_TRIES = 64
_PAUSE_S = 5.0
_TURN_US = 100_000  # a call that has no more time is looked after by the usual way
_LONGEST = 64 << 10
_FLOATS = ("FP32", "FP64")
_SQUARES = 1e76  # the sum of squares of numbers that all fit FP32


class Mould(msgspec.Struct, eq=False):
    """What is the same in all calls of one form, and those of this turn.

    `answer` is a reply's body with a place for the numbers of each output, or its blobs.
    """

    lane: Lane
    asked: Asked
    name: str
    shape: tuple[int, ...]
    count: int
    is_binary: bool
    answer: bytes = b""
    headers: bytes = b""
    callers: list[tuple[Connection, Head, bytes]] = []
    numbers: list[bytes] = []
    since_ns: int = 0
    is_large: bool = False


class Express:
    """The short way of one worker. Used on the event loop only."""

    def __init__(self, site: Site, plane: Plane) -> None:
        self._site = site
        self._plane = plane
        self._known: dict[bytes, dict[tuple[bytes, bytes], Mould]] = {}
        self._tries: dict[bytes, tuple[int, float]] = {}
        self._busy: list[Mould] = []
        self._refusal = b"", Reply(b""), b""
        self._urls: dict[str, set[bytes]] = {}
        plane.table.listeners.append(self._forget)

    def offer(self, connection: Connection, head: Head, body: bytes) -> bool:
        """Take a call over; False leaves it to the usual way.

        Whoever offers is answered by `Connection.express`, or gets the call back by
        `Connection.usual`.
        """
        moulds = self._known.get(head.url)
        if moulds is None:
            moulds = self._begin(head)
        if head.json_length >= 0:
            cut = end = head.json_length
            key, numbers = (body[:cut], b""), body[cut:]
        else:
            cut = body.find(b"[", body.find(b'"data"')) + 1
            end = body.find(b"]", cut)
            key, numbers = (body[:cut], body[end:]), body[cut:end]
        mould = moulds.get(key)
        if mould is None:
            if self._may_learn(head.url):
                self._learn(moulds, key, numbers, head, body)
            return False
        loaded = mould.lane.loaded
        if mould.is_large and b"accept-encoding" in head.headers:
            return False
        if not has_room(loaded):
            self._refuse(connection, head, loaded)
            return True
        loaded.waiting_rows += mould.shape[0]
        if not mould.callers:
            if not self._busy:
                self._site.loop.call_soon(self._turn)
            self._busy.append(mould)
            mould.since_ns = time.perf_counter_ns()
        mould.callers.append((connection, head, body))
        mould.numbers.append(numbers)
        return True

    def _refuse(self, connection: Connection, head: Head, loaded: Loaded) -> None:
        """Say that too much waits, for as little as it takes: there may be many to say it to."""
        site = self._site
        loaded.stats.fail(Code.OVERLOADED)
        site.refuse("overloaded")
        if self._refusal[0] is not site.date and head.found is not None:
            crowd = turn_crowd(loaded) or Overloaded("too many wait already", 1)
            reply = head.found.failure(crowd)
            self._refusal = site.date, reply, site.render(reply)
        if site.witness is not None:
            site.witness.see(head, self._refusal[1], None, time.perf_counter_ns(), "")
        connection.express(self._refusal[2])

    # --- learning a mould

    def _begin(self, head: Head) -> dict[tuple[bytes, bytes], Mould]:
        if len(self._known) >= _MOST:
            self._known.clear()
            self._tries.clear()
            self._urls.clear()
        self._tries[head.url] = _TRIES, self._site.now
        moulds: dict[tuple[bytes, bytes], Mould] = {}
        self._known[head.url] = moulds
        return moulds

    def _may_learn(self, url: bytes) -> bool:
        """False while calls to that address have kept coming in forms of which none was kept."""
        left, since = self._tries[url]
        if not left and self._site.now - since < _PAUSE_S:
            return False
        self._tries[url] = (left or _TRIES) - 1, self._site.now
        return True

    def _learn(
        self,
        moulds: dict[tuple[bytes, bytes], Mould],
        key: tuple[bytes, bytes],
        numbers: bytes,
        head: Head,
        body: bytes,
    ) -> None:
        """Keep the form of a call that can be taken over from the next one on."""
        if len(body) > _LONGEST or head.found is None or head.is_coded:
            return
        call = Call(head.found.params, head.found.query, head.headers, body)
        try:
            asked = decode(self._plane, call, call.params["model"], number_of(call))
        except Exception:  # noqa: BLE001  # the usual way meets it too, and answers it
            return
        mould = _mould_of(asked, is_binary=head.json_length >= 0)
        if mould is None or not self._is_sole(mould):
            return
        if not mould.is_binary and not _is_flat(numbers, mould.count, key):
            return
        if len(moulds) >= _MOST:
            moulds.clear()
        moulds[key] = mould
        self._urls.setdefault(mould.lane.model, set()).add(head.url)
        self._tries[head.url] = _TRIES, self._site.now

    def _forget(self, model: str) -> None:
        """Let go of the versions of a model that changes or leaves: a mould would keep them."""
        for url in self._urls.pop(model, ()):
            self._known.pop(url, None)

    def _is_sole(self, mould: Mould) -> bool:
        """True while every such call is answered by the lane of the mould, and by it alone."""
        lane, request = mould.lane, mould.asked.request
        served = self._plane.table.served.get(lane.model)
        return (
            served is not None
            and served.sole(request.version) is lane
            and lane.loaded.inline_elements > 0
            and not lane.shadows
            and not self._plane.is_observed
        )

    # --- a turn

    def _turn(self) -> None:
        busy, self._busy = self._busy, []
        for mould in busy:
            callers, mould.callers = mould.callers, []
            numbers, mould.numbers = mould.numbers, []
            mould.lane.loaded.waiting_rows = 0
            most = max(1, mould.lane.loaded.plan.max_rows // mould.shape[0])
            for at in range(0, len(callers), most):
                share = callers[at : at + most]
                if self._is_sole(mould):
                    try:
                        self._answer(mould, share, numbers[at : at + most])
                    except Exception as error:  # noqa: BLE001  # or they would wait for ever
                        _log.error("the express way failed: %s", whereabouts(error))
                        for connection, _, _ in share:
                            connection.abort()
                else:
                    self._known.pop(share[0][1].url, None)
                    _give_back(share)

    def _answer(
        self,
        mould: Mould,
        callers: Sequence[tuple[Connection, Head, bytes]],
        numbers: Sequence[bytes],
    ) -> None:
        """Answer calls of one form; halving finds those that are unusual among them."""
        if self._run(mould, callers, numbers):
            return
        if (half := len(callers) // 2) and mould.lane.loaded.inline_elements:
            self._answer(mould, callers[:half], numbers[:half])
            self._answer(mould, callers[half:], numbers[half:])
        else:
            _give_back(callers)

    def _run(
        self,
        mould: Mould,
        callers: Sequence[tuple[Connection, Head, bytes]],
        numbers: Sequence[bytes],
    ) -> bool:
        """Answer calls of one form by one run; False when one of them is unusual."""
        plane, loaded, n = self._plane, mould.lane.loaded, len(callers)
        read_ns = time.perf_counter_ns()
        rows = self._rows(mould, numbers)
        if rows is None:
            return False
        began_ns = time.perf_counter_ns()
        inputs, wanted = {mould.name: rows}, mould.asked.request.outputs
        outputs = plane.run_inline(loaded, inputs, wanted, began_ns)
        if outputs is None:
            return False
        ended_ns = time.perf_counter_ns()
        bodies = self._bodies(mould, outputs, n)
        if bodies is None:
            return False
        mould.is_large = len(bodies[0]) >= WORTH_DEFLATING
        if mould.is_large and any(b"accept-encoding" in c[1].headers for c in callers):
            return False
        start = self._site.start(_BINARY if mould.is_binary else JSON)
        headers, witness = mould.headers, self._site.witness
        for (connection, _, _), body in zip(callers, bodies, strict=True):
            connection.express(b"%b%d\r\n%b\r\n%b" % (start, len(body), headers, body))
        done_ns = time.perf_counter_ns()
        stats = loaded.stats
        stats.ran_together(n, len(rows), began_ns, ended_ns)
        stats.queue.add(read_ns - mould.since_ns, n)
        stats.input.add((began_ns - read_ns) // n, n)
        stats.output.add((done_ns - ended_ns) // n, n)
        stats.total.add(done_ns - mould.since_ns, n)
        if witness is not None:
            witness.see_together(
                [c[1] for c in callers], len(bodies[0]), mould.lane, (began_ns - read_ns) // n,
                read_ns - mould.since_ns, ended_ns - began_ns, done_ns - mould.since_ns,
            )  # fmt: skip
        return True

    def _rows(self, mould: Mould, numbers: Sequence[bytes]) -> Array | None:
        """The numbers of all calls as rows of the model's input."""
        dtype = DATATYPES[mould.asked.lane.loaded.inputs[mould.name].datatype]
        shape = (mould.shape[0] * len(numbers), *mould.shape[1:])
        if mould.is_binary:
            size = mould.count * dtype.itemsize
            if any(len(part) != size for part in numbers):
                return None
            rows = np.frombuffer(b"".join(numbers), dtype).reshape(shape)
            tensor = mould.lane.loaded.inputs[mould.name]
            return None if not tensor.missing and np.isnan(rows).any() else rows
        commas = mould.count - 1
        if any(part.count(b",") != commas for part in numbers):
            return None
        values = read_floats(b"[%b]" % b",".join(numbers))
        if values is None or len(values) != mould.count * len(numbers):
            return None
        if not np.dot(values, values) < _SQUARES:
            return None
        return values.astype(dtype).reshape(shape)

    def _bodies(self, mould: Mould, outputs: dict[str, Array], n: int) -> Sequence[bytes] | None:
        """The body of each call's answer."""
        rows = mould.shape[0]
        wanted = [outputs[output.name] for output in mould.asked.outputs]
        if any(not array.ndim or len(array) != n * rows for array in wanted):
            return None
        if not mould.answer:
            _cast(mould, {name: array[:rows] for name, array in outputs.items()})
        if mould.is_binary:
            blobs = [array.tobytes() for array in wanted]
            sizes = [len(blob) // n for blob in blobs]
            pairs = list(zip(blobs, sizes, strict=True))
            if len(pairs) == 1:
                (blob, size), text = pairs[0], mould.answer
                return [text + blob[at : at + size] for at in range(0, n * size, size)]
            return [
                b"".join((mould.answer, *(blob[i * size : (i + 1) * size] for blob, size in pairs)))
                for i in range(n)
            ]
        texts = [
            orjson.dumps(np.ascontiguousarray(array).reshape(n, -1), option=_NUMPY)[2:-2].split(
                b"],["
            )
            for array in wanted
        ]
        return [mould.answer % row for row in zip(*texts, strict=True)]


def _give_back(callers: Sequence[tuple[Connection, Head, bytes]]) -> None:
    for connection, head, body in callers:
        connection.usual(head, body)


def _mould_of(asked: Asked, *, is_binary: bool) -> Mould | None:
    """The mould of a call, if it is of the plain kind."""
    request, loaded = asked.request, asked.lane.loaded
    timeout_us = request.parameters.get("timeout", 0)
    is_urgent = not isinstance(timeout_us, int) or 0 < timeout_us < _TURN_US
    if len(request.inputs) != 1 or request.id or is_urgent:
        return None
    ((name, array),) = request.inputs.items()
    if loaded.inputs[name].datatype not in _FLOATS or not array.ndim or not array.size:
        return None
    if loaded.plan.max_rows <= 1 or array.size > loaded.inline_elements:
        return None
    try:
        loaded.check(request.inputs)
    except Exception:  # noqa: BLE001  # the usual way meets it too, and answers it
        return None
    for output in asked.outputs:
        known = loaded.outputs.get(output.name)
        if known is None or output.classes or output.is_binary != is_binary:
            return None
        if known.datatype not in _FLOATS:
            return None
    return Mould(asked.lane, asked, name, array.shape, array.size, is_binary)


def _is_flat(numbers: bytes, count: int, key: tuple[bytes, bytes]) -> bool:
    """True when the list that was cut out is the data, all of it and not nested."""
    return (
        b"[" not in numbers
        and numbers.count(b",") == count - 1
        and key[0].count(b'"data"') == 1
        and b'"data"' not in key[1]
        and b"\\" not in key[0] + key[1]
    )


def _cast(mould: Mould, outputs: dict[str, Array]) -> None:
    """Write one answer the usual way, and take the numbers out of it again."""
    loaded = mould.lane.loaded
    marked = {name: np.zeros_like(array) for name, array in outputs.items()}
    reply = encode(mould.asked, Prediction(mould.lane.model, loaded.version, marked))
    if mould.is_binary:
        size = sum(marked[output.name].nbytes for output in mould.asked.outputs)
        mould.answer = reply.body[: len(reply.body) - size]
        mould.headers = reply.headers
        return
    text = reply.body.replace(b"%", b"%%")
    for output in mould.asked.outputs:
        zeros = orjson.dumps(marked[output.name].reshape(-1), option=_NUMPY)
        text = text.replace(b'"data":' + zeros, b'"data":[%b]', 1)
    mould.answer = text


_NUMPY = orjson.OPT_SERIALIZE_NUMPY
