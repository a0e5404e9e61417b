"""The platform's verbs on a running server, over its control REST and its predictions."""

from __future__ import annotations

import http.client
import json
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from stadion.core.errors import Code, StadionError
from stadion.core.jobs import result_of
from stadion.core.names import parse_reference

__all__ = ["Client"]

View = dict[str, Any]
_CODES = {
    400: Code.INVALID,
    401: Code.FORBIDDEN,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    413: Code.INVALID,
    429: Code.OVERLOADED,
}


class Client:
    """The same verbs as `stadion.platform.Platform`, with the same answers.

    Parameters
    ----------
    url
        Of the control port, such as http://127.0.0.1:8080.
    timeout_s
        Limit of one call.
    key
        API key to send with every call; empty for none.
    """

    def __init__(self, url: str, timeout_s: float = 120.0, key: str = "") -> None:
        self.url = url.rstrip("/")
        self.timeout_s = timeout_s
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def ingest(
        self,
        paths: Iterable[str | Path],
        athlete: str = "",
        progress: Callable[[str], None] | None = None,
    ) -> View:
        """Upload files, and the files of folders, one by one."""
        total: View = {"added": [], "known": 0, "tables": 0, "refused": [], "repairs": []}
        for file in _files(paths):
            if progress:
                progress(str(file))
            query = {"name": file.name, "athlete": athlete}
            report = self._call("POST", "activities", query, _read(file))
            for key in total:
                total[key] += report[key]
        return total

    def activities(
        self,
        athlete: str | None = None,
        sport: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> list[View]:
        """Recordings in the archive, by time."""
        query = {
            "athlete": athlete,
            "sport": sport,
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "limit": limit,
        }
        return list(self._call("GET", "activities", query))

    def activity(self, id: str) -> View:
        """One recording without its samples."""
        return self._view("GET", f"activities/{_quoted(id)}")

    def streams(self, id: str, channels: Sequence[str] | None = None) -> list[View]:
        """Samples of one recording per track; null = missing."""
        query = {"channels": ",".join(channels) if channels else None}
        return list(self._call("GET", f"activities/{_quoted(id)}/streams", query))

    def erase(self, id: str) -> View:
        """Remove one recording from the archive."""
        return self._view("DELETE", f"activities/{_quoted(id)}")

    def tables(self) -> list[View]:
        """Tables in the archive: matches, strokes, days, sessions."""
        return list(self._call("GET", "tables"))

    def tasks(self) -> list[View]:
        """The questions that models can be trained for."""
        return list(self._call("GET", "tasks"))

    def task(self, name: str) -> View:
        """One question, its channels, settings and reference."""
        return self._view("GET", f"tasks/{_quoted(name)}")

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
        body = _read(data) if data else b""
        return self._view("POST", f"models/{model.model}/evaluate", query, body)

    def import_model(self, file: str | Path, name: str) -> View:
        """Register an outside ONNX file; the server opens it in a child process first."""
        return self._view("POST", f"models/{_quoted(name)}/versions", body=_read(file))

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
        return self._view("POST", f"models/{_quoted(model)}/rollback")

    def deployment(self, model: str) -> View:
        """What answers now, and everything that did before."""
        return self._view("GET", f"models/{_quoted(model)}/deployment")

    def recommend(self, reference: str, request: bytes | str | Path) -> list[View]:
        """What to do after a recording, the best first, by a model whose task gives advice."""
        body = request if isinstance(request, bytes) else _read(request)
        return list(self._call("POST", f"models/{_quoted(reference)}/recommend", body=body))

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
            body = _read(request)
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

    def status(self) -> View:
        """How the server stands."""
        return self._view("GET", "server")

    @cached_property
    def keys(self) -> _Keys:
        """API keys: who may ask models, who may change the server."""
        return _Keys(self)

    @cached_property
    def _predictions(self) -> str:
        """Where predictions are asked; a server that listens everywhere is where we found it."""
        told = urllib.parse.urlsplit(str(self.status()["predictions"]))
        if told.hostname not in ("0.0.0.0", "::"):  # noqa: S104  # compared, not bound
            return told.geturl()
        found = urllib.parse.urlsplit(self.url).hostname or ""
        host = f"[{found}]" if ":" in found else found
        return f"{told.scheme}://{host}:{told.port}"

    def _view(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: bytes | Mapping[str, Any] | None = None,
    ) -> View:
        view: View = self._call(method, path, query, body)
        return view

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: bytes | Mapping[str, Any] | None = None,
    ) -> Any:
        given = {key: value for key, value in (query or {}).items() if value not in (None, "")}
        tail = f"?{urllib.parse.urlencode(given)}" if given else ""
        sent = json.dumps(dict(body)).encode() if isinstance(body, Mapping) else body
        return self._send(method, f"{self.url}/api/v1/{path}{tail}", sent)

    def _send(self, method: str, url: str, body: Any) -> Any:
        with self._open(method, url, body) as reply:
            return json.load(reply)

    @contextmanager
    def _open(self, method: str, url: str, body: Any) -> Iterator[http.client.HTTPResponse]:
        """An answered call; every way it can fail is a StadionError."""
        is_json = isinstance(body, bytes) and body[:1] in (b"{", b"[")
        kind = "application/json" if is_json else "application/octet-stream"
        request = urllib.request.Request(  # noqa: S310  # http and https only, see connect
            url, data=body, method=method, headers={"Content-Type": kind}
        )
        for name, value in self._headers.items():
            request.add_unredirected_header(name, value)  # for this server and no other
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as reply:  # noqa: S310
                yield reply
        except urllib.error.HTTPError as error:
            raise _reply_error(error.code, error.read()) from None
        except TimeoutError:
            raise StadionError(Code.TIMEOUT, f"no answer within {self.timeout_s:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise StadionError(
                Code.UNAVAILABLE, f"cannot reach {self.url}: {reason}", "stadion up serves"
            ) from None


