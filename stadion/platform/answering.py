"""The platform's verbs about answers: deployed, rolled back, asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadion.core.errors import StadionError
from stadion.platform.rooms import Rooms
from stadion.platform.views import deployment_view, log_view

if TYPE_CHECKING:
    from stadion.core.deployment import Deployment
    from stadion.core.package import ModelPackage

__all__ = ["Answering"]

View = dict[str, Any]


class Answering(Rooms):
    """Versions in, answers out."""

    def deploy(
        self,
        reference: str,
        canary: float | None = None,
        shadow: bool = False,
        segment: str = "",
        pinned: bool | None = None,
    ) -> View:
        """Let a version answer: at once, for a share or a segment of the requests, as a shadow.

        MODEL alone is the version its alias `champion` names, else the newest. A pinned model
        stays in memory whatever the budget; None leaves that as it is.
        """
        version = self._version(reference)
        return deployment_view(self._rollout.deploy(version, canary, shadow, segment, pinned))

    def rollback(self, model: str) -> View:
        """Back to what answered before; a second time goes further back."""
        return deployment_view(self._rollout.rollback(model))

    def deployment(self, model: str) -> View:
        """What answers now, and everything that did before."""
        history = [log_view(entry) for entry in self._registry.history(model)]
        return deployment_view(self._registry.deployment(model)) | {"history": history}

    def predict(self, reference: str, request: bytes | str | Path | Mapping[str, Any]) -> View:
        """Ask a model: with tensors as a mapping or JSON, or with a recording's bytes or path.

        MODEL alone asks the version that is deployed, else the newest.
        """
        from stadion.platform.predicting import predict

        return predict(self._answering(reference), request)

    def recommend(self, reference: str, request: bytes | str | Path) -> list[View]:
        """What to do next, the best first, by a model whose task gives advice."""
        from stadion.platform.predicting import recommend

        return recommend(self._answering(reference), request)

    def status(self) -> View:
        """The server that runs on this home, if one does."""
        try:
            return self._rollout.plane.status()
        except StadionError:
            return {"running": False}

    def placements(self) -> list[tuple[Deployment, dict[int, ModelPackage]]]:
        """Every deployment of the log with the packages it needs: what a server begins with."""
        return self._rollout.placements()

    def reconcile(self) -> list[str]:
        """Bring a running server to what the deployment log says; models that changed."""
        return self._rollout.reconcile()
