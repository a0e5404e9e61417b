"""A registry in; leftovers of killed processes and blobs that nothing refers to removed."""

from __future__ import annotations

import time

from sqlalchemy.orm import Session

from stadion.registry.faults import storage_faults
from stadion.registry.registration import blobs_of
from stadion.registry.storage import Storage, live_versions

__all__ = ["GRACE_S", "referenced", "sweep"]

GRACE_S = 3600.0
"""A registration that takes longer than this between its first blob and its row starts over."""


def sweep(storage: Storage, grace_s: float) -> int:
    """Remove what nobody touched for `grace_s` seconds and nothing needs; how many things.

    Safe beside writers: blobs go under the write lock, and a registration looks under the same
    lock, before it commits, whether all its blobs are still there.
    """
    with storage_faults("tidy up the registry"):
        removed = storage.blobs.tidy(grace_s)
        before_s = time.time() - grace_s
        old = set(storage.blobs.older_than(before_s))
        if not old:
            return removed
        with storage.database.read("look for blobs that nothing needs") as session:
            needless = old - referenced(session)
        if not needless:  # nearly always: then no writer waits for the sweep
            return removed
        with storage.database.write("remove blobs that nothing needs") as session:
            doomed = needless - referenced(session)
            return removed + sum(storage.blobs.remove_older_than(d, before_s) for d in doomed)


def referenced(session: Session) -> set[str]:
    """Digests of all blobs that a version needs."""
    return {digest for row in session.scalars(live_versions()) for digest in blobs_of(row)}
