"""An unexpected exception in, words for the log out: where it happened, never with what data."""

from __future__ import annotations

import traceback
from pathlib import PurePath

__all__ = ["whereabouts"]

_FRAMES = 6


def whereabouts(error: BaseException) -> str:
    """Kind and innermost places of an exception, last first.

    Its message is left out: it may hold values of a request, a name or a position.

    Examples
    --------
    >>> try:
    ...     float("home address")
    ... except ValueError as error:
    ...     "home" in whereabouts(error)
    False
    """
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = [f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in reversed(frames)]
    return f"{type(error).__name__} at {' < '.join(places) or 'unknown'}"
