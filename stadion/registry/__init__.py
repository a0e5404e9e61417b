"""Packages in, versions out: the system of record."""

from __future__ import annotations

from stadion.registry.aliases import CHAMPION
from stadion.registry.blobs import BlobStore
from stadion.registry.log import LogEntry
from stadion.registry.manifest import Manifest
from stadion.registry.registry import Registry
from stadion.registry.restore import restore
from stadion.registry.verification import Problem, Verification
from stadion.registry.versions import ModelSummary

__all__ = [
    "CHAMPION",
    "BlobStore",
    "LogEntry",
    "Manifest",
    "ModelSummary",
    "Problem",
    "Registry",
    "Verification",
    "restore",
]
