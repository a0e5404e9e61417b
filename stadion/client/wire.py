"""Calls in, a server's answers out; every way a call can fail is an error of the house."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from stadion.core.errors import Code, StadionError

__all__ = ["View", "Wire", "quoted", "read_file"]

View = dict[str, Any]
_UPLOAD_S = 3600.0  # an export of years is read before it is answered
_CODES = {
    400: Code.INVALID,
    401: Code.FORBIDDEN,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    413: Code.INVALID,
    429: Code.OVERLOADED,
}


class Wire:
    """One server, and how it is called.

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

    def status(self) -> View:
        """How the server stands."""
        return self._view("GET", "server")

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
        body: bytes | IO[bytes] | Mapping[str, Any] | None = None,
    ) -> View:
        view: View = self._call(method, path, query, body)
        return view

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: bytes | IO[bytes] | Mapping[str, Any] | None = None,
    ) -> Any:
        sent = json.dumps(dict(body)).encode() if isinstance(body, Mapping) else body
        return self._send(method, self._address(path, query), sent)

    def _bytes(self, path: str, query: Mapping[str, Any]) -> bytes:
        """An answer that is no JSON."""
        with self._open("GET", self._address(path, query), None) as reply:
            return reply.read()

    def _address(self, path: str, query: Mapping[str, Any] | None) -> str:
        given = {k: v for k, v in (query or {}).items() if v not in (None, "", [])}
        tail = f"?{urllib.parse.urlencode(given, doseq=True)}" if given else ""
        return f"{self.url}/api/v1/{path}{tail}"

    def _send(self, method: str, url: str, body: Any) -> Any:
        with self._open(method, url, body) as reply:
            return json.load(reply)

    @contextmanager
    def _open(self, method: str, url: str, body: Any) -> Iterator[http.client.HTTPResponse]:
        """An answered call; every way it can fail is a StadionError."""
        is_json = isinstance(body, bytes) and body[:1] in (b"{", b"[")
        headers = {"Content-Type": "application/json" if is_json else "application/octet-stream"}
        timeout_s = self.timeout_s
        if body is not None and not isinstance(body, bytes):  # a file goes as it is read
            headers["Content-Length"] = str(os.fstat(body.fileno()).st_size)
            timeout_s = max(timeout_s, _UPLOAD_S)
        request = urllib.request.Request(  # noqa: S310  # http and https only, see connect
            url, data=body, method=method, headers=headers
        )
        for name, value in self._headers.items():
            request.add_unredirected_header(name, value)  # for this server and no other
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as reply:  # noqa: S310
                yield reply
        except urllib.error.HTTPError as error:
            raise _reply_error(error.code, error.read()) from None
        except TimeoutError:
            raise StadionError(Code.TIMEOUT, f"no answer within {timeout_s:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise StadionError(
                Code.UNAVAILABLE, f"cannot reach {self.url}: {reason}", "stadion up serves"
            ) from None


def _reply_error(status: int, body: bytes) -> StadionError:
    try:
        view = json.loads(body)
        code = Code(view["code"]) if "code" in view else _CODES.get(status, Code.INTERNAL)
        return StadionError(code, str(view["error"]), str(view.get("hint", "")))
    except (ValueError, KeyError, TypeError):
        return StadionError(_CODES.get(status, Code.INTERNAL), f"the server answered {status}")


def read_file(path: str | Path) -> bytes:
    """The bytes of one file; an error says what to do with a folder."""
    try:
        return Path(path).read_bytes()
    except IsADirectoryError:
        raise StadionError(
            Code.UNSUPPORTED, f"{str(path)!r} is a folder; a server takes one file", "zip it"
        ) from None
    except OSError as error:
        raise StadionError(Code.NOT_FOUND, f"cannot read {str(path)!r}: {error.strerror}") from None


def quoted(text: str) -> str:
    """The text as one step of a path."""
    return urllib.parse.quote(text, safe="")
