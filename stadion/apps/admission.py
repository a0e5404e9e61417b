"""A call of the control REST in; let through with the right key, or answered with why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stadion.apps.replies import error_reply
from stadion.core.access import Access
from stadion.core.errors import StadionError
from stadion.serve.gate import Gate

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Admission"]

_OPEN = frozenset({"/health"})
_POLICY_VIOLATION = 1008


class Admission:
    """Asks for scope control on every path that is not named as open: also on the next new one.

    Where no key is needed, one that is sent still counts, with its limits.
    """

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, of HTTP or of a web socket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        access = Access.OPEN if scope["path"] in _OPEN else Access.CONTROL
        client = scope.get("client")
        self._gate.refresh()  # keys made a moment ago count; one look at a file
        try:
            caller = self._gate.caller(
                dict(scope["headers"]), access, address=client[0] if client else ""
            )
            refusal = caller.enter()
            if refusal is not None:
                raise refusal
        except StadionError as error:
            await _refuse(error, scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            caller.leave()


async def _refuse(error: StadionError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
    else:
        await error_reply(error)(scope, receive, send)
