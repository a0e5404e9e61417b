"""A head in, its caller past the gate or the reason why not out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stadion.core.errors import StadionError
from stadion.serve.callers import ANYBODY, Caller
from stadion.serve.http.heads import Head
from stadion.serve.http.router import Found

if TYPE_CHECKING:
    from stadion.serve.http.site import Site

__all__ = ["Entry"]


class Entry:
    """Who is inside on one connection: one caller at a time, from its request to its answer.

    `pace` says how long the connection rests after the last refusal.
    """

    __slots__ = ("_caller", "_site", "pace")

    def __init__(self, site: Site) -> None:
        self._site = site
        self.pace = site.strangers
        self._caller: Caller | None = None

    @property
    def key(self) -> str:
        """The name of the caller's API key; empty for who has none."""
        return self._caller.name if self._caller is not None else ""

    def enter(self, head: Head, found: Found, address: str) -> StadionError | None:
        """Let the caller in, or say why not; who calls is remembered with the head.

        Whoever came in by `enter_again` is inside already, and asks for one request only.
        """
        if self._caller is not None:
            return None
        denial = self.denied(head, found, address)
        if denial is not None or head.caller is None:
            return denial
        refusal = head.caller.enter()
        if refusal is None:
            self._caller = head.caller
        else:
            self._site.refuse("quota")
            self.pace = head.caller.pace or self._site.strangers
        return refusal

    def denied(self, head: Head, found: Found, address: str) -> StadionError | None:
        """Why the caller may not do this at all; None where it may, which the head remembers."""
        gate = self._site.gate
        if head.caller is None or head.generation != gate.generation:
            try:
                model = found.model(head.headers)
                head.caller = gate.caller(head.headers, found.access, model, address)
            except StadionError as error:
                self._site.refuse("denied")
                self.pace = self._site.strangers
                return error
            head.generation = gate.generation
        return None

    def enter_again(self, head: Head) -> bool:
        """The same for a head whose caller is known; False where that has to be asked anew."""
        caller = head.caller
        if caller is None or head.generation != self._site.gate.generation:
            return False
        if caller is ANYBODY:
            return True
        if caller.enter() is not None:
            return False
        self._caller = caller
        return True

    def leave(self) -> None:
        """The request is answered, or nobody waits for its answer."""
        if self._caller is not None:
            self._caller.leave()
            self._caller = None
