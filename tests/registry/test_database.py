"""The database itself forbids what must not happen, and is opened only when it is ours."""

from __future__ import annotations

import multiprocessing
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from stadion.core.deployment import Route
from stadion.core.errors import Code
from stadion.core.package import ModelPackage
from stadion.registry import Registry
from stadion.registry.database import Database
from tests.registry.conftest import Make
from tests.registry.test_versions import refused


@pytest.fixture
def database(registry: Registry, make: Make, tmp_path: Path) -> Path:
    for label in "ab":
        registry.register("sprint", make(label), idempotency_key=label)
    registry.delete("sprint", 2)
    registry.record_deployment("sprint", [Route(1)], idempotency_key="d")
    return tmp_path / "registry" / "registry.sqlite"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE versions SET digest = 'x'",
        "UPDATE versions SET number = 9",
        "DELETE FROM versions",
        "UPDATE deployments SET routes = '[]'",
        "DELETE FROM deployments",
        "DELETE FROM deletions",
        "UPDATE deletions SET number = 1",
        "INSERT OR REPLACE INTO deletions SELECT * FROM deletions",
        "INSERT OR REPLACE INTO versions SELECT * FROM versions",
        "INSERT OR REPLACE INTO deployments SELECT * FROM deployments",
        "INSERT INTO versions SELECT model, 9, digest, package, package_bytes, files, created, "
        "NULL FROM versions LIMIT 1",
        "INSERT OR REPLACE INTO versions SELECT model, 3, digest, package, package_bytes, files, "
        "created, idempotency_key FROM versions LIMIT 1",
    ],
)
def test_the_log_and_the_versions_cannot_be_rewritten(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database)) as foreign:
        before = list(foreign.iterdump())
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            foreign.execute(statement)
        foreign.rollback()
        assert list(foreign.iterdump()) == before


def test_an_alias_cannot_name_what_is_not_there(database: Path) -> None:
    with (
        refused(Code.CONFLICT, "FOREIGN KEY"),
        Database(database).write("set an alias") as session,
    ):
        session.execute(text("INSERT INTO aliases VALUES ('sprint', 'best', 99)"))


def test_it_is_opened_as_the_promises_need_it(database: Path) -> None:
    with Database(database).read("look") as session:
        found = {
            name: session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {
        "journal_mode": "truncate",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


def test_a_database_in_wal_mode_is_taken_out_of_it(database: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(database)) as foreign:
        assert foreign.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
    with Registry.open(tmp_path / "registry") as registry:
        assert registry.verify().is_sound
    with closing(sqlite3.connect(database)) as foreign:
        assert foreign.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_newer_layout_is_refused(database: Path) -> None:
    with closing(sqlite3.connect(database)) as foreign:
        foreign.execute("UPDATE registry_schema SET version = 7")
        foreign.commit()
    with refused(Code.UNSUPPORTED, "layout 7", "layout 1"):
        Registry.open(database.parent)


def test_a_registry_without_its_triggers_is_refused(database: Path) -> None:
    with closing(sqlite3.connect(database)) as foreign:
        foreign.execute("DROP TRIGGER versions_no_update")
    with refused(Code.INVALID, "triggers"):
        Registry.open(database.parent)


def test_a_database_of_somebody_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    with closing(sqlite3.connect(path)) as foreign:
        foreign.execute("CREATE TABLE runners (name TEXT)")
    before = path.read_bytes()
    with refused(Code.INVALID, "other tables"):
        Registry.open(tmp_path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "registry.sqlite").write_bytes(b"not a database " * 100)
    with refused(Code.UNAVAILABLE, "no database"):
        Registry.open(tmp_path)


def test_a_damaged_database_is_reported(database: Path) -> None:
    registry = Registry.open(database.parent)
    pages = database.stat().st_size // 4096
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * (pages - 1))
    with refused(Code.UNAVAILABLE, "damaged", "restore a backup"):
        registry.versions("sprint")
    with refused(Code.UNAVAILABLE, "damaged"):
        registry.verify()


def test_a_folder_that_vanished_is_a_sentence(registry: Registry, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "registry")
    with refused(Code.UNAVAILABLE, "cannot be opened"):
        registry.models()


def test_it_may_be_used_on_both_sides_of_a_fork(registry: Registry, make: Make) -> None:
    registry.register("sprint", make("a"))
    child = multiprocessing.get_context("fork").Process(
        target=_register, args=(registry, make("b"))
    )
    child.start()
    registry.register("sprint", make("c"))
    child.join(20)
    assert child.exitcode == 0
    assert [v.number for v in registry.versions("sprint")] == [1, 2, 3]
    assert registry.verify().is_sound


def _register(registry: Registry, package: ModelPackage) -> None:
    registry.register("sprint", package)
