"""The house's values in, what the faces show out: plain dictionaries without paths."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from stadion.core.activity import Activity, Track
from stadion.core.deployment import Deployment
from stadion.core.package import Version
from stadion.tasks.base import Task

if TYPE_CHECKING:
    from stadion.registry import LogEntry, Manifest, ModelSummary

__all__ = [
    "activity_view",
    "deployment_view",
    "log_view",
    "manifest_view",
    "plain",
    "summary_view",
    "task_view",
    "track_view",
    "version_view",
]


def plain(value: object) -> Any:
    """Dataclasses, dates and mappings as JSON-ready values."""
    return msgspec.to_builtins(value, str_keys=True)


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


def activity_view(activity: Activity) -> dict[str, Any]:
    """A recording without its samples."""
    return {
        "id": activity.id,
        "athlete": activity.athlete,
        "sport": activity.sport,
        "start": activity.start.isoformat() if activity.start else None,
        "zone": activity.zone,
        "duration_s": activity.duration_s,
        "tracks": [
            {"subject": t.subject, "samples": len(t), "channels": list(t.channels)}
            for t in activity.tracks
        ],
        "laps": plain(activity.laps),
        "events": plain(activity.events),
        "source": plain(activity.source),
    }


def track_view(track: Track) -> dict[str, Any]:
    """The samples of one subject, null = missing."""
    return {
        "subject": track.subject,
        "time_s": track.time_s.tolist(),
        "channels": {
            name: [None if math.isnan(value) else value for value in values.tolist()]
            for name, values in track.channels.items()
        },
    }
