"""The house's values in, what the faces show out: plain dictionaries without paths."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from stadion.core.arrays import FloatArray
from stadion.core.deployment import Deployment
from stadion.core.package import Version
from stadion.tasks.base import Task

if TYPE_CHECKING:
    from stadion.registry import LogEntry, Manifest, ModelSummary

__all__ = [
    "deployment_view",
    "log_view",
    "manifest_view",
    "nulls",
    "plain",
    "summary_view",
    "task_view",
    "version_view",
]


def plain(value: object) -> Any:
    """Dataclasses, dates and mappings as JSON-ready values."""
    return msgspec.to_builtins(value, str_keys=True)


def nulls(values: FloatArray) -> list[float | None]:
    """The numbers, null for those that are none."""
    return [value if math.isfinite(value) else None for value in values.tolist()]


def version_view(version: Version) -> dict[str, Any]:
    """A version with its metrics beside the baselines', signature and lineage."""
    package = version.package
    return {
        "model": version.model,
        "version": version.number,
        "aliases": list(version.aliases),
        "created": version.created.isoformat(),
        "digest": version.digest,
        "task": package.lineage.task,
        "learner": package.lineage.learner,
        "metrics": plain(package.metrics),
        "signature": plain(package.signature),
        "lineage": plain(package.lineage),
        "bytes": sum(file.bytes for file in package.files.values()),
        "card": package.card,
    }


def summary_view(
    summary: ModelSummary, newest: Version, current: Deployment | None
) -> dict[str, Any]:
    """A model in a list: how many versions, the newest one, and the one that answers."""
    return {
        "model": summary.model,
        "versions": summary.versions,
        "newest": summary.newest,
        "deployed": current.primary if current else None,
        "task": newest.package.lineage.task,
        "metrics": plain(newest.package.metrics),
        "created": newest.created.isoformat(timespec="seconds"),
    }


def deployment_view(deployment: Deployment) -> dict[str, Any]:
    """A deployment with the version that answers most."""
    view: dict[str, Any] = plain(deployment)
    return view | {"version": deployment.primary}


def log_view(entry: LogEntry) -> dict[str, Any]:
    """One row of a deployment log; `version` is None where nothing answers since."""
    view: dict[str, Any] = plain(entry)
    return view | {"version": entry.deployment.primary if entry.routes else None}


def manifest_view(manifest: Manifest) -> dict[str, Any]:
    """How much a backup holds."""
    return {
        "created": manifest.created.isoformat(),
        "files": len(manifest.files),
        "bytes": manifest.bytes,
        "extra": list(manifest.extra),
    }


def task_view(task: Task) -> dict[str, Any]:
    """What a task asks and what it can be told."""
    return {
        "task": task.name,
        "question": task.question,
        "channels": list(task.channels),
        "tables": list(task.tables),
        "split": task.split,
        "learners": list(task.learners),
        "metric": task.metric,
        "reference": task.reference,
        "settings": plain(task.Settings()),
    }
