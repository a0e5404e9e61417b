"""The headers of a request in, who calls out: the door of every way into a server.

Keys come by value from a reader that is asked again and again, so that a key which is made or
revoked counts within a moment and nothing has to be restarted.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Mapping, Sequence

from stadion.core.access import Access, ApiKey, key_digest, key_id
from stadion.core.errors import Code, StadionError
from stadion.serve.callers import ANYBODY, Caller, KeyHolder, holder_of
from stadion.serve.guesses import Guesses
from stadion.serve.pool import Overloaded

__all__ = ["Gate", "KeyReader", "Unauthenticated"]

_log = logging.getLogger("stadion.serve")

KeyReader = Callable[[], "Sequence[ApiKey] | None"]
"""All keys, or None when they are the same as at the last call."""

_SCHEME = b"bearer "


class Unauthenticated(StadionError):  # noqa: N818  # it is a StadionError, as its code says
    """Nobody knows who calls: 401 where a protocol tells that apart from 403."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(Code.FORBIDDEN, message, hint)


class Gate:
    """Tells callers by their API keys.

    `generation` changes whenever keys do: what `caller` has answered holds for the same headers
    until then. Safe to use from several threads; `refresh` belongs to one.

    Parameters
    ----------
    read
        Where keys come from; None where nobody can have one.
    is_required
        Whether who sends no key is refused. Where it is not, a key still brings its limits.
    shares
        Workers that share the address, and each quota with it.
    now_s
        Seconds since 1970 UTC, for expiry.
    """

    def __init__(
        self,
        read: KeyReader | None = None,
        *,
        is_required: bool = False,
        shares: int = 1,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.is_required = is_required
        self.generation = 0
        self._read = read
        self._shares = shares
        self._now_s = now_s
        self._guesses = Guesses()
        self._keys: Sequence[ApiKey] = ()
        self._holders: dict[str, KeyHolder] = {}
        self._known: dict[bytes, KeyHolder] = {}
        self._until_s = 0.0
        self._trouble = ""
        self.refresh()

    def caller(
        self,
        headers: Mapping[bytes, bytes],
        access: Access | None = Access.PREDICT,
        model: str = "",
        address: str = "",
    ) -> Caller:
        """Who sends these headers, if that one may do what it asks for.

        Parameters
        ----------
        headers
            Names in lower case; the key stands in X-API-Key or as a Bearer in Authorization.
        access
            What the route asks for; None where it has not declared anything.
        model
            The model that is asked about, where it is known.
        address
            Of the client, so that guessing keys becomes slow.

        Raises
        ------
        StadionError
            `Unauthenticated` for a key that is missing, wrong, revoked or expired; OVERLOADED
            with the pause to make after too many wrong ones; see also `KeyHolder.check`.
        """
        if access is Access.OPEN:
            return ANYBODY
        given = _given(headers)
        if given is None or not (self.is_required or self._keys):
            if self.is_required:
                raise Unauthenticated("an API key is needed", _HINT)
            return ANYBODY
        caller = self._known.get(given) or self._authenticate(given, address)
        caller.check(access, model)
        return caller

    def refresh(self) -> None:
        """Take up what was made, revoked or has expired; keys that cannot be read stay."""
        found: Sequence[ApiKey] | None = None
        try:
            found = self._read() if self._read else None
            self._trouble = ""
        except (StadionError, OSError) as error:
            if str(error) != self._trouble:  # once, not with every look
                _log.error("the API keys cannot be read: %s", error)
                self._trouble = str(error)
        now_s = self._now_s()
        if found is not None:
            self._keys = found
        elif now_s < self._until_s or not self._keys:
            return
        self._take(now_s)

    def _take(self, now_s: float) -> None:
        """Keep the state of those who stay: a quota is not filled up by a change elsewhere."""
        old = self._holders
        holders: dict[str, KeyHolder] = {}
        for key in self._keys:
            if key.is_valid(now_s):
                before = old.get(key.id)
                same = before is not None and before.key == key
                holders[key.id] = before if before and same else holder_of(key, self._shares)
        ends = [h.key.expires_s for h in holders.values() if h.key.expires_s is not None]
        self._until_s = min(ends, default=float("inf"))
        self._holders = holders
        self._known = {
            given: holder
            for given, holder in list(self._known.items())
            if holders.get(holder.key.id) is holder
        }
        self.generation += 1

    def _authenticate(self, given: bytes, address: str) -> KeyHolder:
        """Compare a key that was not seen yet.

        Only wrong keys have to wait. A right one has 256 bits that no guessing finds, while
        many clients may share the address of a proxy with one whose key was revoked.
        """
        known = self._known  # before the holders: what a refresh has dropped is not put back
        text = given.decode("latin-1")
        holder = self._holders.get(key_id(text) or "")
        is_right = hmac.compare_digest(
            key_digest(text), holder.key.digest if holder else _NO_DIGEST
        )
        if holder is None or not is_right:
            raise self._wrong(address)
        if not holder.key.is_valid(self._now_s()):
            raise Unauthenticated("the API key has expired", _HINT)
        known[given] = holder
        return holder

    def _wrong(self, address: str) -> StadionError:
        pause_s = self._guesses.pause_s(address)
        if pause_s:
            return Overloaded("too many wrong API keys came from this address", int(pause_s) + 1)
        self._guesses.note(address)
        return Unauthenticated("the API key is not valid here", _HINT)


def _given(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The key that the headers hold; X-API-Key first, for a proxy may use the other itself."""
    given = headers.get(b"x-api-key")
    if given is not None:
        return given.strip()
    given = headers.get(b"authorization")
    if given is not None and given[:7].lower() == _SCHEME:
        return given[7:].strip()
    return None


_HINT = "send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'; stadion keys create makes one"
_NO_DIGEST = key_digest("")
