"""An archive's database of any earlier Stadion in, one of this Stadion out."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn

from stadion.archive.rows import ActivityRow, Base
from stadion.core.errors import Code, StadionError

__all__ = ["SCHEMA", "bring_up_to_date", "is_up_to_date"]

SCHEMA = 2


def is_up_to_date(connection: sa.Connection) -> bool:
    """Whether the tables are those of this Stadion."""
    return bool(connection.exec_driver_sql("PRAGMA user_version").scalar_one() == SCHEMA)


def bring_up_to_date(connection: sa.Connection) -> None:
    """Make the tables, or give those of schema 1 what they lack, in the caller's transaction.

    Rows of schema 1 know no metrics: they are marked as stale, and measured when somebody asks.

    Raises
    ------
    StadionError
        UNSUPPORTED for the tables of a later Stadion.
    """
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version > SCHEMA:
        raise StadionError(Code.UNSUPPORTED, f"the archive has schema {version}; expected {SCHEMA}")
    if version == SCHEMA:
        return  # somebody else was faster
    if version == 1:
        _add_columns(connection)
    Base.metadata.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA}")


def _add_columns(connection: sa.Connection) -> None:
    held = {row[1] for row in connection.exec_driver_sql("PRAGMA table_info(activities)")}
    table = ActivityRow.__table__
    assert isinstance(table, sa.Table)  # noqa: S101  # tells mypy what SQLAlchemy made
    for column in table.columns:
        if column.name not in held:
            text = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE activities ADD COLUMN {text}")
    for index in table.indexes:
        index.create(connection, checkfirst=True)
    connection.exec_driver_sql(
        "UPDATE activities SET workout = id, is_stale = 1,"
        " end_us = start_us + CAST(duration_s * 1000000 AS INTEGER)"
    )
