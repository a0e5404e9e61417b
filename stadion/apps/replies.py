"""Errors in, one shape of JSON with the right status out; bodies read within bounds."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from stadion.core.errors import Code, StadionError
from stadion.serve.gate import Unauthenticated

__all__ = ["MAX_UPLOAD_BYTES", "STATUS", "add_errors", "body_of", "error_reply", "received"]

STATUS: dict[Code, int] = {
    Code.NOT_FOUND: 404,
    Code.INVALID: 422,
    Code.CONFLICT: 409,
    Code.NOT_READY: 503,
    Code.OVERLOADED: 429,
    Code.TIMEOUT: 504,
    Code.UNAVAILABLE: 503,
    Code.UNSUPPORTED: 415,
    Code.FORBIDDEN: 403,
    Code.INTERNAL: 500,
}

MAX_UPLOAD_BYTES = 256 * 2**20
MAX_RECORDING_BYTES = 4 * 2**30
"""Of an upload that goes to the disk as it comes: an export of years of recordings."""

_AT_ONCE_BYTES = 2**20
_JSON_HINT = "send the header Content-Type: application/json"


def add_errors(app: FastAPI) -> None:
    """Answer every failure as {error, code, hint}."""

    @app.exception_handler(StadionError)
    async def ours(_request: Request, error: StadionError) -> JSONResponse:
        return error_reply(error)

    @app.exception_handler(RequestValidationError)
    async def shape(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        received = repr(first.get("input"))[:100]
        message, hint = f"{where}: {first['msg']}; received {received}", ""
        if isinstance(first.get("input"), bytes):  # JSON that was not announced as such
            message, hint = f"{where}: expected JSON; received {received}", _JSON_HINT
        return JSONResponse({"error": message, "code": Code.INVALID.value, "hint": hint}, 422)

    @app.exception_handler(HTTPException)
    async def http(_request: Request, error: HTTPException) -> JSONResponse:
        code = Code.NOT_FOUND if error.status_code == 404 else Code.INVALID
        body = {"error": str(error.detail), "code": code.value, "hint": "see /docs"}
        return JSONResponse(body, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def other(_request: Request, _error: Exception) -> JSONResponse:
        body = {"error": "something failed inside", "code": Code.INTERNAL.value, "hint": ""}
        return JSONResponse(body, 500)


def error_reply(error: StadionError) -> JSONResponse:
    """An error of the house; 401 with a challenge where it is not known who calls."""
    body = {"error": error.message, "code": error.code.value, "hint": error.hint}
    if isinstance(error, Unauthenticated):
        return JSONResponse(body, 401, {"WWW-Authenticate": "Bearer"})
    headers = None
    if error.code is Code.OVERLOADED:
        headers = {"Retry-After": str(getattr(error, "retry_after_s", 1))}
    return JSONResponse(body, STATUS[error.code], headers)


async def body_of(request: Request) -> bytes:
    """The whole body, refused as soon as it is known to be too large."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_UPLOAD_BYTES:
        raise HTTPException(413, f"the body may hold {MAX_UPLOAD_BYTES} bytes")
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > MAX_UPLOAD_BYTES:
            raise HTTPException(413, f"the body may hold {MAX_UPLOAD_BYTES} bytes")
    return bytes(received)


async def received(request: Request, folder: Path, name: str) -> Path:
    """The body as a file in `folder`, written while it comes in, under its own last name."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise StadionError(
            Code.UNSUPPORTED,
            "the body is a form; expected the bytes of one file or archive",
            "curl --data-binary @FILE sends them as they are",
        )
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_RECORDING_BYTES:
        raise HTTPException(413, f"the body may hold {MAX_RECORDING_BYTES} bytes")
    shown = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in Path(name).name)
    # A hidden name would be passed over, as an operating system's own file.
    path = folder / (shown.lstrip(".")[-100:] or "upload")
    size = 0
    waiting = bytearray()
    with path.open("wb") as file:
        async for chunk in request.stream():
            waiting += chunk
            size += len(chunk)
            if size > MAX_RECORDING_BYTES:
                raise HTTPException(413, f"the body may hold {MAX_RECORDING_BYTES} bytes")
            if len(waiting) >= _AT_ONCE_BYTES:
                await run_in_threadpool(file.write, bytes(waiting))
                waiting.clear()
        file.write(waiting)
    return path
