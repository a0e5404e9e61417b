"""The control REST: every verb of the platform under /api/v1, with OpenAPI at /docs."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, HTMLResponse
from starlette.background import BackgroundTask
from starlette.middleware.trustedhost import TrustedHostMiddleware

from stadion.apps.admission import Admission
from stadion.apps.bodies import AliasBody, DeployBody, TrainBody
from stadion.apps.control_keys import add_keys
from stadion.apps.control_recordings import add_athletes, add_recordings
from stadion.apps.docs_page import docs_page
from stadion.apps.metrics import add_metrics
from stadion.apps.replies import add_errors, body_of
from stadion.core.errors import Code, StadionError
from stadion.core.version import __version__
from stadion.platform import Platform
from stadion.platform.orders import TrainOrder
from stadion.platform.search_order import read_search
from stadion.serve.gate import Gate

__all__ = ["LOOPBACK_HOSTS", "build_app"]

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")

_RECONCILE_EVERY_S = 2.0

Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9\-_.]{0,63}$")]
Number = Annotated[int, Path(ge=1, lt=2**31)]
Limit = Annotated[int, Query(ge=1, le=1_000)]


def build_app(
    platform: Platform, gate: Gate | None = None, hosts: Sequence[str] = LOOPBACK_HOSTS
) -> FastAPI:
    """The application over one home.

    Parameters
    ----------
    gate
        Who may call; everybody where there is none.
    hosts
        What the Host header may say: a page from elsewhere cannot make a browser call here
        under its own name.
    """
    app = FastAPI(
        title="Stadion control",
        version=__version__,
        lifespan=_keeper(platform),
        docs_url=None,  # the usual page loads scripts from elsewhere
        redoc_url=None,
    )
    app.add_middleware(Admission, gate=gate or Gate())
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    add_errors(app)
    _add_server(app, platform)
    add_metrics(app, platform)
    add_recordings(app, platform)
    add_athletes(app, platform)
    _add_models(app, platform)
    _add_deployments(app, platform)
    _add_jobs(app, platform)
    add_keys(app, platform)
    return app


def _keeper(platform: Platform) -> Callable[[FastAPI], Any]:
    """While the application lives, a thread keeps the workers at what the log says."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()

        def keep() -> None:
            while not stop.wait(_RECONCILE_EVERY_S):
                try:
                    platform.reconcile()
                except StadionError:
                    continue  # the next round tries again; predictions go on meanwhile

        thread = threading.Thread(target=keep, name="reconcile", daemon=True)
        thread.start()
        yield
        stop.set()

    return lifespan


def _add_server(app: FastAPI, platform: Platform) -> None:
    @app.get("/", include_in_schema=False)
    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        """What is here, for people."""
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return HTMLResponse(docs_page(app.openapi()), headers={"Content-Security-Policy": policy})

    @app.get("/health", tags=["server"])
    def health() -> dict[str, Any]:
        """Whether this process answers; open to everybody."""
        return {"live": True}

    @app.get("/api/v1/server", tags=["server"])
    def server() -> dict[str, Any]:
        """Version, where predictions are answered, and how the workers stand."""
        return {"version": __version__, "control_pid": os.getpid()} | platform.status()

    @app.get("/api/v1/backup", tags=["server"], response_class=FileResponse)
    def backup() -> FileResponse:
        """One file with all versions, the deployment log and the archive."""
        folder = tempfile.mkdtemp(prefix="stadion-backup-")
        file = f"{folder}/stadion.tar"
        clear = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
        platform.backup(file)
        return FileResponse(file, media_type="application/x-tar", background=clear)

    @app.get("/api/v1/tasks", tags=["tasks"])
    def tasks() -> list[dict[str, Any]]:
        """The questions that models can be trained for."""
        return platform.tasks()

    @app.get("/api/v1/tasks/{task}", tags=["tasks"])
    def task(task: Name) -> dict[str, Any]:
        """One question, its channels, settings and reference."""
        return platform.task(task)


