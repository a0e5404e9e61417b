"""Wishes for API keys in, views of them out; the key itself only in the answer that makes it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stadion.core.access import PREDICT, ApiKey, Quota
from stadion.core.errors import Code, StadionError
from stadion.core.settings import Home
from stadion.trust import KeyBook

__all__ = ["KEYS_TARGET", "Keys"]

KEYS_TARGET = "stadion.trust.keys:key_reader"
"""Where a server learns which keys there are; see `ServeConfig.keys_target`."""

_DAY_S = 86_400.0
_MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Keys:
    """The API keys of one home."""

    home: Home

    def create(
        self,
        name: str,
        scopes: Sequence[str] = (PREDICT,),
        models: Sequence[str] = (),
        expires_days: float | None = None,
        per_second: float | None = None,
        burst: int | None = None,
        at_once: int | None = None,
    ) -> dict[str, Any]:
        """Make a key. The field `key` of the answer is told once: only its digest is kept.

        Parameters
        ----------
        scopes
            'predict' to ask models, 'control' to change the server.
        models
            The only models it may ask; empty for all.
        expires_days
            After how many days it opens nothing any more; None for never.
        per_second, burst
            Requests per second over a longer time, and how many may come at once after a
            pause (as many as in one second, where nothing is said).
        at_once
            Requests that may be under way together.
        """
        if expires_days is not None and not 0 < expires_days <= _MOST_DAYS:
            raise StadionError(
                Code.INVALID,
                f"expires_days is {expires_days:g}; expected more than 0, at most {_MOST_DAYS}",
            )
        expires_s = None if expires_days is None else time.time() + expires_days * _DAY_S
        if burst is None:
            is_rate = per_second is not None and 1 < per_second < math.inf
            burst = math.ceil(per_second or 1) if is_rate else 1
        quota = Quota(per_second, burst, at_once)
        key, text = KeyBook(self.home.trust).create(name, scopes, models, expires_s, quota)
        return {"key": text} | _view(key)

    def list(self) -> list[dict[str, Any]]:
        """Every key ever made, oldest first, without what is secret."""
        return [_view(key) for key in KeyBook(self.home.trust).all()]

    def revoke(self, name: str) -> dict[str, Any]:
        """End a key, by its name or id; a running server refuses it within a second."""
        return _view(KeyBook(self.home.trust).revoke(name))

    def reader(self) -> Callable[[], Sequence[ApiKey] | None]:
        """See `KeyBook.reader`: what a gate asks."""
        return KeyBook(self.home.trust).reader()


def _view(key: ApiKey) -> dict[str, Any]:
    state = "valid"
    if key.revoked_s is not None:
        state = "revoked"
    elif not key.is_valid(time.time()):
        state = "expired"
    return {
        "name": key.name,
        "id": key.id,
        "state": state,
        "scopes": list(key.scopes),
        "models": list(key.models),
        "created": _time(key.created_s),
        "expires": _time(key.expires_s),
        "per_second": key.quota.per_second,
        "burst": key.quota.burst if key.quota.per_second is not None else None,
        "at_once": key.quota.at_once,
    }


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()[:19] + "Z"
