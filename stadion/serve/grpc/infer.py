"""ModelInferRequests in, tickets that know how their answer is written out."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from functools import partial

from stadion.serve.grpc.call import Call
from stadion.serve.grpc.cutting import Cut, cut
from stadion.serve.grpc.infer_request import Asked, decode, heading_of
from stadion.serve.grpc.infer_response import encode
from stadion.serve.plane import Plane
from stadion.serve.protocols.base import LARGE_BODY
from stadion.serve.ticket import Ticket

__all__ = ["Infer"]


class Infer:
    """What ModelInfer and each message of ModelStreamInfer do.

    Parameters
    ----------
    run_s
        Time limit of an answer: a client that waits longer than this need not be obeyed.
    """

    def __init__(self, plane: Plane, run_s: float) -> None:
        self._plane = plane
        self._run_s = run_s

    def ask(self, call: Call, body: bytes) -> Ticket | Awaitable[Ticket]:
        """Begin to answer a message; a large one whose reading takes long is read on a thread.

        Raises
        ------
        StadionError
            See `infer_request.decode` and `Plane.run`.
        """
        parts = cut(body)
        left_s = call.deadline_s - time.time()
        timeout_us = max(1, int(1e6 * left_s)) if left_s < self._run_s else 0
        if len(body) > LARGE_BODY and len(parts.head) > LARGE_BODY:
            return self._ask_slowly(call, parts, timeout_us)
        heading = heading_of(parts)
        if len(body) > LARGE_BODY and any(given.datatype == "BYTES" for given in heading.inputs):
            return self._ask_slowly(call, parts, timeout_us)
        return self._run(decode(self._plane, parts, heading, call.caller, timeout_us))

    async def _ask_slowly(self, call: Call, parts: Cut, timeout_us: int) -> Ticket:
        plane, caller = self._plane, call.caller
        return self._run(
            await plane.off_loop(
                lambda: decode(plane, parts, heading_of(parts), caller, timeout_us)
            )
        )

    def _run(self, asked: Asked) -> Ticket:
        ticket = self._plane.run(asked.lane, asked.request)
        ticket.encode = partial(encode, asked)
        return ticket
