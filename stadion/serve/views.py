"""What workers last said of themselves in, one view of the server out."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from stadion.core.deployment import Route
from stadion.serve.config import ServerInfo
from stadion.serve.ledger import ServerCounts
from stadion.serve.messages import Placement
from stadion.serve.slot import Slot
from stadion.serve.stats import Histogram, Stats

__all__ = ["brief_view", "status_view"]

_QUANTILES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
_TIMES = ("queue", "infer", "total")


def status_view(
    info: ServerInfo,
    is_open: bool,
    slots: Sequence[Slot],
    desired: Mapping[str, Placement],
    counts: ServerCounts,
) -> dict[str, Any]:
    """The server as `PlaneClient.status` tells it.

    Counts are of all workers, those that ended included.
    """
    holders = Counter(name for slot in slots for name in _held(slot))
    return brief_view(info, is_open, slots, desired) | {
        "models": {
            model: {
                "generation": placement.deployment.generation,
                "pinned": placement.deployment.pinned,
                "in_memory": holders[model],
                "routes": [dataclasses.asdict(route) for route in placement.deployment.routes],
                "versions": _versions(placement, counts.models.get(model, {})),
            }
            for model, placement in desired.items()
        }
    }


def brief_view(
    info: ServerInfo, is_open: bool, slots: Sequence[Slot], desired: Mapping[str, Placement]
) -> dict[str, Any]:
    """The same without what each version has done: of a model only its generation."""
    standing = all(slot.standing.is_set() for slot in slots)
    return {
        "running": True,
        "ready": is_open and standing and not any(slot.beat and slot.beat.ill for slot in slots),
        "predictions": info.url,
        "host": info.host,
        "port": info.port,
        "workers": [_worker(slot) for slot in slots],
        "models": {
            model: {
                "generation": placement.deployment.generation,
                "pinned": placement.deployment.pinned,
            }
            for model, placement in desired.items()
        },
        "failed": dict(info.failed),
    }


def _worker(slot: Slot) -> dict[str, Any]:
    beat, process = slot.beat, slot.account.process
    return {
        "pid": slot.process.pid if slot.process else None,
        "standing": slot.standing.is_set(),
        "connections": beat.connections if beat else 0,
        "waiting": beat.waiting if beat else 0,
        "resident_bytes": process.rss_bytes if process else 0,
        "restarts": slot.account.restarts,
    }


def _held(slot: Slot) -> set[str]:
    """The models that a worker has in memory, as far as it has told."""
    versions = slot.account.versions.items()
    return {name for (name, _), stats in versions if stats.resident_bytes}


def _versions(placement: Placement, found: Mapping[int, Stats]) -> dict[str, Any]:
    routes = {route.version: route for route in placement.deployment.routes}
    return {
        str(number): _version(routes.get(number), found.get(number) or Stats())
        for number in placement.packages
    }


def _version(route: Route | None, stats: Stats) -> dict[str, Any]:
    """Counts summed over the workers, the time of loading from the slowest."""
    plan = route.plan if route else None
    return {
        "plan": msgspec.to_builtins(plan) if plan else None,
        "load_ms": round(stats.load_ns / 1e6, 3),
        "run_ms": round(plan.run_ms, 4) if plan else 0.0,
        "resident_bytes": stats.resident_bytes,
        "answered": stats.success,
        "failed": sum(stats.failed.values()),
        "shadow_ok": stats.shadow_same + stats.shadow_different,
        "shadow_different": stats.shadow_different,
        "shadow_failed": stats.shadow_failed,
        "shadow_dropped": stats.shadow_dropped,
        "stats": {
            "rows": stats.rows,
            "runs": stats.runs,
            "pending": stats.pending,
            "cancelled": stats.cancelled,
            "failed": dict(stats.failed),
            **{name: _quantiles(getattr(stats, name)) for name in _TIMES},
        },
    }


def _quantiles(times: Histogram) -> dict[str, float]:
    """What half, 95 and 99 of a hundred requests stayed below, in milliseconds."""
    return {name: round(times.quantile_ns(share) / 1e6, 4) for name, share in _QUANTILES.items()}
