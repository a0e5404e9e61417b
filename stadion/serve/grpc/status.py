"""An error in, the status out that a gRPC call ends with, and its trailing metadata."""

from __future__ import annotations

import logging
from enum import IntEnum
from typing import NamedTuple

from stadion.core.errors import Code, StadionError
from stadion.serve.faults import whereabouts
from stadion.serve.gate import Unauthenticated
from stadion.serve.pool import Overloaded

__all__ = ["STATUS", "Ending", "Status", "ending_of", "text_of"]

_log = logging.getLogger("stadion.serve")

_LONGEST_TEXT = 2048  # bytes: details travel in the trailers, and clients bound those


class Status(IntEnum):
    """The statuses that this server ends a call with, by their numbers in gRPC."""

    OK = 0
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    ABORTED = 10
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


STATUS: dict[Code, Status] = {
    Code.NOT_FOUND: Status.NOT_FOUND,
    Code.INVALID: Status.INVALID_ARGUMENT,
    Code.CONFLICT: Status.ABORTED,
    Code.NOT_READY: Status.UNAVAILABLE,
    Code.OVERLOADED: Status.RESOURCE_EXHAUSTED,
    Code.TIMEOUT: Status.DEADLINE_EXCEEDED,
    Code.UNAVAILABLE: Status.UNAVAILABLE,
    Code.UNSUPPORTED: Status.UNIMPLEMENTED,
    Code.FORBIDDEN: Status.PERMISSION_DENIED,
    Code.INTERNAL: Status.INTERNAL,
}


class Ending(NamedTuple):
    """How a call ends."""

    status: Status
    details: bytes = b""
    metadata: tuple[tuple[str, str], ...] = ()


def ending_of(error: Exception) -> Ending:
    """The end of a call that failed; what is no StadionError is logged and told to nobody."""
    if not isinstance(error, StadionError):
        _log.error("a gRPC call failed: %s", whereabouts(error))
        return Ending(Status.INTERNAL, b"internal error")
    status = STATUS[error.code]
    if isinstance(error, Unauthenticated):
        status = Status.UNAUTHENTICATED
    metadata: tuple[tuple[str, str], ...] = ()
    if isinstance(error, Overloaded):
        metadata = (("retry-after", str(error.retry_after_s)),)
    return Ending(status, text_of(error).encode()[:_LONGEST_TEXT], metadata)


def text_of(error: StadionError) -> str:
    """What the client reads: message and hint."""
    return f"{error.message}: {error.hint}" if error.hint else error.message
