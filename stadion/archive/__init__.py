"""Activities kept, found again and erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stadion.archive.archive import Archive
    from stadion.archive.rows import ActivitySummary

__all__ = ["ActivitySummary", "Archive"]


def __getattr__(name: str) -> Any:
    """Load the database and Parquet libraries only when an archive is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from stadion.archive import archive

    return getattr(archive, name)
