"""Stadion: models as a service for sport.

`import stadion` loads no heavy library; `stadion.connect` opens a home folder or a server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stadion.core.errors import Code, StadionError
from stadion.core.version import __version__

if TYPE_CHECKING:
    from stadion.client import Client
    from stadion.platform import Platform

__all__ = ["Code", "StadionError", "__version__", "connect"]


def connect(where: str, key: str = "") -> Platform | Client:
    """The same verbs on a home folder or on a running server.

    Parameters
    ----------
    where
        A folder, or the `http://host:port` of a server's control port.
    key
        API key for the server, where it asks for one.
    """
    if where.startswith(("http://", "https://")):
        from stadion.client import Client

        return Client(where, key=key)
    from stadion.platform import Platform

    return Platform.open(where)
