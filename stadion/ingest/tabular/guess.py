"""A table's first rows in, what each column is taken for and why out."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from stadion.core.channels import CHANNELS
from stadion.core.errors import Code, StadionError
from stadion.ingest.tabular.clock import Clock
from stadion.ingest.tabular.columns import Column, Notation, channel_of
from stadion.ingest.tabular.jsonrows import filled
from stadion.ingest.tabular.layout import Layout, find_layout, rows_of
from stadion.ingest.tabular.mapping import ColumnMapping
from stadion.ingest.tabular.numbers import has_decimal_comma
from stadion.ingest.tabular.table import Table
from stadion.ingest.tabular.words import Meaning

__all__ = ["ColumnGuess", "Guess", "empty_table", "guess", "note_habits"]

_SAMPLE_BYTES = 1 << 16
_SAMPLE_ROWS = 500


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """What one column is taken for.

    Parameters
    ----------
    header
        As it stands in the file.
    channel
        The channel, or `time`, `lap`, `athlete`; empty when the column is left out.
    unit
        The file's unit; empty when it does not say and the channel's own is assumed.
    sample
        A value as it stands in the file, and `value` the number it becomes, in `becomes`.
    left_out
        Why the column gives no channel; empty when it does.
    """

    header: str
    channel: str
    unit: str
    sample: str
    value: float
    becomes: str
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Guess:
    """How a table is read when nobody states otherwise."""

    encoding: str
    delimiter: str
    columns: tuple[ColumnGuess, ...]
    notes: tuple[str, ...] = ()

    def mapping(self) -> ColumnMapping:
        """The same as a statement, to be changed where it is wrong."""
        stated = {
            guess.header: Meaning(_role(guess.channel), guess.channel, guess.unit)
            if guess.channel
            else None
            for guess in self.columns
        }
        return ColumnMapping(stated)

    def __str__(self) -> str:
        """One line per column, for people."""
        lines = [f"{'column':24} {'taken as':24} {'sample':20} becomes"]
        for guess in self.columns:
            taken = f"{guess.channel}[{guess.unit}]" if guess.unit else guess.channel
            shown = guess.left_out or (
                f"{guess.value:g} {guess.becomes}" if np.isfinite(guess.value) else ""
            )
            lines.append(
                f"{guess.header[:24]:24} {(taken or '-')[:24]:24} {guess.sample[:20]:20} {shown}"
            )
        return "\n".join([*lines, *self.notes])


def guess(data: bytes) -> Guess:
    r"""What the columns of a table are taken for, told by its header and first rows.

    Parameters
    ----------
    data
        The file; of a delimited table its first 64 KiB will do, JSON must be whole.

    Raises
    ------
    StadionError
        INVALID for what is neither a table with a header nor JSON of rows or columns.

    Examples
    --------
    >>> found = guess("Zeit;Puls (bpm);Tempo (min/km);Notiz\n0;120;5:00;los\n".encode())
    >>> [(c.header, c.channel, c.unit, c.left_out) for c in found.columns][:2]
    [('Zeit', 'time', '', ''), ('Puls', 'heart_rate', 'bpm', '')]
    >>> round(found.columns[2].value, 3), found.columns[3].left_out
    (3.333, "holds text such as 'los'")
    """
    table, encoding, delimiter = _sampled(data)
    try:
        clock: Clock | None = table.clock()
        notes = [] if clock is None else [repair.what for repair in clock.repairs]
    except StadionError as error:
        clock, notes = None, [error.message]
    taken: dict[str, str] = {}
    columns = [_told(column, table, clock, taken) for column in table.columns]
    return Guess(encoding, delimiter, tuple(columns), tuple(notes))


def _sampled(data: bytes) -> tuple[Table, str, str]:
    """The table of the first rows, how it is encoded and what parts its columns."""
    if data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        table = Table([], ColumnMapping())
        filled(table, data)
        return table, "utf-8", "JSON"
    layout = find_layout(data)
    if layout is None:
        raise StadionError(Code.INVALID, "no header with a row of as many fields below it")
    table = empty_table(layout, ColumnMapping())
    cut = data[:_SAMPLE_BYTES]
    if len(data) > _SAMPLE_BYTES:
        cut = cut[: cut.rfind(b"\n") + 1 or None]
    sample = list(
        itertools.islice(itertools.chain.from_iterable(rows_of(cut, layout)), _SAMPLE_ROWS)
    )
    note_habits(table, layout, sample)
    table.add(sample)
    return table, layout.encoding, layout.delimiter


def empty_table(layout: Layout, mapping: ColumnMapping) -> Table:
    """The table of a layout, its rows still to be added."""
    headers = [(heading.name, heading.unit) for heading in layout.columns]
    table = Table.of(headers, mapping)
    table.is_trimmed = layout.is_trimmed
    return table


def note_habits(table: Table, layout: Layout, rows: list[list[str]]) -> None:
    """Tell the table what its first rows show of how its country writes numbers and dates."""
    is_comma_free = layout.delimiter != ","
    fields = [field for row in rows[:100] for field in row if "," in field]
    table.notation = Notation(is_comma_free, is_comma_free and has_decimal_comma(fields))
    table.is_day_first = table.notation.uses_comma or layout.delimiter == ";"


def _role(channel: str) -> str:
    return channel if channel in ("time", "lap", "athlete") else "channel"


def _told(column: Column, table: Table, clock: Clock | None, taken: dict[str, str]) -> ColumnGuess:
    header, meaning, sample = column.header, column.meaning, column.sample
    nan = float("nan")
    if meaning.role == "time":
        if clock and header in clock.headers:
            return ColumnGuess(header, "time", meaning.unit, sample, nan, "s")
        other = clock.headers[0] if clock else ""
        why = f"the time is taken from {other!r}" if other else "holds no time that can be read"
        return ColumnGuess(header, "", meaning.unit, sample, nan, "", why)
    if meaning.role in ("lap", "athlete"):
        return ColumnGuess(header, meaning.role, "", sample, nan, "")
    why = _why_not(column, table)
    if why:
        return ColumnGuess(header, "", meaning.unit, sample, nan, "", why)
    name, values, _ = channel_of(column)
    known = values[np.isfinite(values)]
    first = taken.setdefault(name, header)
    if not len(known):
        why = "holds no value in the first rows"
    elif first != header:
        why = f"only fills the gaps of {first!r}"
    unit = CHANNELS[name].unit if name in CHANNELS else meaning.unit
    value = float(known[0]) if len(known) else nan
    return ColumnGuess(header, name, meaning.unit, sample, value, unit, why)


def _why_not(column: Column, table: Table) -> str:
    if column.meaning.role == "left out":
        return "stated to be left out"
    if column.meaning.role == "number":
        return "numbers the rows"
    if not column.header.strip():
        return "has no name"
    if not column.is_numeric(table.rows):
        return f"holds text such as {column.odd[:30]!r}"
    return ""
