"""The platform's verbs on a running server, over its control REST and its predictions."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from stadion.client.keys import Keys
from stadion.client.recordings import Recordings
from stadion.client.wire import View, quoted, read_file
from stadion.core.errors import Code, StadionError
from stadion.core.jobs import result_of
from stadion.core.names import parse_reference

__all__ = ["Client"]


class Client(Recordings):
    """The same verbs as `stadion.platform.Platform`, with the same answers."""

    def tasks(self) -> list[View]:
        """The questions that models can be trained for."""
        return list(self._call("GET", "tasks"))

    def task(self, name: str) -> View:
        """One question, its channels, settings and reference."""
        return self._view("GET", f"tasks/{quoted(name)}")

    def train(
        self,
        task: str,
        data: str | Path | None = None,
        *,
        learner: str = "auto",
        settings: Mapping[str, Any] | None = None,
        name: str = "",
        seed: int = 0,
        folds: int = 5,
        engine: str = "",
        licence: str = "",
        progress: Callable[[Any], None] | None = None,
    ) -> View:
        """Train on the server's archive as a job, and wait for it."""
        order = {"task": task, "learner": learner, "settings": dict(settings or {})}
        rest = {"name": name, "seed": seed, "folds": folds, "engine": engine or "local"}
        rest |= {"licence": licence} if licence else {}
        return self._run_job(order | rest, data)

    def tune(
        self,
        task: str,
        learner: str = "auto",
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
        """Try every combination of the grid's settings, or search, as a job; keep the best."""
        order = {"task": task, "learner": learner, "settings": dict(settings or {})}
        rest = {"name": name, "seed": seed, "folds": folds, "grid": dict(grid or {})}
        rest |= {"engine": engine} if engine else {}
        rest |= {"licence": licence} if licence else {}
        if search is not None or not grid:
            rest["search"] = {k: v for k, v in (search or {}).items() if v is not None}
        return self._run_job(order | rest, data)

    def _run_job(self, order: View, data: str | Path | None) -> View:
        if data is not None:
            raise StadionError(
                Code.UNSUPPORTED,
                "a server trains on its archive, not on a folder of the caller's",
                "ingest the files first, then train without data",
            )
        job = self._view("POST", "jobs", body=order)
        while job["state"] == "running":
            time.sleep(0.2)
            job = self._view("GET", f"jobs/{job['job']}")
        return result_of(job)

    def evaluate(self, reference: str, data: str | Path | None = None) -> View:
        """Scores of a model on one file's recordings, or on the server's archive."""
        model = parse_reference(reference)
        if model.alias:
            model = parse_reference(f"{model.model}:{self.model(reference)['version']}")
        query = {"version": model.number}
        body = read_file(data) if data else b""
        return self._view("POST", f"models/{model.model}/evaluate", query, body)

    def import_model(self, file: str | Path, name: str) -> View:
        """Register an outside ONNX file; the server opens it in a child process first."""
        return self._view("POST", f"models/{quoted(name)}/versions", body=read_file(file))

    def models(self) -> list[View]:
        """Models with their newest version and the one that answers."""
        return list(self._call("GET", "models"))

    def model(self, reference: str) -> View:
        """A version with its metrics, signature and lineage."""
        wanted = parse_reference(reference)
        tail = f"/versions/{wanted.number}" if wanted.number else ""
        if wanted.alias:
            tail = f"/aliases/{wanted.alias}"
        return self._view("GET", f"models/{wanted.model}{tail}")

    def alias(self, model: str, alias: str, version: int) -> View:
        """Let `model@alias` mean this version from now on."""
        return self._view("PUT", f"models/{model}/aliases/{alias}", body={"version": version})

    def deploy(
        self,
        reference: str,
        canary: float | None = None,
        shadow: bool = False,
        segment: str = "",
        pinned: bool | None = None,
    ) -> View:
        """Let a version answer; returns when every worker does."""
        wanted = parse_reference(reference)
        body = {
            "version": wanted.number,
            "alias": wanted.alias,
            "canary": canary,
            "shadow": shadow,
            "segment": segment,
            "pinned": pinned,
        }
        return self._view("POST", f"models/{wanted.model}/deployment", body=body)

    def rollback(self, model: str) -> View:
        """Back to what answered before; a second time goes further back."""
        return self._view("POST", f"models/{quoted(model)}/rollback")

    def deployment(self, model: str) -> View:
        """What answers now, and everything that did before."""
        return self._view("GET", f"models/{quoted(model)}/deployment")

    def recommend(self, reference: str, request: bytes | str | Path) -> list[View]:
        """What to do after a recording, the best first, by a model whose task gives advice."""
        body = request if isinstance(request, bytes) else read_file(request)
        return list(self._call("POST", f"models/{quoted(reference)}/recommend", body=body))

    def predict(self, reference: str, request: bytes | str | Path | Mapping[str, Any]) -> View:
        """Ask a deployed model: tensors as a mapping or JSON, or a recording's bytes or path."""
        wanted = parse_reference(reference)
        number = wanted.number
        if wanted.alias:
            number = self.model(reference)["version"]
        query = f"?version={number}" if number else ""
        body = request
        if isinstance(request, Mapping):
            body = json.dumps(request).encode()
        elif isinstance(request, str | Path):
            body = read_file(request)
        url = f"{self._predictions}/predict/{wanted.model}{query}"
        view: View = self._send("POST", url, body)
        return view

    def backup(self, file: str | Path) -> View:
        """Fetch one file with all versions, the deployment log and the archive."""
        target = Path(file)
        with (
            self._open("GET", f"{self.url}/api/v1/backup", None) as reply,
            target.open("wb") as out,
        ):
            shutil.copyfileobj(reply, out)
        return {"file": str(target), "bytes": target.stat().st_size}

    def restore(self, file: str | Path) -> View:
        """Not on a running server: its home is in use."""
        raise StadionError(
            Code.UNSUPPORTED,
            "a running server cannot be restored into",
            "stadion restore FILE --home NEW_FOLDER, then stadion up --home NEW_FOLDER",
        )

    @cached_property
    def keys(self) -> Keys:
        """API keys: who may ask models, who may change the server."""
        return Keys(self)
