"""The control REST's part about API keys: made, listed, revoked under /api/v1/keys."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Path

from stadion.apps.bodies import KeyBody
from stadion.platform import Platform

__all__ = ["add_keys"]

Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9\-_.]{0,63}$")]


def add_keys(app: FastAPI, platform: Platform) -> None:
    """Routes over the keys of the platform's home."""

    @app.post("/api/v1/keys", tags=["keys"], status_code=201)
    def create(body: KeyBody) -> dict[str, Any]:
        """Make a key; the answer's `key` is told this once."""
        return platform.keys.create(**body.model_dump())

    @app.get("/api/v1/keys", tags=["keys"])
    def keys() -> list[dict[str, Any]]:
        """All keys ever made, without what is secret."""
        return platform.keys.list()

    @app.delete("/api/v1/keys/{name}", tags=["keys"])
    def revoke(name: Name) -> dict[str, Any]:
        """End a key, by its name or id."""
        return platform.keys.revoke(name)
