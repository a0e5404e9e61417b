"""What an engine is: it runs a command somewhere, durably, and tells how it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

__all__ = ["Engine", "Work"]

State = Literal["running", "done", "failed", "cancelled", "lost"]


@dataclass(frozen=True, slots=True)
class Work:
    """How a piece of work stands.

    `lost` means that it ended without saying how (a kill, a power cut): starting it again
    continues from its last checkpoint. `output` is what it printed, `log` its last log line.
    """

    state: State
    output: str = ""
    log: str = ""


class Engine(Protocol):
    """A plug-in of this room. What it knows of a work lies in the work's folder."""

    name: str

    def start(self, command: Sequence[str], folder: Path) -> None:
        """Run `command` in the background; it goes on when the caller ends.

        Raises
        ------
        StadionError
            CONFLICT when this folder's work is running already.
        """
        ...

    def look(self, folder: Path) -> Work:
        """How the work of that folder stands; NOT_FOUND when none was started there."""
        ...

    def cancel(self, folder: Path, timeout_s: float = 10.0) -> Work:
        """End the work, its children too, and return how it stands then."""
        ...
