"""A FIT file that holds no recording in, what it is in words out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stadion.ingest.fitfile.messages import Messages
from stadion.ingest.fitfile.profile import Message
from stadion.ingest.fitfile.walk import Definition
from stadion.ingest.fitfile.words import FILE_TYPES

__all__ = ["COURSE", "file_type", "what_it_is"]

COURSE = 6
_WORKOUT = 5


def file_type(data: bytes, definitions: Sequence[Definition]) -> int | None:
    """The number by which the file says what it is; None when it does not."""
    types = Messages.of(data, definitions, Message.FILE_ID).values(0)
    return int(types[0]) if len(types) and np.isfinite(types[0]) else None


def what_it_is(data: bytes, definitions: Sequence[Definition]) -> str:
    """Such as "a FIT course 'Lake' of 812 points (12.3 km)"; empty when it is a recording."""
    kind = file_type(data, definitions)
    if kind == COURSE:
        points = Messages.of(data, definitions, Message.RECORD)
        far = np.nanmax(points.values(5), initial=0) / 100_000
        length = f" ({far:.1f} km)" if far else ""
        name = _named(Messages.of(data, definitions, Message.COURSE), 5)
        return f"a FIT course{name} of {len(points)} points{length}"
    if kind == _WORKOUT:
        plan = Messages.of(data, definitions, Message.WORKOUT)
        steps = plan.values(6)
        count = f" of {int(steps[0])} steps" if len(steps) and np.isfinite(steps[0]) else ""
        return f"a FIT workout plan{_named(plan, 8)}{count}"
    return f"a FIT file of type '{FILE_TYPES[kind]}'" if kind in FILE_TYPES else ""


def _named(messages: Messages, number: int) -> str:
    name = next(iter(messages.texts(number).values()), "")
    return f" '{name}'" if name else ""
