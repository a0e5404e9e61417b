"""A home and limits in, a server on it: what `stadion up` has no option for, for the controls.

python -m reliability.program '{"home": ..., "workers": 1, "limits": {...}, "observer": ""}'
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from stadion.platform import Platform
from stadion.serve import Limits, ServeConfig, ServerInfo, run_server

__all__ = ["Orders", "command", "main"]


class Orders(msgspec.Struct):
    """What to serve, and how."""

    home: str
    limits: Limits
    workers: int = 1
    observer: str = ""


def command(home: Path, limits: Mapping[str, Any], observer: str = "") -> list[str]:
    """What `reliability.server.serving` starts in place of `stadion up`."""
    orders = Orders(str(home), Limits(**limits), 1, observer)
    return [sys.executable, "-m", "reliability.program", msgspec.json.encode(orders).decode()]


def main() -> None:
    """Run until SIGTERM."""
    orders = msgspec.json.decode(sys.argv[1], type=Orders)
    place = Platform.open(orders.home)
    config = ServeConfig(
        place.home,
        port=0,
        workers=orders.workers,
        limits=orders.limits,
        observer_target=orders.observer,
    )
    run_server(config, place.placements(), "", _tell)


def _tell(info: ServerInfo) -> None:
    sys.stdout.write(json.dumps({"predictions": info.url}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
