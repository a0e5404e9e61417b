"""Bytes in, activities and tables out: one reader per file, one opener for all."""

from stadion.ingest.opening.claims import Doubled, Opened, Refusal
from stadion.ingest.opening.jobs import Job
from stadion.ingest.opening.opener import open_bytes, open_each, open_path, plan
from stadion.ingest.opening.places import Archives

__all__ = [
    "Archives",
    "Doubled",
    "Job",
    "Opened",
    "Refusal",
    "open_bytes",
    "open_each",
    "open_path",
    "plan",
]
