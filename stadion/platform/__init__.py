"""The hall: one method per step, on a home folder; the only place that joins rooms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadion.core.activity import Recording
from stadion.core.errors import Code, StadionError
from stadion.core.names import checked_name, parse_reference
from stadion.core.plugins import Cupboard
from stadion.core.settings import Home
from stadion.platform.extras import from_extra
from stadion.platform.licences import licence_in
from stadion.platform.orders import AUTO, TrainOrder
from stadion.platform.reading import readers, tasks
from stadion.platform.search_order import read_search
from stadion.platform.views import (
    activity_view,
    deployment_view,
    log_view,
    manifest_view,
    plain,
    summary_view,
    task_view,
    track_view,
    version_view,
)

if TYPE_CHECKING:
    from stadion.archive import Archive, Tables
    from stadion.core.deployment import Deployment
    from stadion.core.package import ModelPackage, Version
    from stadion.platform.deploying import Rollout
    from stadion.platform.jobs import Jobs
    from stadion.platform.keys import Keys
    from stadion.registry import ModelSummary, Registry

__all__ = ["Platform"]

View = dict[str, Any]
Show = Callable[[Any], None] | None


@dataclass(frozen=True)
class Platform:
    """Every verb of Stadion on the things one home folder holds.

    All verbs return plain dictionaries, the same that the control REST answers with.
    """

    home: Home

    @classmethod
    def open(cls, where: str | Path | None = None) -> Platform:
        """The platform of a folder; it is made with the first thing kept in it."""
        return cls(Home.find(where))

    # --- recordings

    def ingest(
        self,
        paths: Iterable[str | Path],
        athlete: str = "",
        progress: Callable[[str], None] | None = None,
    ) -> View:
        """Read files, folders and archives into the archive; nothing is taken twice."""
        from stadion.ingest import open_path
        from stadion.platform.keeping import keep, nothing_yet

        report = nothing_yet()
        for path in paths:
            if progress:
                progress(str(path))
            opened = open_path(_existing(path), self._readers, athlete)
            keep(opened, self._archive, self._kept_tables, report)
        return report

    def ingest_bytes(self, data: bytes, name: str, athlete: str = "") -> View:
        """The same for one file that came over a wire."""
        from stadion.ingest import open_bytes
        from stadion.platform.keeping import keep, nothing_yet

        report = nothing_yet()
        opened = open_bytes(data, name, self._readers, athlete)
        keep(opened, self._archive, self._kept_tables, report)
        return report

    def activities(
        self,
        athlete: str | None = None,
        sport: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> list[View]:
        """Recordings in the archive, by time."""
        found = self._archive.find(
            athlete=athlete, sport=sport, since=since, until=until, limit=limit
        )
        return [plain(summary) for summary in found]

    def activity(self, id: str) -> View:
        """One recording without its samples; a unique beginning of the id is enough."""
        return activity_view(self._archive.get(id))

    def streams(self, id: str, channels: Sequence[str] | None = None) -> list[View]:
        """Samples of one recording: per track time_s and channels, null = missing."""
        archive = self._archive
        tracks = archive.streams(id, channels) if channels else archive.get(id).tracks
        return [track_view(track) for track in tracks]

    def erase(self, id: str) -> View:
        """Remove one recording from the archive, or the table of that whole id."""
        if not self._kept_tables.erase(id):
            self._archive.erase(id)
        return {"erased": id}

    def tables(self) -> list[View]:
        """Tables in the archive: matches, strokes, days, sessions."""
        return [plain(summary) for summary in self._kept_tables.find()]

    # --- questions and models

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

            return version_view(import_model(_existing(file), name, self._registry))

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

    # --- answering

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

    # --- keeping

    def backup(self, file: str | Path) -> View:
        """One file with all versions, the deployment log and the archive."""
        return manifest_view(self._registry.backup(Path(file), {"archive": self.home.archive}))

    def restore(self, file: str | Path) -> View:
        """Make this home what a backup file holds; the home must be empty."""
        from stadion.registry import restore

        extra = {"archive": self.home.archive}
        return manifest_view(restore(_existing(file), self.home.registry, extra=extra))

    @cached_property
    def jobs(self) -> Jobs:
        """Trainings that run in the background."""
        from stadion.platform.jobs import Jobs

        return Jobs(self.home, Cupboard("stadion.engines", self.home.plugins))

    @cached_property
    def keys(self) -> Keys:
        """API keys: who may ask models, who may change the server."""
        from stadion.platform.keys import Keys

        return Keys(self.home)

    # --- the rooms

    @cached_property
    def _readers(self) -> Any:
        return readers(self.home.plugins)

    @cached_property
    def _tasks(self) -> Any:
        return tasks(self.home.plugins)

    @cached_property
    def _learners(self) -> Any:
        return Cupboard("stadion.train", self.home.plugins)

    @cached_property
    def _archive(self) -> Archive:
        from stadion.archive import Archive

        return Archive.open(self.home.archive)

    @cached_property
    def _kept_tables(self) -> Tables:
        from stadion.archive import Tables

        return Tables(self.home.archive / "tables")

    @cached_property
    def _registry(self) -> Registry:
        from stadion.registry import Registry

        return Registry.open(self.home.registry)

    @cached_property
    def _rollout(self) -> Rollout:
        from stadion.platform.deploying import Rollout
        from stadion.serve.plane_client import PlaneClient

        return Rollout(self._registry, PlaneClient(self.home.sockets / "plane.sock"))

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

    def _version(self, reference: str) -> Version:
        return self._registry.version(reference)

    def _answering(self, reference: str) -> Version:
        wanted = parse_reference(reference)
        current = self._rollout.current(wanted.model)
        if wanted.number is None and wanted.alias is None and current is not None:
            return self._version(f"{wanted.model}:{current.primary}")
        return self._version(reference)

    def _summary(self, summary: ModelSummary) -> View:
        newest = self._version(f"{summary.model}:{summary.newest}")
        current = self._rollout.current(summary.model)
        return summary_view(summary, newest, current)

    def _recordings(self, data: str | Path | bytes | None) -> list[Recording]:
        from stadion.ingest import open_bytes, open_path

        if isinstance(data, bytes):
            return open_bytes(data, "", self._readers).recordings
        if data is not None:
            return open_path(_existing(data), self._readers).recordings
        from stadion.platform.keeping import everything_kept

        return everything_kept(self._archive, self._kept_tables)


def _existing(path: str | Path) -> Path:
    found = Path(path).expanduser()
    if not found.exists():
        raise StadionError(Code.NOT_FOUND, f"there is no file or folder {str(path)!r}")
    return found
