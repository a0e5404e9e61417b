"""A table with named columns in, input arrays out: columns find the inputs by their names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

import msgspec

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Tensor
from stadion.serve.protocols._instances import check_pieces, parse_json
from stadion.serve.tensors import read_json_values

__all__ = ["Frame", "arrays_of", "frame_of_csv", "frame_of_records", "frame_of_split"]

_MISSING = {"", "nan", "na", "n/a", "null", "none"}
_NULL = b"null"


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows of cells, each the JSON text of its value, or with `is_text` what CSV has there.

    `columns` is None where they have no names.
    """

    columns: tuple[str, ...] | None
    rows: Sequence[Sequence[Any]]
    is_text: bool = False

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.rows[0])


class _Split(msgspec.Struct):
    """A table as pandas writes it with orient='split'; its index is not read."""

    data: list[list[msgspec.Raw]]
    columns: list[str | int] | None = None


def frame_of_split(text: bytes) -> Frame:
    """`dataframe_split`: {"columns": names, "data": rows}.

    Raises
    ------
    StadionError
        INVALID when it is no such object, or its rows differ in length.
    """
    check_pieces(text.count(b","), "dataframe_split")
    split = parse_json(text, _SPLIT, "dataframe_split")
    columns = None if split.columns is None else tuple(map(str, split.columns))
    return _checked(Frame(columns, split.data), "dataframe_split")


def frame_of_records(text: bytes) -> Frame:
    """`dataframe_records`: one object per row; what a row does not name is missing there.

    Raises
    ------
    StadionError
        INVALID when it is no list of objects.
    """
    check_pieces(text.count(b":"), "dataframe_records")
    records = parse_json(text, _RECORDS, "dataframe_records")
    columns = tuple(dict.fromkeys(chain.from_iterable(records)))
    check_pieces(len(columns) * len(records), "dataframe_records")  # with those left out
    rows = [[record.get(name, _NULL) for name in columns] for record in records]
    return _checked(Frame(columns, rows), "dataframe_records")


def frame_of_csv(text: str) -> Frame:
    """Comma-separated values below a line of names; empty, NaN, NA or null is missing.

    Raises
    ------
    StadionError
        INVALID when it is no CSV, or its rows differ in length.
    """
    check_pieces(text.count(",") + text.count("\n"), "the CSV")
    try:
        lines = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error as error:
        raise _invalid(f"the body is no CSV: {error}") from None
    if not lines:
        raise _invalid("the CSV is empty; expected a line of column names and rows below it")
    return _checked(Frame(tuple(lines[0]), lines[1:], is_text=True), "the CSV")


def arrays_of(frame: Frame, inputs: Mapping[str, Tensor]) -> dict[str, Array]:
    """The inputs of a model from a table; columns that no input asks for are not read.

    An input takes the column of its name. An input of two axes takes the columns that the
    signature names, in any order; the only input of a model, where it names none, takes all
    columns as they stand.

    Raises
    ------
    StadionError
        INVALID, naming the columns that are missing or the tensor that is wrong.
    """
    return {name: _array_of(frame, tensor, len(inputs) == 1) for name, tensor in inputs.items()}


def _array_of(frame: Frame, tensor: Tensor, is_only: bool) -> Array:
    columns, axes = frame.columns, len(tensor.shape)
    if columns is not None and tensor.name in columns:
        return _from_column(frame, tensor, columns.index(tensor.name))
    if axes == 2 and tensor.columns and columns is not None:
        return _from_columns(frame, tensor, _places(columns, tensor))
    if axes == 2 and is_only:
        _check_width(frame, tensor, tensor.shape[1])
        return _from_columns(frame, tensor, range(frame.width))
    if axes == 1 and is_only:
        _check_width(frame, tensor, 1)
        return _from_column(frame, tensor, 0)
    raise _invalid(
        f"there is no column {tensor.name!r} for the input of that name; received {_short(columns)}"
    )


def _from_column(frame: Frame, tensor: Tensor, place: int) -> Array:
    """A value, or a nested list of them, in each row."""
    text = _joined(frame, map(itemgetter(place), frame.rows), tensor)
    array = read_json_values(text, tensor.datatype, tensor.name)
    if len(array) != len(frame.rows):  # a cell held more than one value
        raise _invalid(f"column {tensor.name!r} has {len(array)} values in {len(frame.rows)} rows")
    is_flat = array.ndim == 1 and len(tensor.shape) == 2 and tensor.shape[1] in (None, 1)
    return array.reshape(-1, 1) if is_flat else array


def _from_columns(frame: Frame, tensor: Tensor, places: Sequence[int]) -> Array:
    rows: Iterable[Sequence[Any]] = frame.rows
    if len(places) == 1:
        rows = ((row[places[0]],) for row in frame.rows)
    elif list(places) != list(range(frame.width)):
        rows = map(itemgetter(*places), frame.rows)
    text = _joined(frame, chain.from_iterable(rows), tensor)
    shape = (len(frame.rows), len(places))
    return read_json_values(text, tensor.datatype, tensor.name, shape)


def _joined(frame: Frame, cells: Iterable[Any], tensor: Tensor) -> bytes:
    """The cells as one JSON list."""
    if frame.is_text:
        written = msgspec.json.encode if tensor.datatype == "BYTES" else _number
        cells = map(written, cells)
    return b"[%b]" % b",".join(cells)


def _number(cell: str) -> bytes:
    """A number or truth as JSON has it; what is neither is found out by who reads it."""
    text = cell.strip().lower()
    return _NULL if text in _MISSING else text.encode()


def _places(columns: tuple[str, ...], tensor: Tensor) -> list[int]:
    known = {name: place for place, name in enumerate(columns)}
    absent = [name for name in tensor.columns if name not in known]
    if absent:
        raise _invalid(
            f"columns {absent[:16]} of input {tensor.name!r} are missing; "
            f"received {_short(columns)}"
        )
    return [known[name] for name in tensor.columns]


def _check_width(frame: Frame, tensor: Tensor, wanted: int | None) -> None:
    if wanted is not None and frame.width != wanted:
        raise _invalid(f"the table has {frame.width} columns; input {tensor.name!r} takes {wanted}")


def _checked(frame: Frame, what: str) -> Frame:
    if not frame.rows:
        raise _invalid(f"{what} has no rows; expected at least one")
    width = frame.width if frame.columns is None else len(frame.columns)
    if not width:
        raise _invalid(f"{what} has no columns; expected at least one")
    if any(len(row) != width for row in frame.rows):
        at, row = next((n, row) for n, row in enumerate(frame.rows) if len(row) != width)
        raise _invalid(f"row {at} of {what} has {len(row)} cells; expected {width}")
    if frame.columns is not None and len(set(frame.columns)) != width:
        twice = next(name for name in frame.columns if frame.columns.count(name) > 1)
        raise _invalid(f"column {twice[:80]!r} of {what} is there twice; expected once")
    return frame


def _short(names: Sequence[str] | None) -> list[str]:
    return [name[:80] for name in (names or ())[:16]]


def _invalid(text: str) -> StadionError:
    return StadionError(Code.INVALID, text)


_SPLIT = msgspec.json.Decoder(_Split)
_RECORDS: msgspec.json.Decoder[list[dict[str, Any]]] = msgspec.json.Decoder(
    list[dict[str, msgspec.Raw]]
)