def _add_models(app: FastAPI, platform: Platform) -> None:
    @app.get("/api/v1/models", tags=["models"])
    def models() -> list[dict[str, Any]]:
        """Models with their newest version and the one that answers."""
        return platform.models()

    @app.get("/api/v1/models/{model}", tags=["models"])
    def model(model: Name) -> dict[str, Any]:
        """The newest version, and the numbers of all."""
        return platform.model(model)

    @app.post("/api/v1/models/{model}/versions", tags=["models"], status_code=201)
    async def import_model(request: Request, model: Name) -> dict[str, Any]:
        """Register the ONNX file in the body; it is opened in a child process first."""
        data = await body_of(request)
        return await run_in_threadpool(platform.import_bytes, data, model)

    @app.get("/api/v1/models/{model}/versions/{number}", tags=["models"])
    def version(model: Name, number: Number) -> dict[str, Any]:
        """One version: metrics, signature, lineage, card."""
        return platform.model(f"{model}:{number}")

    @app.get("/api/v1/models/{model}/aliases/{alias}", tags=["models"])
    def aliased(model: Name, alias: Name) -> dict[str, Any]:
        """The version an alias means."""
        return platform.model(f"{model}@{alias}")

    @app.put("/api/v1/models/{model}/aliases/{alias}", tags=["models"])
    def alias(model: Name, alias: Name, body: AliasBody) -> dict[str, Any]:
        """Let an alias mean a version."""
        return platform.alias(model, alias, body.version)


def _add_deployments(app: FastAPI, platform: Platform) -> None:
    @app.get("/api/v1/models/{model}/deployment", tags=["deployments"])
    def deployment(model: Name) -> dict[str, Any]:
        """What answers now, and the whole history."""
        return platform.deployment(model)

    @app.post("/api/v1/models/{model}/deployment", tags=["deployments"])
    def deploy(model: Name, body: DeployBody) -> dict[str, Any]:
        """Let a version answer; returns when every worker does."""
        if body.version and body.alias:
            raise StadionError(Code.INVALID, "name a version or an alias, not both")
        tail = f":{body.version}" if body.version else f"@{body.alias}" if body.alias else ""
        reference = model + tail
        return platform.deploy(reference, body.canary, body.shadow, body.segment, body.pinned)

    @app.post("/api/v1/models/{model}/rollback", tags=["deployments"])
    def rollback(model: Name) -> dict[str, Any]:
        """Return to what answered before."""
        return platform.rollback(model)


def _add_jobs(app: FastAPI, platform: Platform) -> None:
    @app.post("/api/v1/jobs", tags=["jobs"], status_code=202)
    def train(body: TrainBody) -> dict[str, Any]:
        """Begin a training on the archive's recordings in the background."""
        search = read_search(body.search.model_dump()) if body.search else None
        order = TrainOrder(
            body.task, body.learner, body.name, body.settings, body.seed, body.folds, body.grid,
            search, body.licence,
        )  # fmt: skip
        platform.task(body.task)
        return platform.jobs.start(order, body.engine)

    @app.get("/api/v1/jobs", tags=["jobs"])
    def jobs() -> list[dict[str, Any]]:
        """All jobs and how they stand."""
        return platform.jobs.list()

    @app.get("/api/v1/jobs/{job}", tags=["jobs"])
    def job(job: Name) -> dict[str, Any]:
        """State, progress, and the version that came of it or the error."""
        return platform.jobs.look(job)

    @app.delete("/api/v1/jobs/{job}", tags=["jobs"])
    def cancel(job: Name) -> dict[str, Any]:
        """End a job; its checkpoints stay."""
        return platform.jobs.cancel(job)

    @app.post("/api/v1/jobs/{job}/again", tags=["jobs"])
    def again(job: Name) -> dict[str, Any]:
        """Start an ended job once more; a lost one goes on where it was."""
        return platform.jobs.again(job)

    @app.post("/api/v1/models/{model}/evaluate", tags=["models"])
    async def evaluate(
        request: Request, model: Name, version: Annotated[int | None, Query(ge=1)] = None
    ) -> dict[str, Any]:
        """Scores on the recordings in the body, or on the archive when it is empty."""
        data = await body_of(request)
        reference = f"{model}:{version}" if version else model
        return await run_in_threadpool(platform.evaluate, reference, data or None)

    @app.post("/api/v1/models/{model}/recommend", tags=["models"])
    async def recommend(request: Request, model: Name) -> list[Any]:
        """What to do after the recording in the body, the best first."""
        return await run_in_threadpool(platform.recommend, model, await body_of(request))
