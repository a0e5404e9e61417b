"""Tables of delimited values with a time column in, one activity out."""

from __future__ import annotations

from collections.abc import Sequence

from stadion.core.activity import Activity, Source, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest.base import Member, digest_of
from stadion.ingest.tabular.guess import empty_table, notation_of
from stadion.ingest.tabular.layout import find_layout, rows_of
from stadion.ingest.tabular.mapping import ColumnMapping, mapping_name, mapping_of
from stadion.ingest.tabular.preface import start_of

__all__ = ["PLUGIN", "CsvReader"]


class CsvReader:
    """One row a moment, in the notation of any country; units in the header are converted.

    What each column is taken for is shown by `tabular.guess.guess`. Where that is wrong, a file
    `NAME.mapping.json` beside the table states it, or a `mapping.json` where the folder holds
    no other table; `tabular.mapping` says how, and makes one.
    """

    name = "csv"
    layout = "Delimited text with a header, one of whose columns is a time; any decimal sign."
    guesses = True

    def example(self) -> list[Member]:
        """Two seconds of a ride, and what one of its columns means."""
        return [
            Member.of("ride.csv", b"time (s),speed (km/h),HR,X\n0,36.0,120,7\n1,,121,8\n"),
            Member.of("ride.csv.mapping.json", b'{"columns": {"X": "power[W]"}}'),
        ]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Texts that begin with a header and a row of as many fields, with their mappings."""
        tables = [member for member in members if find_layout(member.head) is not None]
        beside = {m.path: m for m in members if m.path.lower().endswith("mapping.json")}
        groups = []
        for member in tables:
            mapping = beside.get(mapping_name(member.path))
            if mapping is None and beside:
                mapping = _of_folder(member, tables, beside)
            groups.append([member] if mapping is None else [member, mapping])
        return groups

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity; columns of numbers are its channels."""
        datas = [member.data for member in group]
        mapping = mapping_of(datas[1]) if len(datas) > 1 else ColumnMapping()
        member, data = group[0], datas[0]
        layout = find_layout(data)
        if layout is None:
            raise StadionError(Code.INVALID, "no header with a row of as many fields below it")
        table = empty_table(layout, mapping)
        for chunk in rows_of(data, layout):
            if not table.rows:
                table.notation = notation_of(layout, chunk)
                table.is_day_first = table.notation.uses_comma or layout.delimiter == ";"
            table.add(chunk)
        facts = start_of(layout.preface, layout.delimiter, member.path, mapping.zone)
        return [table.activity(Source(self.name, digest_of(datas), member.path), facts)]


def _of_folder(table: Member, tables: Sequence[Member], beside: dict[str, Member]) -> Member | None:
    """The `mapping.json` of a folder that holds one table only."""
    folder = table.path.rpartition("/")[0]
    if sum(other.path.rpartition("/")[0] == folder for other in tables) > 1:
        return None
    return beside.get(f"{folder}/mapping.json" if folder else "mapping.json")


PLUGIN = CsvReader()
