"""Finished calls in, one line of JSON for each in a file or on the standard output out."""

from __future__ import annotations

import os
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from stadion.core.errors import Code, StadionError
from stadion.serve.backlog import Backlog
from stadion.serve.finished import Finished

__all__ = ["STDOUT", "AccessLog"]

STDOUT = "-"
_PIPE_BUF = 4096  # a longer write to a pipe may be cut by another worker's
_NONE = 0.0  # left out of the line: there was no run


class _Line(msgspec.Struct, gc=False, omit_defaults=True):
    """What is written of a call after its request id, in this order."""

    time: str
    method: str
    path: str
    status: int
    bytes_in: int
    bytes_out: int
    total_ms: float
    queue_ms: float = _NONE
    infer_ms: float = _NONE
    model: str = ""
    version: int = 0
    id: str = ""
    key: str = ""
    trace_id: str = ""


class AccessLog:
    """Written by a thread in batches; all workers append whole lines to the same file.

    No body, no key, no query and no address is ever written. A file that was moved away, as log
    rotation does, is made anew. Lines that come faster than they can be written are dropped and
    counted.

    Parameters
    ----------
    target
        A file, or '-' for the standard output.

    Raises
    ------
    StadionError
        INVALID when the file cannot be written.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._begin = b'{"request_id":"%b-' % secrets.token_hex(4).encode()
        self._next = 1000
        self._ms, self._time = 0, ""
        try:
            self._open()
        except OSError as error:
            raise StadionError(
                Code.INVALID, f"the access log {target!r} cannot be written: {error.strerror}"
            ) from None
        self._backlog: Backlog[bytes] = Backlog("access log", self._write)

    @property
    def lines(self) -> int:
        """Written so far."""
        return self._backlog.taken

    @property
    def dropped(self) -> int:
        """Lost because they came too fast or could not be written."""
        return self._backlog.dropped

    def note(self, call: Finished) -> None:
        """One call is answered."""
        if call.request_id:
            line = b'{"request_id":"%b%b' % (call.request_id.encode(), self._rest(call))
        else:
            line = b"%b%d%b" % (self._begin, self._next, self._rest(call))
            self._next += 1
        self._backlog.add(line)

    def note_alike(self, call: Finished, times: int) -> None:
        """So many calls like this one are answered, which came without an id.

        They differ in their ids only: those of a thousand lines are there already, but for the
        thousands.
        """
        rest = self._rest(call)
        while times:
            thousands, first = divmod(self._next, 1000)
            some = min(times, 1000 - first)
            begin = b"%b%d" % (self._begin, thousands)
            lines = (rest + begin).join(_LAST_DIGITS[first : first + some])
            self._backlog.add(b"%b%b%b" % (begin, lines, rest), some)
            self._next += some
            times -= some

    def close(self, limit_s: float = 2.0) -> None:
        """Write what waits."""
        self._backlog.close(limit_s)

    def _rest(self, call: Finished) -> bytes:
        """The line of a call from the end of its request id on."""
        line = _Line(
            self._at(call.ended_ns // 1_000_000),
            call.method,
            call.path,
            call.status,
            call.bytes_in,
            call.bytes_out,
            call.total_ns / 1e6,
            call.queue_ns / 1e6 if call.infer_ns else _NONE,
            call.infer_ns / 1e6 if call.infer_ns else _NONE,
            call.model,
            call.version,
            call.id,
            call.key,
            call.trace[0][3:35] if call.trace else "",
        )
        return b'",%b\n' % _ENCODER.encode(line)[1:]

    def _at(self, ms: int) -> str:
        """A moment as ISO 8601 writes it; many calls end in the same millisecond."""
        if ms != self._ms:
            second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000))
            self._ms, self._time = ms, f"{second}.{ms % 1000:03}Z"
        return self._time

    # --- on the thread

    def _open(self) -> None:
        if self._target == STDOUT:
            self._file, self._inode = 1, 0
        else:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._file = os.open(self._target, flags, 0o600)
            self._inode = os.fstat(self._file).st_ino
        self._is_pipe = not stat.S_ISREG(os.fstat(self._file).st_mode)

    def _write(self, lines: Sequence[bytes]) -> None:
        if self._inode and _inode_of(self._target) != self._inode:
            os.close(self._file)
            self._open()
        if self._is_pipe:
            for piece in _cut(b"".join(lines), _PIPE_BUF):
                _write_all(self._file, piece)
        elif (written := os.writev(self._file, lines)) < sum(map(len, lines)):
            _write_all(self._file, b"".join(lines)[written:])


def _inode_of(path: str) -> int:
    try:
        return Path(path).stat().st_ino
    except FileNotFoundError:
        return 0


def _cut(lines: bytes, most: int) -> Iterator[bytes]:
    """Whole lines, as many at a time as one write to a pipe keeps together."""
    start = 0
    while len(lines) - start > most:
        end = lines.rfind(b"\n", start, start + most) + 1
        end = end if end > start else lines.index(b"\n", start) + 1
        yield lines[start:end]
        start = end
    yield lines[start:]


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


_ENCODER = msgspec.json.Encoder()
_LAST_DIGITS = [b"%03d" % number for number in range(1000)]
