"""Tables in, kept on disk once each as Parquet files; all of a kind, and erased, out."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stadion.archive.disk import disk_error, sync_folder
from stadion.core.activity import Repair, Source, Table
from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError

__all__ = ["TableSummary", "Tables"]

_ABOUT = b"stadion.table"
_NAME = re.compile(r"(?P<id>[0-9a-f]{64})-(?P<sum>[0-9a-f]{64})\.parquet")
_PEOPLE = ("person", "athlete")
"""Columns that say whose a row is."""
_DAMAGED = (pa.ArrowException, OSError, ValueError, KeyError, TypeError)


@dataclass(frozen=True, slots=True)
class TableSummary:
    """What is known of a table without reading its rows."""

    id: str
    kind: str
    rows: int
    columns: tuple[str, ...]
    reader: str
    name: str


@dataclass(frozen=True, slots=True)
class Tables:
    """A folder of tables. A file is whole when it has its name, which holds its SHA-256.

    The same table of the same bytes is kept once. Safe for several processes: two that keep one
    table at once write the same file.
    """

    folder: Path

    def add_all(self, tables: Iterable[Table]) -> list[bool]:
        """Keep tables; False for each whose like is there already.

        Raises
        ------
        StadionError
            UNAVAILABLE when the disk refuses.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            known = {found["id"] for _, found in self._files()}
            added = []
            for table in tables:
                id = _id_of(table)
                added.append(id not in known)
                if id not in known:
                    known.add(id)
                    self._write(id, table)
        except OSError as error:
            raise disk_error(error) from error
        return added

    def find(self) -> list[TableSummary]:
        """What there is, by kind and the name of the file it came from."""
        found = [self._summary(path, parts["id"]) for path, parts in self._files()]
        return sorted(found, key=lambda summary: (summary.kind, summary.name, summary.id))

    def read(self) -> list[Table]:
        """All tables, in the order of `find`.

        Raises
        ------
        StadionError
            INTERNAL when a file is not the one its name says.
        """
        paths = {parts["id"]: path for path, parts in self._files()}
        return [_read(paths[summary.id]) for summary in self.find()]

    def erase(self, id: str) -> bool:
        """Forget a table; False when there is none of that id."""
        gone = False
        for path, parts in self._files():
            if parts["id"] == id:
                path.unlink(missing_ok=True)
                gone = True
        if gone:
            sync_folder(self.folder)
        return gone

    def erase_person(self, person: str) -> int:
        """Forget the rows of a person in every table that has such a column; how many went.

        A table that is only his goes whole. One that is left keeps its id: the same file given
        again does not bring him back.
        """
        gone = 0
        for path, parts in self._files():
            table = _read(path)
            keep = np.ones(len(table), np.bool_)
            for name in _PEOPLE:
                if name in table.columns:
                    keep &= table.columns[name].astype("U") != person
            if keep.all():
                continue
            gone += int((~keep).sum())
            if keep.any():
                columns = {name: values[keep] for name, values in table.columns.items()}
                self._write(parts["id"], Table(table.kind, columns, table.units, table.source))
            path.unlink(missing_ok=True)
        if gone:
            sync_folder(self.folder)
        return gone

    def _files(self) -> list[tuple[Path, dict[str, str]]]:
        if not self.folder.is_dir():
            return []
        named = ((path, _NAME.fullmatch(path.name)) for path in sorted(self.folder.iterdir()))
        return [(path, match.groupdict()) for path, match in named if match]

    def _write(self, id: str, table: Table) -> None:
        data = _parquet(table)
        draft = self.folder / f"{uuid.uuid4().hex}.tmp"
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.folder / f"{id}-{hashlib.sha256(data).hexdigest()}.parquet")
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        sync_folder(self.folder)

    def _summary(self, path: Path, id: str) -> TableSummary:
        try:
            with pq.ParquetFile(path) as file:
                about: dict[str, Any] = json.loads(file.schema_arrow.metadata[_ABOUT])
                return TableSummary(
                    id, about["kind"], file.metadata.num_rows, tuple(about["units"]),
                    about["source"]["reader"], about["source"]["name"],
                )  # fmt: skip
        except _DAMAGED as error:
            raise _damage(path, error) from error


def _id_of(table: Table) -> str:
    """Follows the bytes it came from, its kind and the names of its columns."""
    parts = [table.source.digest, table.kind, str(len(table)), *table.columns]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _parquet(table: Table) -> bytes:
    """Whole file; what is no column stands in its metadata."""
    source = table.source
    about = {
        "kind": table.kind,
        "units": {name: table.units.get(name, "") for name in table.columns},
        "types": {name: values.dtype.str for name, values in table.columns.items()},
        "source": {
            "reader": source.reader,
            "digest": source.digest,
            "name": source.name,
            "repairs": [[repair.what, repair.count] for repair in source.repairs],
        },
    }
    arrays = [pa.array(_plain(values)) for values in table.columns.values()]
    names = [f"c{place}" for place in range(len(arrays))]
    held = pa.table(arrays, names=names).replace_schema_metadata({_ABOUT: json.dumps(about)})
    buffer = io.BytesIO()
    pq.write_table(held, buffer, compression="zstd", write_page_checksum=True)
    return buffer.getvalue()


def _plain(values: Array) -> Array:
    """Dates as whole numbers, so that every unit of numpy's comes back as it was."""
    if values.dtype.kind == "M":
        return values.astype(np.int64)
    return values.astype(object) if values.dtype.kind == "U" else values


def _read(path: Path) -> Table:
    try:
        data = path.read_bytes()
        if not path.name.endswith(f"-{hashlib.sha256(data).hexdigest()}.parquet"):
            raise ValueError("another digest")
        with pq.ParquetFile(io.BytesIO(data)) as file:
            about = json.loads(file.schema_arrow.metadata[_ABOUT])
            held = file.read()
        columns = {
            name: np.asarray(held.column(place).to_numpy(zero_copy_only=False)).astype(kind)
            for place, (name, kind) in enumerate(about["types"].items())
        }
        source = about["source"]
        repairs = tuple(Repair(what, count) for what, count in source["repairs"])
        origin = Source(source["reader"], source["digest"], source["name"], repairs)
        return Table(about["kind"], columns, about["units"], origin)
    except _DAMAGED as error:
        raise _damage(path, error) from error


def _damage(path: Path, error: Exception) -> StadionError:
    return StadionError(
        Code.INTERNAL,
        f"the stored table {path.stem[:12]} is damaged ({type(error).__name__})",
        "erase it and ingest its file again",
    )
