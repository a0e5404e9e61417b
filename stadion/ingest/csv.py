"""Tables of delimited values with a time column in, one activity out."""

from __future__ import annotations

from collections.abc import Sequence

from stadion.core.activity import Activity, Source, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest.base import Member, digest_of
from stadion.ingest.tabular.guess import empty_table, note_habits
from stadion.ingest.tabular.layout import find_layout, rows_of
from stadion.ingest.tabular.mapping import ColumnMapping, grouped, mapping_of
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
        tables = [m for m in members if find_layout(m.head) is not None]
        return grouped(tables, members)

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
                note_habits(table, layout, chunk)
            table.add(chunk)
        facts = start_of(layout.preface, layout.delimiter, member.path, mapping.zone)
        return [table.activity(Source(self.name, digest_of(datas), member.path), facts)]


PLUGIN = CsvReader()
