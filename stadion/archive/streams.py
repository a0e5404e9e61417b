"""An activity in, one Parquet file out; and its streams back, all or some."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stadion.archive.document import activity_from, document_of
from stadion.core.activity import Activity, Track
from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError

__all__ = ["read_activity", "read_tracks", "write_activity"]

_TIME = "time_s"
_DOCUMENT, _LAYOUT = b"stadion.activity", b"stadion.tracks"
_LAYOUT_SUM = b"stadion.tracks.sha256"
_PLAIN = re.compile(r"[a-z][a-z0-9_]{0,62}")
_DAMAGED = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, IndexError)


def write_activity(path: Path, activity: Activity, sync: bool = True) -> str:
    """Write a file and see it on the disk; `path` must not exist. Returns the file's SHA-256.

    The tracks lie one after the other in one column per channel; which rows and channels are
    whose stands in the file's metadata, as does everything that is no stream.
    """
    columns = _columns_of(activity)
    arrays = [pa.array(_joined(activity.tracks, None))]
    arrays += [pa.array(_joined(activity.tracks, name)) for name in columns]
    layout = {
        "columns": columns,
        "tracks": [
            {
                "subject": track.subject,
                "rows": len(track),
                "channels": {name: str(v.dtype) for name, v in track.channels.items()},
            }
            for track in activity.tracks
        ],
    }
    written = json.dumps(layout).encode()
    metadata = {
        _DOCUMENT: document_of(activity).encode(),
        _LAYOUT: written,
        _LAYOUT_SUM: hashlib.sha256(written).hexdigest().encode(),
    }
    table = pa.table(arrays, names=[_TIME, *columns.values()]).replace_schema_metadata(metadata)
    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        compression="zstd",
        use_dictionary=False,
        use_byte_stream_split=True,
        write_page_checksum=True,
    )
    data = buffer.getvalue()
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        if sync:
            os.fsync(file.fileno())
    return hashlib.sha256(data).hexdigest()


def read_activity(path: Path, digest: str) -> Activity:
    """The activity as it was written.

    Raises
    ------
    StadionError
        INTERNAL when the file is not the one with that SHA-256. FileNotFoundError when it is
        not there.
    """
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise ValueError("another digest")
        with pq.ParquetFile(io.BytesIO(data)) as file:
            metadata = file.schema_arrow.metadata
            tracks = _tracks_of(file.read(), json.loads(metadata[_LAYOUT]), None)
            return activity_from(metadata[_DOCUMENT].decode(), tracks)
    except FileNotFoundError:
        raise
    except _DAMAGED as error:
        raise _damage(path, error) from error


def read_tracks(path: Path, channels: Sequence[str]) -> tuple[Track, ...]:
    """Those of the tracks that hold one of the channels, reading no other column.

    Raises
    ------
    StadionError
        INTERNAL when what is read is damaged. FileNotFoundError when the file is not there.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            metadata = file.schema_arrow.metadata
            if hashlib.sha256(metadata[_LAYOUT]).hexdigest().encode() != metadata[_LAYOUT_SUM]:
                raise ValueError("another digest")
            layout = json.loads(metadata[_LAYOUT])
            wanted = [layout["columns"][name] for name in channels if name in layout["columns"]]
            return _tracks_of(file.read(columns=[_TIME, *wanted]), layout, set(channels))
    except FileNotFoundError:
        raise
    except _DAMAGED as error:
        raise _damage(path, error) from error


def _columns_of(activity: Activity) -> dict[str, str]:
    """Channel -> column; a name that Parquet or SQL would stumble over gets a plain one."""
    names = dict.fromkeys(activity.channels)
    return {
        name: name if _PLAIN.fullmatch(name) and name != _TIME else f"channel__{k}"
        for k, name in enumerate(names)
    }


def _joined(tracks: Sequence[Track], channel: str | None) -> FloatArray:
    """(all rows,) the times, or one channel with NaN in the tracks that lack it."""
    if channel is None:
        return np.concatenate([np.empty(0), *(track.time_s for track in tracks)])
    types = [track.channels[channel].dtype for track in tracks if channel in track.channels]
    dtype = np.result_type(np.float32, *types)
    missing = np.full(max(map(len, tracks)), np.nan, dtype)
    return np.concatenate(
        [np.asarray(track.channels.get(channel, missing[: len(track)]), dtype) for track in tracks]
    )


def _tracks_of(table: Any, layout: Mapping[str, Any], wanted: set[str] | None) -> tuple[Track, ...]:
    columns = {
        name: np.asarray(table.column(column).to_numpy())
        for name, column in layout["columns"].items()
        if wanted is None or name in wanted
    }
    time_s = np.asarray(table.column(_TIME).to_numpy())
    tracks: list[Track] = []
    start = 0
    for each in layout["tracks"]:
        rows = slice(start, start + each["rows"])
        start = rows.stop
        held = {
            name: columns[name][rows].astype(dtype)
            for name, dtype in each["channels"].items()
            if name in columns
        }
        if held or wanted is None:
            tracks.append(Track(each["subject"], time_s[rows], held))
    return tuple(tracks)


def _damage(path: Path, error: Exception) -> StadionError:
    return StadionError(
        Code.INTERNAL,
        f"the stored activity {path.stem[:12]} is damaged ({type(error).__name__})",
        "erase it and ingest its file again",
    )
