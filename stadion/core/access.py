"""Who may call: the record of an API key, and what a way in asks of its caller."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["CONTROL", "PREDICT", "SCOPES", "Access", "ApiKey", "Quota", "key_digest", "key_id"]

PREDICT = "predict"
CONTROL = "control"
SCOPES = (PREDICT, CONTROL)

_KEY = re.compile(r"stadion_([0-9a-f]{12})_[A-Za-z0-9_\-]{43}")


class Access(StrEnum):
    """What a route or a method of a protocol asks of whoever calls it.

    open: nothing; for those who ask whether the server lives.
    key: any valid key; for what is the same for everybody.
    predict: scope predict, and the model must be one of the key's.
    catalogue: scope predict for all models; for what tells of more than one.
    control: scope control; for what changes the server.
    """

    OPEN = "open"
    KEY = "key"
    PREDICT = "predict"
    CATALOGUE = "catalogue"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Quota:
    """How much one key may ask for.

    Parameters
    ----------
    per_second
        Requests per second over any longer time; None for no limit.
    burst
        Requests that may come at once after a pause.
    at_once
        Requests that may be under way together; None for no limit.
    """

    per_second: float | None = None
    burst: int = 1
    at_once: int | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of an API key: everything but the key itself.

    Parameters
    ----------
    id
        The part of the key that is no secret: finds the record, names the key to people.
    digest
        SHA-256 of the whole key, in hexadecimal. A key has 256 random bits, so that a slow hash
        would add nothing.
    models
        The only models it may ask; empty for all.
    created_s, expires_s, revoked_s
        Seconds since 1970-01-01 UTC; None for never.
    """

    id: str
    name: str
    digest: str
    scopes: tuple[str, ...]
    models: tuple[str, ...] = ()
    created_s: float = 0.0
    expires_s: float | None = None
    revoked_s: float | None = None
    quota: Quota = field(default_factory=Quota)

    def is_valid(self, now_s: float) -> bool:
        """True when it is neither revoked nor expired."""
        return self.revoked_s is None and (self.expires_s is None or now_s < self.expires_s)


def key_id(text: str) -> str | None:
    """The id in the text of a key; None when it is no key of this house.

    Examples
    --------
    >>> key_id("stadion_0123456789ab_" + 43 * "x")
    '0123456789ab'
    >>> key_id("hunter2") is None
    True
    """
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def key_digest(text: str) -> str:
    """What is kept of the text of a key."""
    return hashlib.sha256(text.encode()).hexdigest()
