"""How the tests say that an argument is refused, and that the error helps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from stadion.core.errors import Code, StadionError

__all__ = ["best_seconds", "refused"]


@contextmanager
def refused(*words: str) -> Iterator[None]:
    """An INVALID error must come that names each of the words and what would be right."""
    with pytest.raises(StadionError) as caught:
        yield
    assert caught.value.code is Code.INVALID
    for word in (*words, "expected"):
        assert word in caught.value.message


def best_seconds(work: Callable[[], object], times: int = 9) -> float:
    """Least processor time of several goes."""
    results = []
    for _ in range(times):
        start = time.process_time()
        work()
        results.append(time.process_time() - start)
    return min(results)
