"""Wrong keys by the address they came from in, how long further ones have to wait out."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Guesses"]

_FREE = 5
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_FORGET_S = 600.0
_REMEMBERED = 4096


class Guesses:
    """After a few wrong keys from an address it pauses, twice as long after each further one.

    The addresses seen longest ago are forgotten first, so that memory is bounded. One IPv6
    customer has 2^64 addresses: they count as one.

    Parameters
    ----------
    clock
        Seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, tuple[int, float, float]] = OrderedDict()

    def pause_s(self, address: str) -> float:
        """How long this address should still wait before it sends another guess."""
        if not self._seen:
            return 0.0
        seen = self._seen.get(_network(address))
        return max(0.0, seen[2] - self._clock()) if seen else 0.0

    def note(self, address: str) -> None:
        """A wrong key came from there."""
        network, now = _network(address), self._clock()
        count, last, _ = self._seen.pop(network, (0, now, now))
        count = 1 if now - last > _FORGET_S else count + 1
        pause_s = 0.0
        if count > _FREE:
            pause_s = min(_FIRST_PAUSE_S * 2 ** min(count - _FREE - 1, 16), _LONGEST_PAUSE_S)
        self._seen[network] = (count, now, now + pause_s)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    def __len__(self) -> int:
        return len(self._seen)


def _network(address: str) -> str:
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = found.ipv4_mapped
    return str(mapped) if mapped else found.exploded[:19]
