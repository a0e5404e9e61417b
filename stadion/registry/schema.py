"""The registry's tables, and the triggers that keep its log and versions as they were written."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    CheckConstraint,
    Connection,
    Dialect,
    ForeignKeyConstraint,
    String,
    TypeDecorator,
    UniqueConstraint,
    insert,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from stadion.core.errors import Code, StadionError

__all__ = [
    "SCHEMA_VERSION",
    "AliasRow",
    "DeletionRow",
    "DeploymentRow",
    "VersionRow",
    "create_schema",
    "has_schema",
]

SCHEMA_VERSION = 1


class Utc(TypeDecorator[datetime]):
    """A moment as ISO 8601 text in UTC; SQLite has no type for it."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """To text."""
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """From text."""
        return None if value is None else datetime.fromisoformat(value)


class Base(DeclarativeBase):
    """What all tables share."""


class SchemaRow(Base):
    """The one row that says which layout this database has."""

    __tablename__ = "registry_schema"
    version: Mapped[int] = mapped_column(primary_key=True)


class VersionRow(Base):
    """One registration, complete in one row: it is there as a whole or not at all.

    `package` names the blob with the package's JSON; `files` is JSON, name -> [sha256, bytes].
    """

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("model", "idempotency_key"),)
    model: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str]
    package: Mapped[str]
    package_bytes: Mapped[int]
    files: Mapped[str]
    created: Mapped[datetime] = mapped_column(Utc)
    idempotency_key: Mapped[str | None]


class DeletionRow(Base):
    """A version that is no more; its own row stays, so that its number is never used again."""

    __tablename__ = "deletions"
    __table_args__ = (
        ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"]),
    )
    model: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    created: Mapped[datetime] = mapped_column(Utc)


class AliasRow(Base):
    """A name that moves from version to version; the only rows that change."""

    __tablename__ = "aliases"
    __table_args__ = (
        ForeignKeyConstraint(["model", "number"], ["versions.model", "versions.number"]),
    )
    model: Mapped[str] = mapped_column(primary_key=True)
    alias: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]


class DeploymentRow(Base):
    """One change of what answers. `routes` is JSON, empty for an undeployment.

    A rollback names in `returns_to` the generation of the deployment that it brings back.
    """

    __tablename__ = "deployments"
    __table_args__ = (
        UniqueConstraint("model", "idempotency_key"),
        ForeignKeyConstraint(
            ["model", "returns_to"], ["deployments.model", "deployments.generation"]
        ),
        CheckConstraint("kind IN ('deploy', 'rollback', 'undeploy')"),
        CheckConstraint("(kind = 'rollback') = (returns_to IS NOT NULL)"),
    )
    model: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    routes: Mapped[str]
    reason: Mapped[str]
    returns_to: Mapped[int | None]
    created: Mapped[datetime] = mapped_column(Utc)
    idempotency_key: Mapped[str | None]


def _forbid(table: str, verb: str) -> tuple[str, str]:
    name = f"{table}_no_{verb.lower()}"
    return name, (
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def _rise(table: str, column: str) -> tuple[str, str]:
    # Also closes the side door INSERT OR REPLACE, which deletes without firing DELETE triggers.
    name = f"{table}_rise"
    return name, (
        f"CREATE TRIGGER {name} BEFORE INSERT ON {table} WHEN "  # noqa: S608  # constants below
        f"NEW.{column} IS NOT "
        f"(SELECT coalesce(max({column}), 0) + 1 FROM {table} WHERE model = NEW.model) "
        f"OR EXISTS (SELECT 1 FROM {table} "
        "WHERE model = NEW.model AND idempotency_key = NEW.idempotency_key) "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: {column} rises by one'); END"
    )


_DELETIONS_ONCE = (
    "CREATE TRIGGER deletions_once BEFORE INSERT ON deletions WHEN "
    "EXISTS (SELECT 1 FROM deletions WHERE model = NEW.model AND number = NEW.number) "
    "BEGIN SELECT RAISE(ABORT, 'deletions is append-only'); END"
)

_TRIGGERS = dict(
    [
        *(
            _forbid(t, v)
            for t in ("versions", "deletions", "deployments")
            for v in ("UPDATE", "DELETE")
        ),
        _rise("versions", "number"),
        _rise("deployments", "generation"),
        ("deletions_once", _DELETIONS_ONCE),
    ]
)


def create_schema(connection: Connection) -> None:
    """Make all tables and triggers; the caller's transaction makes that one step."""
    Base.metadata.create_all(connection)
    for statement in _TRIGGERS.values():
        connection.execute(text(statement))
    connection.execute(insert(SchemaRow).values(version=SCHEMA_VERSION))


def has_schema(connection: Connection) -> bool:
    """True when the tables are there, False when the database is empty.

    Raises
    ------
    StadionError
        UNSUPPORTED when a newer Stadion made them; INVALID when they are not ours or their
        triggers were altered.
    """
    found = connection.execute(text("SELECT type, name, sql FROM sqlite_schema")).all()
    if not found:
        return False
    if "registry_schema" not in {name for _, name, _ in found}:
        raise StadionError(Code.INVALID, "the registry's database holds other tables")
    _check_version(connection)
    acting = {name: sql for kind, name, sql in found if kind in ("trigger", "view")}
    if acting != _TRIGGERS:
        raise StadionError(
            Code.INVALID,
            "the registry's database does not have the triggers that keep its log append-only",
            "restore a backup",
        )
    return True


def _check_version(connection: Connection) -> None:
    version = connection.execute(text("SELECT max(version) FROM registry_schema")).scalar()
    if version != SCHEMA_VERSION:
        raise StadionError(
            Code.UNSUPPORTED,
            f"the registry has layout {version}; this Stadion knows layout {SCHEMA_VERSION}",
            "use the Stadion that wrote it, or a newer one",
        )
