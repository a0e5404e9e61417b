"""The hall: one method per step, on a home folder; the only place that joins rooms."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadion.core.settings import Home
from stadion.platform.answering import Answering
from stadion.platform.athletes import Athletes
from stadion.platform.models import Models
from stadion.platform.recordings import Recordings
from stadion.platform.rooms import existing
from stadion.platform.views import manifest_view

if TYPE_CHECKING:
    from stadion.platform.keys import Keys

__all__ = ["Platform"]

View = dict[str, Any]


class Platform(Recordings, Athletes, Models, Answering):
    """Every verb of Stadion on the things one home folder holds.

    All verbs return plain dictionaries, the same that the control REST answers with.
    """

    @classmethod
    def open(cls, where: str | Path | None = None) -> Platform:
        """The platform of a folder; it is made with the first thing kept in it."""
        return cls(Home.find(where))

    def backup(self, file: str | Path) -> View:
        """One file with all versions, the deployment log and the archive."""
        return manifest_view(self._registry.backup(Path(file), {"archive": self.home.archive}))

    def restore(self, file: str | Path) -> View:
        """Make this home what a backup file holds; the home must be empty."""
        from stadion.registry import restore

        extra = {"archive": self.home.archive}
        return manifest_view(restore(existing(file), self.home.registry, extra=extra))

    @cached_property
    def keys(self) -> Keys:
        """API keys: who may ask models, who may change the server."""
        from stadion.platform.keys import Keys

        return Keys(self.home)
