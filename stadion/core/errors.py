"""One error type for every room: a stable code, a human sentence and what to do about it."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Code", "StadionError"]


class Code(StrEnum):
    """The closed list of ways a call can fail; each protocol maps every one to a status."""

    NOT_FOUND = "NOT_FOUND"
    INVALID = "INVALID"
    CONFLICT = "CONFLICT"
    NOT_READY = "NOT_READY"
    OVERLOADED = "OVERLOADED"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    UNSUPPORTED = "UNSUPPORTED"
    FORBIDDEN = "FORBIDDEN"
    INTERNAL = "INTERNAL"


class StadionError(Exception):
    """What went wrong, said to the person who can mend it.

    Parameters
    ----------
    code
        One of `Code`: decides the status a protocol answers with.
    message
        Names the field, the value received and what was expected.
    hint
        The next thing to try; empty where the message says it all.

    Examples
    --------
    >>> error = StadionError(Code.NOT_FOUND, "there is no model 'sprint'", "list the models")
    >>> str(error)
    "NOT_FOUND: there is no model 'sprint' (list the models)"
    """

    def __init__(self, code: Code, message: str, hint: str = "") -> None:
        super().__init__(code, message, hint)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        tail = f" ({self.hint})" if self.hint else ""
        return f"{self.code}: {self.message}{tail}"
