"""The platform's verbs about API keys, on a running server."""

from __future__ import annotations

from collections.abc import Sequence

from stadion.client.wire import View, Wire, quoted

__all__ = ["Keys"]


class Keys:
    """The same verbs as `stadion.platform.keys.Keys`, with the same answers."""

    def __init__(self, client: Wire) -> None:
        self._client = client

    def create(
        self,
        name: str,
        scopes: Sequence[str] = ("predict",),
        models: Sequence[str] = (),
        expires_days: float | None = None,
        per_second: float | None = None,
        burst: int | None = None,
        at_once: int | None = None,
    ) -> View:
        """Make a key; the answer's `key` is told this once."""
        order = {"name": name, "scopes": list(scopes), "models": list(models)}
        limits = {"per_second": per_second, "burst": burst, "at_once": at_once}
        body = order | limits | {"expires_days": expires_days}
        return self._client._view("POST", "keys", body=body)

    def list(self) -> list[View]:
        """All keys ever made, without what is secret."""
        return list(self._client._call("GET", "keys"))

    def revoke(self, name: str) -> View:
        """End a key, by its name or id."""
        return self._client._view("DELETE", f"keys/{quoted(name)}")
