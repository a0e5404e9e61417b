"""Records of a health export one by one in, a few bytes for each out."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from stadion.core.arrays import Array, FloatArray
from stadion.ingest.markup.health_names import QUANTITIES, STAGES, Quantity, scale_of
from stadion.ingest.markup.moments import moments_in
from stadion.ingest.markup.points import numbers_in

__all__ = ["Records", "Row", "Samples", "Source"]

_FLUSH = 2048
_MOST_SOURCES = 256
_MOST_SPELLINGS = 16_384
_MOST_BUCKETS = 512
_LONGEST_S = 7 * 86_400.0

Row = tuple[bytes, bytes, bytes, bytes, bytes]
"""Source's name and device as they stand in the file, start, end and value."""


@dataclass(frozen=True, slots=True)
class Source:
    """Who told: a name that never leaves the reader, and how much it is believed.

    `rank` 0 is a watch, 1 a phone, 2 anything else: Apple's own order.
    """

    name: str
    rank: int


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Records of one quantity, sorted by start; told twice = once.

    Parameters
    ----------
    start_s, end_s
        (n,) seconds since 1970.
    value
        (n,) in the quantity's unit.
    source
        (n,) numbers of sources.
    ahead_s
        (n,) seconds that the clock of the place was ahead of UTC.
    """

    start_s: FloatArray
    end_s: FloatArray
    value: FloatArray
    source: Array
    ahead_s: FloatArray

    def __len__(self) -> int:
        return len(self.start_s)

    def of(self, rows: Array) -> Samples:
        """Some of them."""
        return Samples(
            self.start_s[rows], self.end_s[rows], self.value[rows], self.source[rows],
            self.ahead_s[rows],
        )  # fmt: skip


@dataclass(slots=True, eq=False)
class _Bucket:
    quantity: Quantity
    scale: tuple[float, float] | None
    rows: list[Row] = field(default_factory=list)


_UNWANTED = _Bucket(Quantity("", "1"), None)


_PACKED = np.dtype(
    [("start", "f8"), ("length", "f4"), ("value", "f4"), ("source", "u2"), ("ahead", "i2")]
)


class Records:
    """All records of an export that mean something to sport, in 20 bytes each."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.dropped: Counter[str] = Counter()
        self._known: dict[tuple[bytes, bytes], int] = {}
        self._numbers: dict[Source, int] = {}
        self._buckets: dict[tuple[bytes, bytes], _Bucket] = {}
        self._packed: dict[str, list[Array]] = {}

    def add(self, kind: bytes, unit: bytes, row: Row) -> None:
        """One record, its attributes as they stand in the file."""
        bucket = self._buckets.get((kind, unit))
        if bucket is None:
            bucket = self._bucket(kind, unit)
        if bucket is not _UNWANTED:
            bucket.rows.append(row)
            if len(bucket.rows) >= _FLUSH:
                self._flush(bucket)

    def samples(self, name: str) -> Samples:
        """Those of one quantity; call it once, when all records are in."""
        for bucket in self._buckets.values():
            if bucket.quantity.name == name and bucket.rows:
                self._flush(bucket)
        packed = np.concatenate([np.zeros(0, _PACKED), *self._packed.pop(name, [])])
        columns = [packed[key] for key in ("value", "source", "length", "start")]
        packed = packed[np.lexsort(columns)]
        is_new = np.ones(len(packed), bool)
        is_new[1:] = packed[1:] != packed[:-1]
        self.dropped["records told twice, one kept"] += int((~is_new).sum())
        packed = packed[is_new]
        start = packed["start"].astype(np.float64)
        return Samples(
            start,
            start + packed["length"],
            packed["value"].copy(),
            packed["source"].copy(),
            packed["ahead"] * np.float32(60),
        )

    def _bucket(self, kind: bytes, unit: bytes) -> _Bucket:
        quantity = QUANTITIES.get(kind.decode("utf-8", "replace"))
        if len(self._buckets) >= _MOST_BUCKETS:
            return _UNWANTED
        bucket = _UNWANTED
        if quantity is not None:
            told = unit.decode("utf-8", "replace")
            bucket = _Bucket(quantity, scale_of(quantity.unit, told))
        self._buckets[kind, unit] = bucket
        return bucket

    def _flush(self, bucket: _Bucket) -> None:
        rows, bucket.rows = bucket.rows, []
        if bucket.scale is None:
            what = f"records of {bucket.quantity.name} in an unknown unit left out"
            self.dropped[what] += len(rows)
            return
        sources, devices, starts, ends, texts = zip(*rows, strict=True)
        start, ahead = moments_in(starts)
        end = moments_in(ends)[0]
        length = np.where(np.isnan(end), 0.0, end - start)
        value: FloatArray
        if bucket.quantity.name == "sleep":
            stages = [STAGES.get(text.decode("utf-8", "replace"), np.nan) for text in texts]
            value = np.array(stages, np.float64)
        else:
            value = numbers_in(texts) * bucket.scale[0] + bucket.scale[1]
        is_sound = np.isfinite(start) & np.isfinite(value) & (length >= 0) & (length <= _LONGEST_S)
        self.dropped["records without a time, with no value or of no length left out"] += int(
            (~is_sound).sum()
        )
        packed = np.zeros(len(rows), _PACKED)
        packed["start"], packed["length"], packed["value"] = start, length, value
        packed["source"] = self._sources_of(sources, devices)
        packed["ahead"] = np.nan_to_num(ahead)
        self._packed.setdefault(bucket.quantity.name, []).append(packed[is_sound])

    def _sources_of(self, names: Sequence[bytes], devices: Sequence[bytes]) -> list[int]:
        known = self._known
        if len(known) > _MOST_SPELLINGS:
            known.clear()
        pairs = list(zip(names, devices, strict=True))
        for pair in set(pairs) - known.keys():
            known[pair] = self.source_of(*pair)
        return [known[pair] for pair in pairs]

    def source_of(self, name: bytes, device: bytes) -> int:
        """The number of a source, from its name and device as they stand in the file."""
        shown = " ".join(html.unescape(name.decode("utf-8", "replace")).split())[:200]
        source = Source(shown, _rank(html.unescape(device.decode("utf-8", "replace")), shown))
        number = self._numbers.get(source)
        if number is None:
            if len(self.sources) >= _MOST_SOURCES:
                return len(self.sources) - 1
            number = self._numbers[source] = len(self.sources)
            self.sources.append(source)
        return number


def _rank(device: str, name: str) -> int:
    # The name of the device is Apple's in every language; its owner's name for it need not be.
    for text in (device, name):
        if "Watch" in text:
            return 0
        if "iPhone" in text:
            return 1
    return 2
