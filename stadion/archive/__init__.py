"""Activities and tables kept, found again and erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stadion.archive.archive import Archive
    from stadion.archive.rows import ActivitySummary
    from stadion.archive.tables import Tables, TableSummary

__all__ = ["ActivitySummary", "Archive", "TableSummary", "Tables"]


def __getattr__(name: str) -> Any:
    """Load the database and Parquet libraries only when an archive is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from stadion.archive import archive, tables

    return getattr(tables if "Table" in name else archive, name)
