"""Deployments with their loaded versions in, what answers now out: prepare, switch, remove."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.serve.loading import Loaded
from stadion.serve.traffic import Served

__all__ = ["Table"]


class Table:
    """The models of one worker.

    A switch moves one pointer. A request holds on to the version it began with, so the end of
    the last request on an old version is also what lets go of its memory.
    """

    def __init__(self) -> None:
        self.served: dict[str, Served] = {}
        self.failed: dict[str, str] = {}
        self._prepared: dict[str, Served] = {}
        self._coming: set[str] = set()

    def get(self, model: str) -> Served:
        """What answers for a model.

        Raises
        ------
        StadionError
            NOT_FOUND, NOT_READY while it is being loaded, UNAVAILABLE when that failed.
        """
        found = self.served.get(model)
        if found is not None:
            return found
        if model in self._coming or model in self._prepared:
            raise StadionError(Code.NOT_READY, f"model {model!r} is still being loaded")
        if model in self.failed:
            raise StadionError(Code.UNAVAILABLE, f"model {model!r} could not be loaded")
        raise StadionError(
            Code.NOT_FOUND, f"there is no model {model[:80]!r}", "GET /v2/models lists them"
        )

    def kept(self, model: str, version: int, package: ModelPackage) -> Loaded | None:
        """The version if it is in memory already, so that a new deployment can share it."""
        served = self.served.get(model)
        found = served.versions.get(version) if served else None
        return found if found is not None and found.digest == package.digest else None

    @contextlib.contextmanager
    def loading(self, model: str) -> Iterator[None]:
        """Meanwhile a model that does not answer yet is not ready, rather than unknown."""
        self._coming.add(model)
        try:
            yield
        finally:
            self._coming.discard(model)

    def prepare(self, served: Served) -> None:
        """Keep a deployment ready beside the one that answers."""
        self._prepared[served.deployment.model] = served

    def switch(self, model: str, generation: int) -> None:
        """Let the prepared deployment answer from the next request on.

        Raises
        ------
        StadionError
            NOT_READY when that generation is not prepared, CONFLICT when a later one answers.
        """
        current = self.served.get(model)
        if current is not None and current.deployment.generation >= generation:
            if current.deployment.generation > generation:
                raise StadionError(
                    Code.CONFLICT,
                    f"generation is {generation}; {current.deployment.generation} answers already",
                )
            return
        prepared = self._prepared.get(model)
        if prepared is None or prepared.deployment.generation != generation:
            raise StadionError(Code.NOT_READY, f"generation {generation} is not prepared")
        self.served[model] = self._prepared.pop(model)
        self.failed.pop(model, None)

    def abort(self, model: str, generation: int) -> None:
        """Forget what was prepared; nothing happens when it is not."""
        prepared = self._prepared.get(model)
        if prepared is not None and prepared.deployment.generation == generation:
            del self._prepared[model]

    def remove(self, model: str) -> None:
        """Stop answering for a model; nothing happens when it is not here."""
        self.served.pop(model, None)
        self._prepared.pop(model, None)
        self.failed.pop(model, None)
