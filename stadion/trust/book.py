"""API keys in, a file that lasts out; and back."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from stadion.core.access import ApiKey
from stadion.core.errors import Code, StadionError

__all__ = ["read_keys", "read_when_changed", "written"]

_FILE = "keys.json"
_LOCK = "keys.lock"
_LOCK_S = 10.0
_OWNER_ONLY = 0o600


class _Book(msgspec.Struct, forbid_unknown_fields=True):
    """The content of the file."""

    keys: list[ApiKey]
    version: int = 1


def read_keys(folder: Path) -> list[ApiKey]:
    """All keys of a home; none where none was ever made.

    Raises
    ------
    StadionError
        INTERNAL when the file is damaged.
    """
    try:
        content = (folder / _FILE).read_bytes()
    except FileNotFoundError:
        return []
    return _keys_in(content)


def read_when_changed(folder: Path) -> Callable[[], Sequence[ApiKey] | None]:
    """A function that looks at the file, and reads it only when it is another one.

    It raises what `read_keys` raises, with every look until the file is whole again.
    """
    seen: tuple[int, ...] | None = None

    def read() -> Sequence[ApiKey] | None:
        nonlocal seen
        found: tuple[int, ...] = ()
        keys: list[ApiKey] = []
        try:
            with (folder / _FILE).open("rb") as file:
                status = os.fstat(file.fileno())
                found = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
                if found == seen:
                    return None
                keys = _keys_in(file.read())
        except FileNotFoundError:
            if found == seen:
                return None
        seen = found
        return keys

    return read


@contextlib.contextmanager
def written(folder: Path) -> Iterator[list[ApiKey]]:
    """The keys, to be changed by one process at a time; on disk when the block is left.

    Leaving it by an error changes nothing.

    Raises
    ------
    StadionError
        TIMEOUT when another process does not come to an end, UNAVAILABLE when the disk refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _lock(folder):
            keys = read_keys(folder)
            yield keys
            _write(folder, msgspec.json.encode(_Book(keys)))
    except OSError as error:
        raise StadionError(
            Code.UNAVAILABLE, f"the API keys cannot be kept: {error.strerror}"
        ) from None


def _keys_in(content: bytes) -> list[ApiKey]:
    try:
        return msgspec.json.decode(content, type=_Book).keys
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StadionError(
            Code.INTERNAL,
            f"the file of the API keys is damaged: {error}",
            "restore trust/keys.json of the home, or remove it and make new keys",
        ) from None


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
    deadline = time.monotonic() + _LOCK_S
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StadionError(
                        Code.TIMEOUT, f"another process held the API keys for {_LOCK_S:g} s"
                    ) from None
                time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _write(folder: Path, content: bytes) -> None:
    """Whole and lasting under its name, or not there at all."""
    temporary = folder / f".tmp-{secrets.token_hex(8)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor has no path
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / _FILE)
    finally:
        temporary.unlink(missing_ok=True)
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
