"""Blobs are what their names say, or refused; leftovers go, but never what somebody needs."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from stadion.core.errors import Code
from stadion.core.package import GRAPH
from stadion.registry import Problem, Registry
from tests.registry.conftest import Make
from tests.registry.test_versions import refused

FLIPS = 1000


def blobs(folder: Path) -> list[Path]:
    return sorted((folder / "registry" / "blobs").glob("??/*"))


def age(path: Path, hours: float) -> None:
    moment = time.time() - hours * 3600
    os.utime(path, (moment, moment))


def test_every_flipped_bit_is_noticed(registry: Registry, make: Make, tmp_path: Path) -> None:
    for label in range(25):
        registry.register("sprint", make(f"version {label}"))
    chance, sound = random.Random(8), {path: path.read_bytes() for path in blobs(tmp_path)}
    for path in sound:
        path.chmod(0o644)
    flips = noticed = 0
    while flips < FLIPS:
        for path, content in sound.items():
            flipped = bytearray(content)
            flipped[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            path.write_bytes(flipped)
        found = {problem.sha256 for problem in registry.verify().problems}
        noticed += len(found & {path.parent.name + path.name for path in sound})
        flips += len(sound)
    assert noticed == flips
    for path, content in sound.items():
        path.write_bytes(content)
    assert registry.verify().is_sound


def test_a_missing_blob_is_named(registry: Registry, make: Make) -> None:
    first, second = registry.register("sprint", make("a")), registry.register("row", make("b"))
    graph = first.package.files[GRAPH]
    Path(graph.path).unlink()
    report = registry.verify()
    assert report.problems == (Problem("sprint", 1, graph.sha256, "missing"),)
    assert (report.versions, report.blobs) == (2, 5)
    assert registry.version("row") == second, "the others are not harmed"


def test_a_damaged_package_record_is_refused_but_can_be_deleted(
    registry: Registry, make: Make, tmp_path: Path
) -> None:
    registry.register("sprint", make("a"))
    for path in blobs(tmp_path):
        if path.read_bytes().startswith(b"{"):
            path.chmod(0o644)
            path.write_bytes(path.read_bytes().replace(b"rocket", b"racket"))
    with refused(Code.UNAVAILABLE, "sprint:1", "damaged"):
        registry.version("sprint")
    assert [problem.fault for problem in registry.verify().problems] == ["damaged"]
    registry.delete("sprint", 1)
    assert registry.verify().is_sound


def test_a_blob_gets_its_name_only_when_its_bytes_are_on_disk(
    registry: Registry, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, str]] = []
    sync, rename = os.fsync, Path.replace

    def noted_sync(descriptor: int) -> None:
        steps.append(("sync", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        sync(descriptor)

    def noted_rename(self: Path, target: Path) -> Path:
        steps.append((str(self), str(target)))
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_rename)
    files = registry.register("sprint", make("a")).package.files
    for file in files.values():
        (temporary,) = (before for before, after in steps if after == file.path)
        named = steps.index((temporary, file.path))
        assert ("sync", temporary) in steps[:named]
        assert ("sync", str(Path(file.path).parent)) in steps[named:]


def test_adding_a_blob_again_writes_nothing_and_mends_a_damaged_one(
    registry: Registry, make: Make
) -> None:
    graph = Path(registry.register("sprint", make("a")).package.files[GRAPH].path)
    before = graph.stat().st_ino
    registry.register("sprint", make("a"))
    assert graph.stat().st_ino == before
    graph.chmod(0o644)
    graph.write_bytes(b"x" * graph.stat().st_size)
    registry.register("sprint", make("a"))
    assert registry.verify().is_sound


def test_leftovers_go_after_the_grace_and_not_before(
    registry: Registry, make: Make, tmp_path: Path
) -> None:
    registry.register("sprint", make("a"))
    registry.register("sprint", make("b"))
    registry.delete("sprint", 2)
    temporary = blobs(tmp_path)[0].parent / ".tmp-left-by-a-kill"
    temporary.write_bytes(b"half")
    Registry.open(tmp_path / "registry").close()
    assert temporary.exists(), "its writer may still live"
    assert len(blobs(tmp_path)) == 6
    for path in (*blobs(tmp_path), temporary):
        age(path, hours=2)
    Registry.open(tmp_path / "registry").close()
    assert not temporary.exists()
    assert len(blobs(tmp_path)) == 3
    assert registry.verify().is_sound


def test_the_grace_counts_from_the_last_use(registry: Registry, make: Make, tmp_path: Path) -> None:
    registry.register("sprint", make("a"))
    registry.delete("sprint", 1)
    for path in blobs(tmp_path):
        age(path, hours=2)
    number = registry.register("sprint", make("a")).number
    registry.delete("sprint", number)
    Registry.open(tmp_path / "registry").close()
    assert len(blobs(tmp_path)) == 3, "a registration that was just made keeps them young"


def test_other_files_in_the_folder_are_left_alone(
    registry: Registry, make: Make, tmp_path: Path
) -> None:
    registry.register("sprint", make("a"))
    for path in (tmp_path / "registry" / "notes.txt", blobs(tmp_path)[0].parent / "notes.txt"):
        path.write_text("mine")
        age(path, hours=9)
    Registry.open(tmp_path / "registry", grace_s=0.0).close()
    assert (tmp_path / "registry" / "notes.txt").exists()
    assert len([path for path in blobs(tmp_path) if path.name == "notes.txt"]) == 1


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 65])
def test_a_digest_that_is_none_leads_nowhere(tmp_path: Path, digest: str) -> None:
    from stadion.registry import BlobStore

    with refused(Code.INVALID, "digest"):
        BlobStore(tmp_path).local_path(digest)
