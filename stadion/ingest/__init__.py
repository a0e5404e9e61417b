"""Bytes in, activities and tables out: one reader per file, one opener for all."""

from stadion.ingest.opening.claims import Opened
from stadion.ingest.opening.opener import open_bytes, open_each, open_path
from stadion.ingest.opening.unwrap import Refusal

__all__ = ["Opened", "Refusal", "open_bytes", "open_each", "open_path"]
