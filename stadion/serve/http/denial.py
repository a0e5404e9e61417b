"""Why somebody may not call in, the reply that says so out."""

from __future__ import annotations

from collections.abc import Callable

from stadion.core.errors import StadionError
from stadion.serve.gate import Unauthenticated
from stadion.serve.protocols.base import Reply

__all__ = ["denial"]

_CHALLENGE = b"WWW-Authenticate: Bearer\r\n"


def denial(failure: Callable[[StadionError], Reply], error: StadionError) -> Reply:
    """The protocol's own error; 401 with a challenge where it is not known who calls.

    Parameters
    ----------
    failure
        How the protocol writes errors.
    """
    reply = failure(error)
    if isinstance(error, Unauthenticated):
        return Reply(reply.body, 401, reply.kind, reply.headers + _CHALLENGE)
    return reply
