"""The platform's verbs about models: asked for, trained, evaluated, registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadion.core.names import checked_name
from stadion.platform.extras import from_extra
from stadion.platform.licences import licence_in
from stadion.platform.orders import AUTO, TrainOrder
from stadion.platform.rooms import Rooms, existing
from stadion.platform.search_order import read_search
from stadion.platform.views import plain, summary_view, task_view, version_view

if TYPE_CHECKING:
    from stadion.registry import ModelSummary

__all__ = ["Models"]

View = dict[str, Any]
Show = Callable[[Any], None] | None


class Models(Rooms):
    """Recordings in, versions of models kept."""

    def tasks(self) -> list[View]:
        """The questions that models can be trained for."""
        return [task_view(task) for task in self._tasks]

    def task(self, name: str) -> View:
        """One question, its channels, settings and reference."""
        return task_view(self._tasks.get(name))

    def train(
        self,
        task: str,
        data: str | Path | None = None,
        *,
        learner: str = AUTO,
        settings: Mapping[str, Any] | None = None,
        name: str = "",
        seed: int = 0,
        folds: int = 5,
        engine: str = "",
        licence: str = "",
        progress: Callable[[Any], None] | None = None,
    ) -> View:
        """Train on `data`, or on the archive, and register the result as a new version.

        It runs here, or with `engine` as a durable job there that this call waits for. `licence`
        of the data is for the model's card; without it, what a LICENSE file in its folder says.
        """
        order = TrainOrder(task, learner, name, settings or {}, seed, folds, licence=licence)
        return self._train(order, data, progress, engine)

    def tune(
        self,
        task: str,
        learner: str = AUTO,
        grid: Mapping[str, Sequence[Any]] | None = None,
        data: str | Path | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
        name: str = "",
        seed: int = 0,
        folds: int = 5,
        search: Mapping[str, Any] | None = None,
        licence: str = "",
        engine: str = "",
        progress: Callable[[Any], None] | None = None,
    ) -> View:
        """Try every combination of the grid, or search as `search_order.Search`; keep the best."""
        wanted = None if grid and search is None else read_search(search or {})
        asked = (task, learner, name, settings or {}, seed, folds, grid or {}, wanted)
        order = TrainOrder(*asked, licence=licence)
        return self._train(order, data, progress, engine)

    def evaluate(self, reference: str, data: str | Path | bytes | None = None) -> View:
        """Scores of a registered model on other recordings, the baselines' beside them."""
        from stadion.platform.evaluating import evaluate

        report = evaluate(self._version(reference), self._recordings(data), self._tasks)
        view: View = plain(report)
        return view

    def import_model(self, file: str | Path, name: str) -> View:
        """Register an outside ONNX file; it is opened in a child process first."""
        checked_name(name, "model name")
        with from_extra("train"):
            from stadion.platform.importing import import_model

            return version_view(import_model(existing(file), name, self._registry))

    def import_bytes(self, data: bytes, name: str) -> View:
        """The same for a file that came over a wire."""
        checked_name(name, "model name")
        with from_extra("train"):
            from stadion.platform.importing import import_bytes

            return version_view(import_bytes(data, name, self._registry))

    def models(self) -> list[View]:
        """Models with their newest version and the one that answers."""
        return [self._summary(summary) for summary in self._registry.models()]

    def model(self, reference: str) -> View:
        """A version with its metrics, signature and lineage; MODEL alone lists all numbers."""
        version = self._version(reference)
        numbers = [v.number for v in self._registry.versions(version.model)]
        return version_view(version) | {"versions": numbers}

    def alias(self, model: str, alias: str, version: int) -> View:
        """Let `model@alias` mean this version from now on."""
        self._registry.set_alias(model, alias, version)
        return version_view(self._registry.version(f"{model}@{alias}"))

    def _train(
        self, order: TrainOrder, data: str | Path | None, progress: Show, engine: str
    ) -> View:
        from stadion.train.base import silent

        if engine:
            job = self.jobs.start(order, engine, Path(data) if data else None)
            return self.jobs.wait(job["job"])
        recordings = self._recordings(data)
        if data is not None and not order.licence:
            order = replace(order, licence=licence_in(Path(data)))
        with from_extra("train"):
            if order.search:
                from stadion.platform.tuning import tune_package as make
            else:
                from stadion.platform.training import train_package as make
            trained = make(
                order, recordings, self._tasks, self._learners, self.home.runs, progress or silent
            )
        version = self._registry.register(order.name or order.task, trained.package)
        trained.clear()
        return version_view(version) | {"tried": trained.tried, "failed": trained.failed}

    def _summary(self, summary: ModelSummary) -> View:
        newest = self._version(f"{summary.model}:{summary.newest}")
        current = self._rollout.current(summary.model)
        return summary_view(summary, newest, current)
