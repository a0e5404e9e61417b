"""A call that reads untrusted bytes in; what it broke of the bounds out, none when all is well."""

from __future__ import annotations

import os
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from stadion.core.errors import StadionError
from stadion.ingest import Opened

__all__ = ["Watch", "bounded"]

T = TypeVar("T")

_EXTRA_BYTES = 128 << 20
_TIMES_INPUT = 8
_SECONDS_PER_MB = 1.0
_LEAST_SECONDS = 1.0  # a busy machine, a library loaded on the way
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGING = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink",
             "os.truncate", "os.chmod", "shutil.rmtree", "subprocess.Popen", "socket.connect",
             "os.system", "os.exec"}  # fmt: skip


class Watch:
    """Counts what the process does to the world while it reads."""

    def __init__(self) -> None:
        self.is_on = False
        self.seen: list[str] = []
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if event in _CHANGING:
            self.seen.append(f"{event} {arguments[:1]}")
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES:
            # A file without a name goes with the process; compiled Python is not the reader's.
            if arguments[2] & os.O_TMPFILE == os.O_TMPFILE or str(arguments[0]).endswith(".pyc"):
                return
            self.seen.append(f"open for writing {arguments[0]!r}")


def bounded(call: Callable[[], Opened], size: int, watch: Watch) -> tuple[Opened | None, list[str]]:
    """What `call` gave, and each bound it broke, as a sentence.

    Parameters
    ----------
    size
        Bytes of the input.
    """
    broken: list[str] = []
    opened: Opened | None = None
    warned: list[warnings.WarningMessage] = []
    watch.seen.clear()
    began = time.process_time()
    try:
        with (
            warnings.catch_warnings(record=True) as warned,
            _memory(_EXTRA_BYTES + _TIMES_INPUT * size),
        ):
            warnings.simplefilter("always")
            watch.is_on = True
            opened = call()
    except StadionError:
        pass
    except BaseException as error:  # noqa: BLE001  # the very thing that must not happen
        broken.append(f"raises {type(error).__name__}: {error}")
    finally:
        watch.is_on = False
    seconds = time.process_time() - began
    if seconds > max(_LEAST_SECONDS, _SECONDS_PER_MB * size / 2**20):
        broken.append(f"takes {seconds:.1f} s for {size} bytes")
    for refusal in opened.refused if opened else ():
        if "failed:" in refusal.reason or "MemoryError" in refusal.reason:
            broken.append(refusal.reason)
        if not refusal.reason.strip():
            broken.append("a refusal without a reason")
    broken += [f"warns: {each.message} ({each.filename}:{each.lineno})" for each in warned[:3]]
    return opened, broken + watch.seen


@contextmanager
def _memory(extra: int) -> Iterator[None]:
    """More than that on top of what is held now is a MemoryError."""
    with open("/proc/self/status", encoding="ascii") as lines:  # noqa: PTH123
        held = next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmData"))
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (held + extra, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
