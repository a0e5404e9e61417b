"""The name of a model in, the error out that says it is not here.

Word for word the same for a model that does not exist and for one that a caller may not see.
"""

from __future__ import annotations

from stadion.core.errors import Code, StadionError

__all__ = ["unknown_model"]


def unknown_model(model: str) -> StadionError:
    """NOT_FOUND for a model."""
    return StadionError(
        Code.NOT_FOUND, f"there is no model {model[:80]!r}", "GET /v2/models lists them"
    )
