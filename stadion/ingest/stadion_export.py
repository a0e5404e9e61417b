"""The JSON that Stadion gives out in, the same activity out."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import numpy as np

from stadion.core.activity import Activity, Event, Lap, Repair, Source, Table, Track
from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.core.profile import Profile
from stadion.ingest.base import Member, activity_id, digest_of

__all__ = ["PLUGIN", "StadionExportReader"]

_SIGN = re.compile(rb'\A\s*\{\s*"format"\s*:\s*"stadion\.activity"\s*,\s*"version"\s*:\s*1\s*,')
_NUMBERS = re.compile(rb"\A\[(?:[-+0-9.eE,\s]++|null)*+\]\Z")
_MOST_CHANNELS, _LONGEST_NAME, _LONGEST_TEXT = 1000, 100, 400


class _Column(msgspec.Struct):
    type: Literal["float16", "float32", "float64"]
    values: msgspec.Raw


class _Samples(msgspec.Struct):
    subject: str
    time_s: msgspec.Raw
    channels: dict[str, _Column]


class _Origin(msgspec.Struct):
    repairs: list[tuple[str, int]] = []


class _About(msgspec.Struct):
    athlete: str
    sport: str
    start: str | None
    zone: str = ""
    laps: list[tuple[float, float, str, str, dict[str, float | None]]] = []
    events: list[tuple[float, str, str]] = []
    sub_sport: str = ""
    device: str = ""
    title: str = ""
    profile: dict[str, float | str] = {}
    source: _Origin = msgspec.field(default_factory=_Origin)


class _Export(msgspec.Struct):
    activity: _About
    tracks: list[_Samples]


class StadionExportReader:
    """What `stadion activities export ID --out FILE.json` wrote.

    Streams, laps, events and repairs are those of the export. The quality flags are found anew,
    and the id is that of the new file: in the archive it came from it is a twin.
    """

    name = "stadion_export"
    layout = "JSON of one activity as Stadion exports it."
    guesses = False

    def example(self) -> list[Member]:
        """Two seconds of a run."""
        about = (
            b'{"format":"stadion.activity","version":1,"activity":{"version":1,"id":"0",'
            b'"athlete":"ada","sport":"running","start":"2024-05-01T06:00:00+00:00",'
            b'"laps":[[0.0,1.0,"lap","",{"distance_m":3.0}]],"events":[[0.0,"timer","start"]],'
            b'"source":{"reader":"fit","digest":"0","name":"a.fit","repairs":[["bytes lost",2]]}},'
        )
        tracks = (
            b'"tracks":[{"subject":"","time_s":[0.0,1.0],"channels":{"heart_rate":'
            b'{"unit":"bpm","type":"float32","values":[120.0,null]}}}]}'
        )
        return [Member.of("run.json", about + tracks)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Files that begin as the export does."""
        return [[member] for member in members if _SIGN.match(member.head)]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """The activity."""
        data = group[0].data
        try:
            export = msgspec.json.decode(data, type=_Export)
            tracks = tuple(_track(samples) for samples in export.tracks)
            digest = digest_of([data])
            return [_activity(export.activity, tracks, digest, group[0].path)]
        except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
            raise StadionError(
                Code.INVALID, f"an export of Stadion that was changed: {str(error)[:120]}"
            ) from None


def _activity(about: _About, tracks: tuple[Track, ...], digest: str, path: str) -> Activity:
    repairs = tuple(Repair(_text(what), count) for what, count in about.source.repairs)
    return Activity(
        id=activity_id(digest),
        athlete=_text(about.athlete)[:64],
        sport=_text(about.sport),
        start=datetime.fromisoformat(about.start).astimezone(UTC) if about.start else None,
        tracks=tracks,
        source=Source("stadion_export", digest, path, repairs),
        zone=_text(about.zone),
        laps=tuple(_lap(*lap) for lap in about.laps),
        events=tuple(Event(_finite(at), _text(kind), _text(label))
                     for at, kind, label in about.events),
        sub_sport=_text(about.sub_sport),
        device=_text(about.device),
        title=_text(about.title),
        profile=Profile(**_profile(about.profile)),
    )  # fmt: skip


def _lap(
    start_s: float, end_s: float, kind: str, label: str, values: Mapping[str, float | None]
) -> Lap:
    told = {_text(name): math.nan if v is None else v for name, v in values.items()}
    return Lap(_finite(start_s), _finite(end_s), _text(kind), _text(label), told)


def _profile(told: Mapping[str, float | str]) -> dict[str, Any]:
    known = Profile.__dataclass_fields__
    return {
        name: value
        for name, value in told.items()
        if name in known and isinstance(value, str) == (name == "sex")
    }


def _track(samples: _Samples) -> Track:
    if len(samples.channels) > _MOST_CHANNELS:
        raise ValueError(f"{len(samples.channels)} channels; expected {_MOST_CHANNELS} at most")
    time_s = _numbers(samples.time_s, "float64")
    channels = {}
    for name, column in samples.channels.items():
        if not name.isprintable() or len(name) > _LONGEST_NAME:
            raise ValueError(f"a channel called {name[:_LONGEST_NAME]!r}")
        channels[name] = _numbers(column.values, column.type)
    return Track(_text(samples.subject), time_s, channels)


def _numbers(raw: msgspec.Raw, kind: str) -> FloatArray:
    """The numbers of a list, NaN for null; never a Python object for each of them."""
    text = bytes(raw)
    if not _NUMBERS.match(text):
        raise ValueError("a list that does not hold numbers alone")
    inner = text[1:-1].strip()
    if not inner:
        return np.empty(0, kind)
    values = np.fromstring(inner.replace(b"null", b"nan").decode(), np.float64, sep=",")
    if len(values) != inner.count(b",") + 1:
        raise ValueError("a list that does not hold numbers alone")
    with np.errstate(over="ignore"):
        found = values.astype(kind)
    found[~np.isfinite(found)] = np.nan
    return found


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("a time that is no number")
    return value


def _text(text: str) -> str:
    return "".join(letter for letter in text[:_LONGEST_TEXT] if letter.isprintable())


PLUGIN = StadionExportReader()
