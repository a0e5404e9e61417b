"""A backup holds everything of one moment; a restore brings it back whole, or changes nothing."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from stadion.core.deployment import Route
from stadion.core.errors import Code, StadionError
from stadion.registry import Registry, restore
from tests.registry.conftest import Make
from tests.registry.ledger import state_of
from tests.registry.packages import tar_bytes
from tests.registry.test_versions import refused


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    (folder / "ab").mkdir(parents=True)
    (folder / "ab" / "run.parquet").write_bytes(bytes(range(256)) * 40)
    (folder / "Übung 1.txt").write_text("notes")
    with closing(sqlite3.connect(folder / "catalogue.sqlite")) as catalogue:
        catalogue.execute("CREATE TABLE activities (id TEXT)")
        catalogue.execute("INSERT INTO activities VALUES ('run')")
        catalogue.commit()
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_was_backed_up_comes_back(filled: Registry, archive: Path, tmp_path: Path) -> None:
    before = state_of(filled)
    manifest = filled.backup(tmp_path / "b.tar", {"archive": archive, "unused": tmp_path / "none"})
    assert manifest.extra == ("archive", "unused")
    places = {"archive": tmp_path / "new" / "archive", "unused": tmp_path / "new" / "unused"}
    assert restore(tmp_path / "b.tar", tmp_path / "new" / "registry", extra=places) == manifest
    with Registry.open(tmp_path / "new" / "registry") as again:
        assert again.verify().is_sound
        assert state_of(again) == before
        assert again.models()[0].aliases == {"champion": 3}
        assert again.deployment("sprint") == filled.deployment("sprint")
        assert again.history("sprint") == filled.history("sprint")
        assert Path(again.version("sprint").package.files["model.onnx"].path).is_file()
        with refused(Code.NOT_FOUND):
            again.version("sprint:1")
    back, there = contents(places["archive"]), contents(archive)
    assert {k: v for k, v in back.items() if k != "catalogue.sqlite"} == {
        k: v for k, v in there.items() if k != "catalogue.sqlite"
    }
    with closing(sqlite3.connect(places["archive"] / "catalogue.sqlite")) as catalogue:
        assert catalogue.execute("SELECT * FROM activities").fetchall() == [("run",)]
    assert list(places["unused"].iterdir()) == []


def test_a_restored_registry_goes_on_counting(filled: Registry, make: Make, tmp_path: Path) -> None:
    filled.backup(tmp_path / "b.tar")
    restore(tmp_path / "b.tar", tmp_path / "new")
    with Registry.open(tmp_path / "new") as again:
        assert again.register("sprint", make("d")).number == 4
        assert again.record_deployment("sprint", [Route(4)]).generation == 5


def test_a_backup_is_a_plain_tar_with_checkable_digests(filled: Registry, tmp_path: Path) -> None:
    filled.backup(tmp_path / "b.tar")
    assert (tmp_path / "b.tar").stat().st_mode & 0o077 == 0, "it may hold personal data"
    with tarfile.open(tmp_path / "b.tar", "r:") as tar:
        members = {m.name: tar_bytes(tar, m) for m in tar.getmembers()}
    manifest = json.loads(members.pop("manifest.json"))
    members.pop("manifest.json.sha256")
    assert {n: hashlib.sha256(data).hexdigest() for n, data in members.items()} == {
        name: entry["sha256"] for name, entry in manifest["files"].items()
    }


def test_a_database_that_is_being_written_is_copied_as_of_one_moment(
    filled: Registry, archive: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(archive / "catalogue.sqlite")) as writer:
        writer.execute("INSERT INTO activities VALUES ('not yet committed')")
        filled.backup(tmp_path / "b.tar", {"archive": archive})
        writer.rollback()
    places = {"archive": tmp_path / "restored"}
    restore(tmp_path / "b.tar", tmp_path / "new", extra=places)
    assert "catalogue.sqlite-journal" not in contents(places["archive"])
    with closing(sqlite3.connect(places["archive"] / "catalogue.sqlite")) as catalogue:
        assert catalogue.execute("SELECT * FROM activities").fetchall() == [("run",)]


def test_a_restore_replaces_only_when_told(filled: Registry, make: Make, tmp_path: Path) -> None:
    filled.backup(tmp_path / "b.tar")
    before = state_of(filled)
    filled.register("sprint", make("later"))
    with refused(Code.CONFLICT, "not empty"):
        restore(tmp_path / "b.tar", tmp_path / "registry")
    assert len(filled.versions("sprint")) == 3
    restore(tmp_path / "b.tar", tmp_path / "registry", replace=True)
    assert state_of(filled) == before
    assert filled.verify().is_sound
    assert not list(tmp_path.glob(".tmp-*"))


def test_places_and_extra_folders_must_agree(
    filled: Registry, archive: Path, tmp_path: Path
) -> None:
    filled.backup(tmp_path / "b.tar", {"archive": archive})
    with refused(Code.INVALID, "archive"):
        restore(tmp_path / "b.tar", tmp_path / "new")
    with refused(Code.INVALID, "other"):
        places = {"archive": tmp_path / "x", "other": tmp_path / "y"}
        restore(tmp_path / "b.tar", tmp_path / "new", extra=places)
    with refused(Code.INVALID, "lie in the folder"):
        filled.backup(archive / "b.tar", {"archive": archive})
    (archive / "link").symlink_to("/etc/passwd")
    with refused(Code.INVALID, "'link'"):
        filled.backup(tmp_path / "c.tar", {"archive": archive})
    with refused(Code.INVALID, "folder that is there"):
        filled.backup(tmp_path / "nowhere" / "b.tar")
    with refused(Code.NOT_FOUND, "nothing.tar"):
        restore(tmp_path / "nothing.tar", tmp_path / "new")
    with refused(Code.INVALID, "'extra/archive'", "'registry'"):
        restore(tmp_path / "b.tar", tmp_path / "new", extra={"archive": tmp_path / "new" / "a"})
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "c.tar").exists()


def test_a_registry_with_a_damaged_blob_is_not_backed_up(filled: Registry, tmp_path: Path) -> None:
    graph = Path(filled.version("sprint:2").package.files["model.onnx"].path)
    sound = graph.read_bytes()
    graph.chmod(0o644)
    graph.write_bytes(b"x" * len(sound))
    with refused(Code.UNAVAILABLE, "damaged"):
        filled.backup(tmp_path / "b.tar")
    graph.unlink()
    with refused(Code.UNAVAILABLE, "missing"):
        filled.backup(tmp_path / "b.tar")
    assert not (tmp_path / "b.tar").exists()


def test_a_damaged_backup_is_refused_or_gives_back_exactly_the_same(
    filled: Registry, archive: Path, tmp_path: Path
) -> None:
    filled.backup(tmp_path / "b.tar", {"archive": archive})
    sound, chance = (tmp_path / "b.tar").read_bytes(), random.Random(4)
    restore(tmp_path / "b.tar", tmp_path / "r", extra={"archive": tmp_path / "a"})
    whole = contents(tmp_path / "r") | contents(tmp_path / "a")
    refusals = 0
    for turn in range(60):
        damaged = bytearray(sound)
        if turn % 3:
            damaged[chance.randrange(len(sound))] ^= 1 << chance.randrange(8)
        else:
            del damaged[chance.randrange(len(sound) - 20_480) :]  # tar pads to 10,240 bytes
        (tmp_path / "d.tar").write_bytes(damaged)
        for name in "ra":
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        code = _tried(tmp_path / "d.tar", tmp_path / "r", tmp_path / "a")
        if code is None:
            assert contents(tmp_path / "r") | contents(tmp_path / "a") == whole
            assert turn % 3, "a part of a backup was taken for a whole one"
        else:
            assert code in (Code.INVALID, Code.UNSUPPORTED)
            assert not (tmp_path / "r").exists()
            assert not (tmp_path / "a").exists()
            refusals += 1
    assert refusals > 40
    assert not list(tmp_path.glob(".tmp-*"))


def _tried(source: Path, folder: Path, archive: Path) -> Code | None:
    try:
        restore(source, folder, extra={"archive": archive})
    except StadionError as error:
        return error.code
    return None
