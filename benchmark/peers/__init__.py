"""Every server that is measured, by its name."""

from __future__ import annotations

import importlib
import pkgutil

from benchmark.peers.base import Peer

__all__ = ["all_peers"]


def all_peers() -> dict[str, Peer]:
    """One peer per file of this folder, in the order of their names; Stadion comes first."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name != "base")
    names.sort(key=lambda name: name != "stadion")
    return {name: importlib.import_module(f"{__name__}.{name}").PEER for name in names}
