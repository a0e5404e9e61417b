"""The disk refuses: the caller gets a sentence, nothing half-written is seen, reading goes on."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stadion.core.deployment import Route
from stadion.core.errors import Code, StadionError
from stadion.registry import Registry, restore
from tests.registry.conftest import Make
from tests.registry.packages import make_package
from tests.registry.test_versions import refused


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """The system refuses to let a file of this process grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_finds_no_room_is_not_registered(
    registry: Registry, make: Make, tmp_path: Path
) -> None:
    registry.register("sprint", make("small"))
    large = make_package(tmp_path / "packages", "large", extra_bytes=1 << 20)
    with no_file_beyond(200_000), refused(Code.UNAVAILABLE, "cannot keep file 'model.onnx'"):
        registry.register("sprint", large)
    assert [v.number for v in registry.versions("sprint")] == [1]
    assert not list((tmp_path / "registry" / "blobs").glob("*/.tmp-*"))
    assert registry.register("sprint", large).number == 2
    assert registry.verify().is_sound


def test_a_row_that_finds_no_room_is_not_there(
    registry: Registry, make: Make, tmp_path: Path
) -> None:
    registry.register("sprint", make("a"))
    registry.record_deployment("sprint", [Route(1)])
    package = make("b")
    with no_file_beyond(4096):
        with refused(Code.UNAVAILABLE, "registry", "disk"):
            registry.register("sprint", package)
        with refused(Code.UNAVAILABLE, "registry", "disk"):
            registry.record_deployment("sprint", [Route(1)])
        assert registry.version("sprint").number == 1
        assert registry.deployment("sprint").generation == 1
        Registry.open(tmp_path / "registry").close()
    assert registry.register("sprint", make("b")).number == 2
    assert registry.verify().is_sound


def test_a_sync_that_fails_is_no_success(
    registry: Registry, make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # No unprivileged process can make a real disk fail to sync, so the call itself is replaced.
    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with refused(Code.UNAVAILABLE, "Input/output error"):
            registry.register("sprint", make("a"))
        with refused(Code.UNAVAILABLE, "Input/output error"):
            registry.backup(tmp_path / "backup.tar")
    assert registry.models() == []
    assert not (tmp_path / "backup.tar").exists()
    assert registry.register("sprint", make("a")).number == 1


def test_a_backup_or_restore_that_finds_no_room_leaves_nothing(
    registry: Registry, tmp_path: Path
) -> None:
    registry.register("sprint", make_package(tmp_path / "packages", "a", extra_bytes=1 << 20))
    away = tmp_path / "away"
    away.mkdir()
    with no_file_beyond(200_000), refused(Code.UNAVAILABLE, "cannot write the backup"):
        registry.backup(away / "backup.tar")
    assert list(away.iterdir()) == []
    registry.backup(away / "backup.tar")
    with no_file_beyond(200_000), refused(Code.UNAVAILABLE, "cannot restore"):
        restore(away / "backup.tar", away / "registry")
    assert [path.name for path in away.iterdir()] == ["backup.tar"]


def test_a_message_to_the_caller_names_no_path(
    registry: Registry, make: Make, tmp_path: Path
) -> None:
    package = make("a")
    with no_file_beyond(1), pytest.raises(StadionError) as caught:
        registry.register("sprint", package)
    assert str(tmp_path) not in str(caught.value)
