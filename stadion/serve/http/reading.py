"""What a connection can take in; whether its transport is read out."""

from __future__ import annotations

import asyncio

__all__ = ["Reading"]


class Reading:
    """Reads no further while enough waits to be answered, and not while the connection rests."""

    __slots__ = ("_is_wanted", "_loop", "_timer", "_transport", "is_on")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.is_on = True
        self._loop = loop
        self._is_wanted = True
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def begin(self, transport: asyncio.Transport) -> None:
        """The connection stands; a transport begins with reading."""
        self._transport = transport

    def want(self, is_wanted: bool) -> None:
        """Whether there is room for more."""
        self._is_wanted = is_wanted
        self._apply()

    def rest(self, seconds: float) -> None:
        """Listen to nothing for a while."""
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._wake)
            self._apply()

    def end(self) -> None:
        """The connection is lost."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def _wake(self) -> None:
        self._timer = None
        self._apply()

    def _apply(self) -> None:
        is_on = self._is_wanted and self._timer is None
        if is_on is self.is_on or self._transport is None or self._transport.is_closing():
            return
        self.is_on = is_on
        if is_on:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()
