"""Tracks in, CSV or Arrow out, for programs that want columns and not JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stadion.core.activity import Track
from stadion.core.arrays import Array
from stadion.core.channels import CHANNELS
from stadion.core.errors import Code, StadionError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FORMS", "MEDIA_TYPES", "tracks_as"]

MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
}
"""Form of streams -> its name on the wire."""


def tracks_as(tracks: Sequence[Track], form: str) -> bytes:
    """Tracks below one another: a column for the time and one a channel.

    Of several tracks, a first column says which subject a row is of. Missing values are empty
    in CSV and null in Arrow, whose fields carry their units.

    Raises
    ------
    StadionError
        INVALID for another form.
    """
    write = FORMS.get(form)
    if write is None:
        raise StadionError(
            Code.INVALID, f"format is {form!r}; expected one of {', '.join(MEDIA_TYPES)}"
        )
    return write(tracks)


def _columns(tracks: Sequence[Track]) -> dict[str, Array]:
    names = dict.fromkeys(name for track in tracks for name in track.channels)
    columns: dict[str, Array] = {}
    if len(tracks) > 1:
        subjects = [track.subject for track in tracks]
        columns["subject"] = np.repeat(subjects, [len(track) for track in tracks])
    columns["time_s"] = np.concatenate([np.empty(0), *(track.time_s for track in tracks)])
    for name in names:
        parts = [track.channels.get(name, np.full(len(track), np.nan)) for track in tracks]
        columns[name] = np.concatenate(parts)
    return columns


def _csv(tracks: Sequence[Track]) -> bytes:
    columns = _columns(tracks)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_heading(name) for name in columns])
    writer.writerows(zip(*(_texts(values) for values in columns.values()), strict=True))
    return text.getvalue().encode()


def _heading(name: str) -> str:
    channel = CHANNELS.get(name)
    return f"{name} ({channel.unit})" if channel else name


def _texts(values: Array) -> list[Any]:
    if values.dtype.kind == "U":
        return [str(value) for value in values.tolist()]
    # The shortest text that gives the same float32 or float64 back.
    return ["" if np.isnan(value) else str(value) for value in values]


def _arrow(tracks: Sequence[Track]) -> bytes:
    import pyarrow as pa
    from pyarrow import ipc

    fields, arrays = [], []
    for name, values in _columns(tracks).items():
        array = _arrow_column(pa, values)
        fields.append(pa.field(name, array.type, metadata=_unit(name)))
        arrays.append(array)
    table = pa.table(arrays, schema=pa.schema(fields))
    sink = io.BytesIO()
    with ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _arrow_column(pa: Any, values: Array) -> pa.Array:
    if values.dtype.kind == "U":
        return pa.array(values.astype(object), pa.string()).dictionary_encode()
    return pa.array(values, from_pandas=True)  # NaN becomes null


def _unit(name: str) -> Mapping[str, str]:
    channel = CHANNELS.get(name)
    return {"unit": channel.unit if channel else ("s" if name == "time_s" else "")}


FORMS: dict[str, Callable[[Sequence[Track]], bytes]] = {"csv": _csv, "arrow": _arrow}
"""Form -> what writes it."""
