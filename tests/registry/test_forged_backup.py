"""A backup that somebody forged, or that is none at all, is refused and changes nothing."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from stadion.core.errors import Code
from stadion.registry import Registry, restore
from tests.registry.packages import tar_bytes
from tests.registry.test_versions import refused


class Forger:
    """Takes a sound backup apart and writes one of its own, with a manifest that agrees."""

    def __init__(self, source: Path) -> None:
        with tarfile.open(source, "r:") as tar:
            self.files = {m.name: tar_bytes(tar, m) for m in tar.getmembers()}
        self.manifest = json.loads(self.files.pop("manifest.json"))
        self.files.pop("manifest.json.sha256")
        self.odd: list[tarfile.TarInfo] = []

    def write(self, target: Path) -> None:
        listed = {n: {"bytes": len(d), "sha256": _sha(d)} for n, d in self.files.items()}
        manifest = json.dumps(self.manifest | {"files": listed}).encode()
        papers = {"manifest.json": manifest, "manifest.json.sha256": _sha(manifest).encode()}
        with tarfile.open(target, "w") as tar:
            for name, data in (self.files | papers).items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            for info in self.odd:
                tar.addfile(info, io.BytesIO(bytes(info.size)))


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def forger(filled: Registry, tmp_path: Path) -> Forger:
    filled.backup(tmp_path / "b.tar")
    return Forger(tmp_path / "b.tar")


def test_the_forger_can_write_a_backup_that_is_taken(forger: Forger, tmp_path: Path) -> None:
    forger.write(tmp_path / "forged.tar")
    restore(tmp_path / "forged.tar", tmp_path / "new")


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "registry/../../evil",
        "/evil",
        "registry/blobs/../../evil",
        "registry/notes.txt",
        "registry//registry.sqlite",
        "evil",
        "extra/archive/../../evil",
        "registry/blobs/ab/" + "c" * 61,
        "registry/a\nb",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(forger: Forger, tmp_path: Path, name: str) -> None:
    forger.files[name] = b"evil"
    forger.write(tmp_path / "forged.tar")
    before = set(tmp_path.parent.rglob("*"))
    with refused(Code.INVALID):
        restore(tmp_path / "forged.tar", tmp_path / "new")
    assert set(tmp_path.parent.rglob("*")) == before
    assert not Path("/evil").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_a_member_that_is_no_plain_file_is_refused(
    forger: Forger, tmp_path: Path, kind: bytes
) -> None:
    odd = tarfile.TarInfo("registry/blobs/aa/" + "b" * 62)
    odd.type, odd.linkname = kind, "/etc/passwd"
    forger.odd.append(odd)
    forger.write(tmp_path / "forged.tar")
    with refused(Code.INVALID, "no plain file"):
        restore(tmp_path / "forged.tar", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_backup_that_lacks_or_adds_something_is_refused(forger: Forger, tmp_path: Path) -> None:
    target, blobs = tmp_path / "forged.tar", [n for n in forger.files if "blobs" in n]
    whole = dict(forger.files)
    del forger.files[blobs[0]]
    forger.write(target)
    with refused(Code.INVALID, "damaged registry", "missing"):
        restore(target, tmp_path / "new")
    forger.files = whole | {blobs[0]: whole[blobs[0]] + b"x"}
    forger.write(target)
    with refused(Code.INVALID, "damaged registry", "damaged"):
        restore(target, tmp_path / "new")
    forger.files = {n: d for n, d in whole.items() if n in blobs}
    forger.write(target)
    with refused(Code.INVALID, "no registry"):
        restore(target, tmp_path / "new")
    forger.files = whole | {"registry/registry.sqlite": b"junk" * 4096}
    forger.write(target)
    with refused(Code.INVALID, "cannot be used"):
        restore(target, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_database_whose_rules_were_changed_is_refused(forger: Forger, tmp_path: Path) -> None:
    path = tmp_path / "changed.sqlite"
    path.write_bytes(forger.files["registry/registry.sqlite"])
    with closing(sqlite3.connect(path)) as changed:
        changed.execute("DROP TRIGGER deployments_no_delete")
    forger.files["registry/registry.sqlite"] = path.read_bytes()
    forger.write(tmp_path / "forged.tar")
    with refused(Code.INVALID, "triggers"):
        restore(tmp_path / "forged.tar", tmp_path / "new")


def test_a_newer_format_is_refused(forger: Forger, tmp_path: Path) -> None:
    forger.manifest["format"] = 2
    forger.write(tmp_path / "forged.tar")
    with refused(Code.UNSUPPORTED, "format 2"):
        restore(tmp_path / "forged.tar", tmp_path / "new")


@pytest.mark.parametrize("junk", [b"", b"junk" * 1000, bytes(10_240), os.urandom(4096)])
def test_what_is_no_backup_is_refused(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "b.tar").write_bytes(junk)
    with refused(Code.INVALID):
        restore(tmp_path / "b.tar", tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["b.tar"]
