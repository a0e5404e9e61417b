"""Every route of every protocol, as a worker without models has them."""

from __future__ import annotations

from stadion.core.plugins import Cupboard
from stadion.serve.protocols.base import Route, WireProtocol
from stadion.serve.protocols.checks import routes_of

__all__ = ["all_routes"]


def all_routes() -> list[Route]:
    """In the order of the protocols' names."""
    protocols: Cupboard[WireProtocol] = Cupboard("stadion.serve.protocols")
    return [route for protocol in protocols for route in routes_of(protocol)]
