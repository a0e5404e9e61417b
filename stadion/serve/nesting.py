"""JSON in, a clear no out when it is nested deeper than anybody means."""

from __future__ import annotations

import re

import numpy as np

from stadion.core.errors import Code, StadionError

__all__ = ["MOST_LEVELS", "check_nesting"]

MOST_LEVELS = 100

_HARMLESS_BYTES = 1 << 10
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_STEP = np.zeros(256, np.int8)
_STEP[list(b"[{")] = 1
_STEP[list(b"]}")] = -1


def check_nesting(text: bytes) -> None:
    """Let well-formed JSON pass that has at most `MOST_LEVELS` levels of lists and objects.

    Parsers have a limit of their own, some hundreds of levels further: a text so short that it
    cannot reach that is not looked at. Strings may hold brackets too; they are taken out only
    where those seem to be too many.

    Raises
    ------
    StadionError
        INVALID.
    """
    if len(text) <= _HARMLESS_BYTES:
        return
    if _levels(text) > MOST_LEVELS and _levels(_STRING.sub(b"", text)) > MOST_LEVELS:
        raise StadionError(
            Code.INVALID,
            f"the JSON of the body is nested in more than {MOST_LEVELS} levels; expected at most "
            "that many",
        )


def _levels(text: bytes) -> int:
    brackets = text.translate(None, _ALL_BUT_BRACKETS)
    if len(brackets) <= MOST_LEVELS:
        return 0
    return int(np.cumsum(_STEP[np.frombuffer(brackets, np.uint8)], dtype=np.int32).max())
