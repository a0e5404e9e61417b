"""Names, scopes and quotas in, API keys out: each shown once, only its digest is kept."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stadion.core.access import CONTROL, PREDICT, SCOPES, ApiKey, Quota, key_digest
from stadion.core.errors import Code, StadionError
from stadion.core.names import checked_name
from stadion.core.settings import Home
from stadion.trust.book import read_keys, read_when_changed, written

__all__ = ["KeyBook", "key_reader"]

_MOST_KEYS = 4096
_MOST_MODELS = 256
_MOST_PER_SECOND = 1e6
_MOST_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class KeyBook:
    """The API keys of one home.

    Parameters
    ----------
    folder
        `<home>/trust`; made with the first key.
    """

    folder: Path

    def create(
        self,
        name: str,
        scopes: Iterable[str] = (PREDICT,),
        models: Iterable[str] = (),
        expires_s: float | None = None,
        quota: Quota | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key; its text is told here and never again.

        Parameters
        ----------
        models
            The only models it may ask; empty for all.
        expires_s
            Seconds since 1970 UTC; None for never.

        Raises
        ------
        StadionError
            INVALID for what cannot be meant, CONFLICT when a valid key has the name.
        """
        now_s = time.time()
        id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        text = f"stadion_{id}_{secret}"
        key = ApiKey(
            id,
            checked_name(name, "name of the key"),
            key_digest(text),
            _scopes(scopes),
            _models(models),
            now_s,
            expires_s,
            None,
            _checked(quota or Quota()),
        )
        if key.models and CONTROL in key.scopes:
            raise _invalid("a list of models goes with the scope 'predict' alone")
        if expires_s is not None and not now_s < expires_s < math.inf:
            raise _invalid(f"the key would expire at {expires_s:g}; expected a time to come")
        with written(self.folder) as keys:
            if any(other.name == key.name and other.is_valid(now_s) for other in keys):
                raise StadionError(
                    Code.CONFLICT,
                    f"there is a key {name!r} already",
                    "choose another name, or revoke that one first",
                )
            _make_room(keys, now_s)
            keys.append(key)
        return key, text

    def all(self) -> list[ApiKey]:
        """Every key ever made, oldest first; revoked ones say when."""
        return read_keys(self.folder)

    def revoke(self, name: str) -> ApiKey:
        """End a key, by its name or its id; running servers hear of it within a moment.

        Raises
        ------
        StadionError
            NOT_FOUND when no key that is not revoked has the name or id.
        """
        with written(self.folder) as keys:
            for at, key in reversed(list(enumerate(keys))):  # an expired one may share the name
                if name in (key.id, key.name) and key.revoked_s is None:
                    keys[at] = replace(key, revoked_s=time.time())
                    return keys[at]
        raise StadionError(
            Code.NOT_FOUND, f"there is no key {name[:80]!r}", "stadion keys list shows them"
        )

    def reader(self) -> Callable[[], Sequence[ApiKey] | None]:
        """A function that returns all keys, or None while they are as at its last call."""
        return read_when_changed(self.folder)


def key_reader(home: Path) -> Callable[[], Sequence[ApiKey] | None]:
    """See `KeyBook.reader`, for the path of a home: what a server is told by name."""
    return KeyBook(Home(home).trust).reader()


def _scopes(given: Iterable[str]) -> tuple[str, ...]:
    scopes = tuple(dict.fromkeys(given))
    if not scopes or not set(scopes) <= set(SCOPES):
        raise _invalid(f"scopes are {list(scopes)}; expected some of {list(SCOPES)}")
    return scopes


def _models(given: Iterable[str]) -> tuple[str, ...]:
    models = tuple(dict.fromkeys(checked_name(model, "model") for model in given))
    if len(models) > _MOST_MODELS:
        raise _invalid(f"the key names {len(models)} models; expected at most {_MOST_MODELS}")
    return models


def _checked(quota: Quota) -> Quota:
    rate, burst, at_once = quota.per_second, quota.burst, quota.at_once
    if rate is not None and not 0 < rate <= _MOST_PER_SECOND:
        raise _invalid(f"requests per second are {rate:g}; expected more than 0, at most 1e6")
    if not 1 <= burst <= _MOST_AT_ONCE:
        raise _invalid(f"burst is {burst}; expected 1 to {_MOST_AT_ONCE}")
    if at_once is not None and not 1 <= at_once <= _MOST_AT_ONCE:
        raise _invalid(f"requests at once are {at_once}; expected 1 to {_MOST_AT_ONCE}")
    return quota


def _make_room(keys: list[ApiKey], now_s: float) -> None:
    """Forget the oldest key that opens nothing any more, when there are very many."""
    if len(keys) < _MOST_KEYS:
        return
    ended = next((key for key in keys if not key.is_valid(now_s)), None)
    if ended is None:
        raise StadionError(
            Code.CONFLICT, f"there are {_MOST_KEYS} valid keys", "revoke those nobody needs"
        )
    keys.remove(ended)


def _invalid(text: str) -> StadionError:
    return StadionError(Code.INVALID, text)
