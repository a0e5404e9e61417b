"""What workers last said of themselves in, one view of the server out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stadion.serve.config import ServerInfo
from stadion.serve.crew import Slot
from stadion.serve.messages import Placement, VersionState

__all__ = ["status_view"]

_COUNTS = ("answered", "failed", "shadow_ok", "shadow_failed", "shadow_dropped")


def status_view(
    info: ServerInfo, is_open: bool, slots: Sequence[Slot], desired: Mapping[str, Placement]
) -> dict[str, Any]:
    """The server as `PlaneClient.status` tells it.

    Counts are those of the worker processes that run now.
    """
    standing = all(slot.standing.is_set() for slot in slots)
    return {
        "running": True,
        "ready": is_open and standing and not info.failed,
        "predictions": info.url,
        "host": info.host,
        "port": info.port,
        "workers": [_worker(slot) for slot in slots],
        "models": {
            model: {
                "generation": placement.deployment.generation,
                "routes": [dataclasses.asdict(route) for route in placement.deployment.routes],
                "versions": {
                    str(number): _version(_states(slots, model, number))
                    for number in placement.packages
                },
            }
            for model, placement in desired.items()
        },
        "failed": dict(info.failed),
    }


def _worker(slot: Slot) -> dict[str, Any]:
    beat = slot.beat
    return {
        "pid": slot.process.pid if slot.process else None,
        "standing": slot.standing.is_set(),
        "connections": beat.connections if beat else 0,
        "waiting": beat.waiting if beat else 0,
    }


def _states(slots: Iterable[Slot], model: str, number: int) -> list[VersionState]:
    found = []
    for slot in slots:
        here = slot.beat.models.get(model) if slot.beat else None
        if here is not None and number in here.versions:
            found.append(here.versions[number])
    return found


def _version(states: Sequence[VersionState]) -> dict[str, Any]:
    """Counts summed over the workers, times from the slowest."""
    view: dict[str, Any] = {
        name: max((getattr(state, name) for state in states), default=0.0)
        for name in ("load_ms", "run_ms")
    }
    return view | {name: sum(getattr(state, name) for state in states) for name in _COUNTS}
