"""What is known of one call once it is answered, whichever way it came."""

from __future__ import annotations

import re

import msgspec

__all__ = ["Finished", "clipped", "sane_id"]

_LONGEST = 128
_SANE = re.compile(r"[A-Za-z0-9._:/+=@\-]{1,128}")


class Finished(msgspec.Struct, gc=False):
    """One call and its answer; nothing of its body, its key or its query.

    Attributes
    ----------
    ended_ns
        Nanoseconds since 1970 UTC; the durations are nanoseconds too.
    request_id
        What the caller sent as X-Request-Id, or was given; empty where nobody needs one yet.
    id
        The id inside the request, where its protocol has one.
    path
        Without the query, and empty for a path that is none of ours.
    version
        Which version answered; 0 where none did.
    input_ns, queue_ns, infer_ns
        Reading the request, waiting for the run, and the run; 0 where there was none.
    key
        The name of the caller's API key.
    trace
        `traceparent` and `tracestate` as the caller sent them (W3C Trace Context).
    """

    ended_ns: int
    request_id: str
    id: str
    method: str
    path: str
    model: str
    version: int
    status: int
    bytes_in: int
    bytes_out: int
    input_ns: int
    queue_ns: int
    infer_ns: int
    total_ns: int
    key: str = ""
    trace: tuple[str, str] | None = None


def sane_id(text: str) -> str:
    """A request id that may go into logs and headers as it is; empty for any other.

    Examples
    --------
    >>> sane_id("7f3c-a1"), sane_id("a b"), sane_id("x" * 200)
    ('7f3c-a1', '', '')
    """
    return text if _SANE.fullmatch(text) else ""


def clipped(text: str) -> str:
    """The beginning of a text of any length."""
    return text if len(text) <= _LONGEST else text[:_LONGEST]
