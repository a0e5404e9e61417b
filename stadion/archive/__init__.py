"""Activities and tables kept, found again, joined, edited, exported and erased."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stadion.archive.archive import Archive
    from stadion.archive.history import EDITABLE, Change
    from stadion.archive.intake import Draft, Outcome
    from stadion.archive.loads import DailyLoads
    from stadion.archive.profiles import Fact, Profiles
    from stadion.archive.summary import ActivitySummary
    from stadion.archive.tables import Tables, TableSummary

__all__ = [
    "EDITABLE",
    "ActivitySummary",
    "Archive",
    "Change",
    "DailyLoads",
    "Draft",
    "Fact",
    "Outcome",
    "Profiles",
    "TableSummary",
    "Tables",
]

_PLACES = {
    "Archive": "archive",
    "Change": "history",
    "EDITABLE": "history",
    "Draft": "intake",
    "Outcome": "intake",
    "DailyLoads": "loads",
    "Fact": "profiles",
    "Profiles": "profiles",
    "ActivitySummary": "summary",
    "TableSummary": "tables",
    "Tables": "tables",
}


def __getattr__(name: str) -> Any:
    """Load the database and Parquet libraries only when an archive is asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"stadion.archive.{_PLACES[name]}"), name)
