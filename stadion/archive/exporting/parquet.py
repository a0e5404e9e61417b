"""An activity in, a Parquet file with one row a moment and units in its metadata out."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stadion.archive.document import document_of
from stadion.core.activity import Activity, Track
from stadion.core.arrays import Array, FloatArray
from stadion.core.channels import CHANNELS

__all__ = ["written"]

_OWN = frozenset(("subject", "timestamp", "time_s"))


def written(activity: Activity) -> bytes:
    """Columns `subject` (of several tracks), `timestamp` (UTC), `time_s` and one per channel.

    A channel of one of these names is called `channel_...`. Missing values are null. Each
    field's metadata names its `unit`; the table's metadata holds everything else as JSON under
    `stadion.activity`.
    """
    tracks = activity.tracks
    fields: list[pa.Field] = []
    arrays: list[pa.Array] = []

    def add(name: str, array: pa.Array, unit: str) -> None:
        fields.append(pa.field(name, array.type, metadata={"unit": unit}))
        arrays.append(array)

    if len(tracks) > 1:
        subjects = np.repeat([t.subject for t in tracks], [len(t) for t in tracks])
        add("subject", pa.array(subjects.astype(object), pa.string()), "")
    time_s = np.concatenate([np.empty(0), *(track.time_s for track in tracks)])
    if activity.start is not None:
        add("timestamp", _moments(activity, time_s), "")
    add("time_s", pa.array(time_s), "s")
    for name in activity.channels:
        unit = CHANNELS[name].unit if name in CHANNELS else ""
        column = f"channel_{name}" if name in _OWN else name
        add(column, pa.array(_column(tracks, name), from_pandas=True), unit)
    schema = pa.schema(fields, metadata={"stadion.activity": document_of(activity)})
    buffer = io.BytesIO()
    pq.write_table(pa.table(arrays, schema=schema), buffer, compression="zstd")
    return buffer.getvalue()


def _moments(activity: Activity, time_s: FloatArray) -> pa.Array:
    assert activity.start is not None  # noqa: S101  # the caller has looked
    start = np.datetime64(activity.start.replace(tzinfo=None), "us")
    moments: Array = start + np.round(time_s * 1e6).astype("timedelta64[us]")
    return pa.array(moments, pa.timestamp("us", "UTC"))


def _column(tracks: tuple[Track, ...], name: str) -> FloatArray:
    parts = [track.channels.get(name, np.full(len(track), np.nan, np.float32)) for track in tracks]
    joined: FloatArray = np.concatenate(parts)
    return joined
