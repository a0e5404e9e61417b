"""One request in, the numbers of its answer out; and whether they are the right ones."""

from __future__ import annotations

import http.client
from typing import NamedTuple, cast

import grpc
import numpy as np

from benchmark.wire import Call
from stadion.core.arrays import Array

__all__ = ["Answer", "NotYet", "Wrong", "ask", "check"]

_ANSWER_S = 60.0
_RELATIVE, _ABSOLUTE = 1e-4, 1e-5
"""Batches of other sizes sum in another order; what differs more is another answer."""
_UNLIMITED = [("grpc.max_receive_message_length", -1)]


class NotYet(Exception):  # noqa: N818  # while a server starts, no answer is no error
    """There was no answer, or none with numbers."""


class Wrong(Exception):  # noqa: N818
    """The answer has other numbers than raw ONNX Runtime's."""


class Answer(NamedTuple):
    """An answer's numbers, and how many bytes brought them."""

    numbers: Array
    bytes: int


def ask(call: Call, port: int) -> Answer:
    """The answer to one request.

    Raises
    ------
    NotYet
        Nobody answered, or with an error; says which.
    """
    return _ask_grpc(call, port) if call.is_grpc else _ask_http(call, port)


def check(answer: Answer, wanted: Array) -> Answer:
    """The answer, or `Wrong` unless it has raw ONNX Runtime's numbers."""
    got = answer.numbers
    if got.size != wanted.size or not np.allclose(
        got.ravel(), wanted.ravel(), _RELATIVE, _ABSOLUTE
    ):
        raise Wrong(f"answered {got.ravel()[:4]}; expected {wanted.ravel()[:4]}")
    return answer


def _ask_http(call: Call, port: int) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S)
    try:
        connection.request("POST", call.path, call.body, dict(call.headers))
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotYet(str(error)) from None
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise NotYet(f"{answer.status} {body[:300]!r}")
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(call.read(body, headers), len(body))


def _ask_grpc(call: Call, port: int) -> Answer:
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=_UNLIMITED) as channel:
        method = channel.unary_unary(call.path)  # bytes in, bytes out
        try:
            body = cast(bytes, method(call.body, timeout=_ANSWER_S))
        except grpc.RpcError as error:
            raise NotYet(str(error)) from None
    return Answer(call.read(body, {}), len(body))