class _Keys:
    """The same verbs as `stadion.platform.keys.Keys`, with the same answers."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(
        self,
        name: str,
        scopes: Sequence[str] = ("predict",),
        models: Sequence[str] = (),
        expires_days: float | None = None,
        per_second: float | None = None,
        burst: int | None = None,
        at_once: int | None = None,
    ) -> View:
        """Make a key; the answer's `key` is told this once."""
        order = {"name": name, "scopes": list(scopes), "models": list(models)}
        limits = {"per_second": per_second, "burst": burst, "at_once": at_once}
        body = order | limits | {"expires_days": expires_days}
        return self._client._view("POST", "keys", body=body)

    def list(self) -> list[View]:
        """All keys ever made, without what is secret."""
        return list(self._client._call("GET", "keys"))

    def revoke(self, name: str) -> View:
        """End a key, by its name or id."""
        return self._client._view("DELETE", f"keys/{_quoted(name)}")


def _reply_error(status: int, body: bytes) -> StadionError:
    try:
        view = json.loads(body)
        code = Code(view["code"]) if "code" in view else _CODES.get(status, Code.INTERNAL)
        return StadionError(code, str(view["error"]), str(view.get("hint", "")))
    except (ValueError, KeyError, TypeError):
        return StadionError(_CODES.get(status, Code.INTERNAL), f"the server answered {status}")


def _read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except IsADirectoryError:
        raise StadionError(
            Code.UNSUPPORTED, f"{str(path)!r} is a folder; a server takes one file", "zip it"
        ) from None
    except OSError as error:
        raise StadionError(Code.NOT_FOUND, f"cannot read {str(path)!r}: {error.strerror}") from None


def _files(paths: Iterable[str | Path]) -> Iterable[Path]:
    for path in map(Path, paths):
        if not path.exists():
            raise StadionError(Code.NOT_FOUND, f"there is no file or folder {str(path)!r}")
        yield from sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")
