"""How the server stands in, what the standard health service says of it out."""

from __future__ import annotations

import asyncio
from functools import partial

from google.protobuf.message import DecodeError

from stadion.core.access import Access
from stadion.core.errors import Code, StadionError
from stadion.serve.grpc.call import Call
from stadion.serve.grpc.health_pb2 import (
    HealthCheckRequest,
    HealthCheckResponse,
    HealthListResponse,
)
from stadion.serve.grpc.service import Method
from stadion.serve.grpc.status import Ending, Status, ending_of
from stadion.serve.plane import Plane

__all__ = ["Health"]

_PATH = "/grpc.health.v1.Health/"
_SERVICES = ("", "inference.GRPCInferenceService")
_LOOK_S = 0.25
_DRAINED = Ending(Status.UNAVAILABLE, b"the server is ending; call again")

_Standing = HealthCheckResponse.ServingStatus


class Health:
    """SERVING when predictions are; the services are the server and the protocol itself."""

    def __init__(self, loop: asyncio.AbstractEventLoop, plane: Plane) -> None:
        self._loop = loop
        self._plane = plane

    def methods(self) -> dict[str, Method]:
        """Path -> method."""
        return {
            f"{_PATH}Check": Method(Access.OPEN, self._check),
            f"{_PATH}List": Method(Access.OPEN, self._list),
            f"{_PATH}Watch": Method(Access.OPEN, stream=self._watch),
        }

    def _check(self, _call: Call, body: bytes) -> bytes:
        service = _service(body)
        if service not in _SERVICES:
            raise StadionError(
                Code.NOT_FOUND, f"there is no service {service[:80]!r}; expected {_SERVICES[1]!r}"
            )
        return self._response().SerializeToString()

    def _list(self, _call: Call, _body: bytes) -> bytes:
        response = HealthListResponse()
        for service in _SERVICES:
            response.statuses[service].CopyFrom(self._response())
        return response.SerializeToString()

    def _watch(self, call: Call, body: bytes | None) -> None:
        """Tell how it stands, and again whenever that changes."""
        is_known = _service(body or b"") in _SERVICES
        task = self._loop.create_task(self._tell(call, is_known=is_known))
        call.heard = None
        call.gone = task.cancel
        call.winds_up = partial(_wind_up, call, task)

    async def _tell(self, call: Call, *, is_known: bool) -> None:
        told: bytes | None = None
        try:
            while not call.is_over:
                response = self._response()
                if not is_known:
                    response.status = _Standing.SERVICE_UNKNOWN
                text = response.SerializeToString()
                if text != told and not call.is_sending:
                    told = text
                    call.send(text)
                await asyncio.sleep(_LOOK_S)
        except Exception as error:  # noqa: BLE001  # nobody waits for this task
            call.end(ending_of(error))

    def _response(self) -> HealthCheckResponse:
        is_ready = self._plane.is_ready
        return HealthCheckResponse(status=_Standing.SERVING if is_ready else _Standing.NOT_SERVING)


def _wind_up(call: Call, task: asyncio.Task[None]) -> None:
    """The server ends: the last word is that it does."""
    task.cancel()
    call.end(_DRAINED)


def _service(body: bytes) -> str:
    try:
        return HealthCheckRequest.FromString(body).service
    except DecodeError:
        raise StadionError(Code.INVALID, "the message is no HealthCheckRequest") from None
