"""Deployments with their loaded versions in, what answers now out: prepare, switch, sleep, wake."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import Any

from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.serve.loading import Loaded
from stadion.serve.messages import Placement
from stadion.serve.traffic import Served

__all__ = ["Cold", "Table"]

_AGAIN_S = 10.0  # what could not be loaded is not tried for each request anew


class Cold(StadionError):  # noqa: N818  # it is a StadionError, as its code says
    """The model is deployed and not in memory.

    Who can wait awaits `ready` on the event loop, which has it loaded, and asks again; by then
    it may have been put out once more. `ready` raises NOT_READY when loading takes too long or
    too many wait, OVERLOADED when the memory budget cannot hold the model, UNAVAILABLE when it
    cannot be loaded.
    """

    def __init__(self, model: str, want: Callable[[str], Awaitable[None]]) -> None:
        super().__init__(
            Code.NOT_READY, f"model {model!r} is not in memory yet", "try again in a moment"
        )
        self.ready: Awaitable[None] = _Ready(model, want)


class _Ready:
    """Begins to load when it is awaited, not before: nobody may wait."""

    def __init__(self, model: str, want: Callable[[str], Awaitable[None]]) -> None:
        self._model = model
        self._want = want

    def __await__(self) -> Generator[Any, None, None]:
        return self._want(self._model).__await__()


class Table:
    """The models of one worker.

    A switch moves one pointer. A request holds on to the version it began with, so the end of
    the last request on a version that was replaced or put to sleep is also what lets go of its
    memory.

    Attributes
    ----------
    placements
        What is deployed, in memory or not.
    served
        What of it is in memory and answers.
    failed
        Model -> why it cannot answer.
    unloaded
        The models that were told to stay out of memory.
    want
        Has a model brought into memory; set by who keeps the budget.
    listeners
        Called with the name of a model whose versions change or leave: who remembers them for
        the next request must forget them, or their memory would not come back.
    """

    def __init__(self) -> None:
        self.placements: dict[str, Placement] = {}
        self.served: dict[str, Served] = {}
        self.failed: dict[str, str] = {}
        self.unloaded: set[str] = set()
        self.want: Callable[[str], Awaitable[None]] = _nobody
        self.listeners: list[Callable[[str], None]] = []
        self._prepared: dict[str, tuple[Placement, Served]] = {}
        self._coming: set[str] = set()
        self._again_at: dict[str, float] = {}

    def get(self, model: str) -> Served:
        """What answers for a model.

        Raises
        ------
        StadionError
            NOT_FOUND, NOT_READY while its first deployment is being loaded, UNAVAILABLE when
            that failed or it was unloaded; `Cold` when it is deployed and not in memory.
        """
        found = self.served.get(model)
        if found is not None:
            return found
        self._check(model)
        raise Cold(model, self.want)

    def check(self, model: str, version: int | None = None) -> None:
        """Whether a request would be answered, now or once the model is in memory.

        Raises
        ------
        StadionError
            As `get`, without `Cold`; NOT_FOUND also for a version that is not deployed.
        """
        if model not in self.served:
            self._check(model)
        deployed = self.placements[model].packages
        if version is not None and version not in deployed:
            raise StadionError(
                Code.NOT_FOUND,
                f"version {version} of model {model!r} is not deployed; "
                f"deployed: {sorted(deployed)}",
            )

    def names(self) -> list[str]:
        """The models that answer, in memory or not, sorted."""
        return sorted(self.placements.keys() - self.failed.keys() - self.unloaded)

    def kept(self, model: str, version: int, package: ModelPackage) -> Loaded | None:
        """The version if it is in memory already, so that a new deployment can share it."""
        served = self.served.get(model)
        found = served.versions.get(version) if served else None
        return found if found is not None and found.digest == package.digest else None

    # --- deploying

    @contextlib.contextmanager
    def loading(self, model: str) -> Iterator[None]:
        """Meanwhile a model that does not answer yet is not ready, rather than unknown."""
        self._coming.add(model)
        try:
            yield
        finally:
            self._coming.discard(model)

    @property
    def coming(self) -> set[str]:
        """Models of which a deployment is being loaded or waits for its switch."""
        return self._coming | self._prepared.keys()

    def is_coming(self, model: str) -> bool:
        """True while a deployment of it is being loaded or waits for its switch."""
        return model in self._coming or model in self._prepared

    def prepare(self, placement: Placement, served: Served) -> None:
        """Keep a deployment ready beside the one that answers."""
        self._prepared[placement.deployment.model] = placement, served

    def switch(self, model: str, generation: int) -> None:
        """Let the prepared deployment answer from the next request on.

        Raises
        ------
        StadionError
            NOT_READY when that generation is not prepared, CONFLICT when a later one answers.
        """
        current = self.placements.get(model)
        if current is not None and current.deployment.generation >= generation:
            if current.deployment.generation > generation:
                raise StadionError(
                    Code.CONFLICT,
                    f"generation is {generation}; {current.deployment.generation} answers already",
                )
            return
        placement, served = self._prepared.get(model, (None, None))
        if placement is None or served is None or placement.deployment.generation != generation:
            raise StadionError(Code.NOT_READY, f"generation {generation} is not prepared")
        del self._prepared[model]
        self.placements[model] = placement
        self.wake(served)

    def abort(self, model: str, generation: int) -> None:
        """Forget what was prepared; nothing happens when it is not."""
        placement, _ = self._prepared.get(model, (None, None))
        if placement is not None and placement.deployment.generation == generation:
            del self._prepared[model]

    def remove(self, model: str) -> None:
        """Stop answering for a model; nothing happens when it is not here."""
        self._prepared.pop(model, None)
        self.placements.pop(model, None)
        self.sleep(model)
        self._forget(model)

    # --- into memory and out of it

    def place(self, placement: Placement) -> None:
        """Take a deployment as the one that answers; it is not in memory yet."""
        model = placement.deployment.model
        self.placements[model] = placement
        self.sleep(model)
        self._forget(model)

    def wake(self, served: Served) -> None:
        """Its versions are in memory: answer."""
        model = served.deployment.model
        self.served[model] = served
        self._forget(model)
        self._tell(model)

    def sleep(self, model: str) -> Served | None:
        """Let go of a model's versions; it stays deployed."""
        served = self.served.pop(model, None)
        self._tell(model)
        return served

    def unload(self, model: str) -> None:
        """Let go of a model's versions and answer for it no more, until `recall`."""
        self.unloaded.add(model)
        self.sleep(model)

    def recall(self, model: str) -> None:
        """Let an unloaded or failed model be loaded again."""
        self._forget(model)

    def fail(self, model: str, reason: str) -> None:
        """Say that a model could not be loaded; after a while it may be tried again."""
        self.failed[model] = reason
        self._again_at[model] = time.monotonic() + _AGAIN_S

    def set_aside(self, model: str, reason: str) -> None:
        """Answer no more for a model that harms the process."""
        self.remove(model)
        self.failed[model] = reason

    def _tell(self, model: str) -> None:
        for listener in self.listeners:
            listener(model)

    def _forget(self, model: str) -> None:
        self.failed.pop(model, None)
        self.unloaded.discard(model)
        self._again_at.pop(model, None)

    def _check(self, model: str) -> None:
        """Raise for what is neither in memory nor may be brought there."""
        if model in self.unloaded:
            raise StadionError(
                Code.UNAVAILABLE, f"model {model!r} is unloaded", "load it again, or deploy it"
            )
        if model in self.failed and time.monotonic() < self._again_at.get(model, float("inf")):
            raise StadionError(Code.UNAVAILABLE, f"model {model!r} could not be loaded")
        if model in self.placements:
            return
        if self.is_coming(model):
            raise StadionError(Code.NOT_READY, f"model {model!r} is still being loaded")
        raise StadionError(
            Code.NOT_FOUND, f"there is no model {model[:80]!r}", "GET /v2/models lists them"
        )


async def _nobody(model: str) -> None:
    raise StadionError(Code.NOT_READY, f"model {model!r} is not in memory")
