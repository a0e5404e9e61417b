"""Messages of a recording in, what they say of the athlete out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from stadion.core.profile import LIMITS, Profile
from stadion.ingest.fitfile.messages import RELATIVE_BELOW, Messages
from stadion.ingest.fitfile.profile import Message
from stadion.ingest.fitfile.walk import Definition

__all__ = ["FIT_EPOCH", "athlete_of"]

FIT_EPOCH = datetime(1989, 12, 31, tzinfo=UTC)

# Name in the profile -> message, field and scale of it, the surest first.
_SOURCES: dict[str, tuple[tuple[int, int, float], ...]] = {
    "height_m": ((Message.USER_PROFILE, 3, 100),),
    "mass_kg": ((Message.USER_PROFILE, 4, 10),),
    "hr_rest_bpm": ((Message.USER_PROFILE, 8, 1),),
    "hr_max_bpm": (
        (Message.ZONES_TARGET, 1, 1),
        (Message.USER_PROFILE, 11, 1),
        (Message.USER_PROFILE, 9, 1),
        (Message.USER_PROFILE, 10, 1),
    ),
    "hr_threshold_bpm": ((Message.ZONES_TARGET, 2, 1),),
    "ftp_w": ((Message.SESSION, 45, 1), (Message.ZONES_TARGET, 3, 1)),
}


def athlete_of(data: bytes, definitions: Sequence[Definition], zero: float) -> Profile:
    """What the watch was told about its owner; what cannot be true of a person is left out.

    Parameters
    ----------
    zero
        The recording's start on FIT's clock: an age counts from there.
    """
    messages = {
        number: Messages.of(data, definitions, number)
        for number in (Message.USER_PROFILE, Message.ZONES_TARGET, Message.SESSION)
    }
    found: dict[str, Any] = {}
    for name, sources in _SOURCES.items():
        for message, field, scale in sources:
            value = _first(messages[message], field)
            if value is not None and _is_possible(name, value / scale):
                found.setdefault(name, value / scale)
    user = messages[Message.USER_PROFILE]
    gender, born = _first(user, 1), _birth_year(user, zero)
    if gender in (0, 1):
        found["sex"] = "male" if gender else "female"
    if born is not None and _is_possible("birth_year", born):
        found["birth_year"] = born
    return Profile(**found)


def _birth_year(user: Messages, zero: float) -> float | None:
    # FIT does not document field 24. In nine of eleven real files it is the year of the age
    # beside it, and in the two others the age is one that nobody has set for years.
    since_1900, age = _first(user, 24), _first(user, 2)
    if since_1900:
        return 1900 + since_1900
    if not age or zero < RELATIVE_BELOW:
        return None
    now = FIT_EPOCH + timedelta(seconds=zero)
    # Someone of 30 is 30.5 on average; `Profile.age_on` takes half a year off again.
    return round(now.year + now.timetuple().tm_yday / 365.25 - 1.0 - age)


def _first(messages: Messages, number: int) -> float | None:
    values = messages.values(number)
    known = values[np.isfinite(values)]
    return float(known[0]) if len(known) else None


def _is_possible(name: str, value: float) -> bool:
    low, high, _ = LIMITS[name]
    return low <= value <= high
