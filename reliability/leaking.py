"""An observer that keeps what it sees, in the controls of the soak: memory, files and threads."""

from __future__ import annotations

import itertools
import threading
from typing import Any

from stadion.core.request import Prediction, Request

__all__ = ["keep"]

_EVERY = 2_000
_kept: list[Any] = []
_numbers = itertools.count(1)


def keep(
    _model: str, _version: int, request: Request, _prediction: Prediction, _timings: Any
) -> None:
    """Every request's arrays and 4 KiB beside; now and then a file and a thread."""
    _kept.append((request, bytearray(4096)))
    if next(_numbers) % _EVERY == 0:
        _kept.append(open("/dev/null"))  # noqa: SIM115, PTH123  # never to be closed
        threading.Thread(target=threading.Event().wait, daemon=True).start()
