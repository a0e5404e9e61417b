"""Bytes of request bodies in, whether one worker may hold so many at once out."""

from __future__ import annotations

__all__ = ["Budget", "Share"]


class Budget:
    """What a worker holds of request bodies, over all its connections.

    Each body has a limit of its own, and so has the number of connections; their product is far
    more than a machine has.
    """

    __slots__ = ("held", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0


class Share:
    """What one connection holds of it: bodies half received, waiting, or being answered."""

    __slots__ = ("_budget", "bytes")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.bytes = 0

    def admits(self, length: int) -> bool:
        """Whether a body of that length is worth beginning with: asked before its first byte.

        Nothing is set aside: who only announces a body must not keep others out.
        """
        return self._budget.held + length <= self._budget.most

    def hold(self, size: int) -> bool:
        """The connection holds so much now; False when that is more and too much for all."""
        budget, more = self._budget, size - self.bytes
        budget.held += more
        self.bytes = size
        return more <= 0 or budget.held <= budget.most
