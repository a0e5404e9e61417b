"""Fields of one column in, as they come; its numbers, times or words out."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from stadion.core.activity import Repair
from stadion.core.arrays import FloatArray
from stadion.core.channels import CHANNELS, dtype_of
from stadion.core.errors import Code, StadionError
from stadion.core.units import UNITS, convert
from stadion.ingest._units import as_channel
from stadion.ingest.tabular.numbers import Numbers, is_blank, numbers_in
from stadion.ingest.tabular.times import duration_in, moments_in, seconds_in
from stadion.ingest.tabular.words import PACES, Meaning, unit_named

__all__ = ["Column", "Notation", "channel_of", "refuse_stated"]

_MOSTLY = 0.9
_SENTINELS = (-1.0, -9999.0, 255.0, 65535.0, 2147483647.0, 4294967295.0)
_FACTORS = {"yd": ("m", 0.9144), "semicircles": ("deg", 180 / 2**31), "steps/min": ("rpm", 0.5)}
_AXES = {f"{a}{end}": a for a in "xyz" for end in ("", "_axis", "-axis")}
_BASES = {"speed": "m/s", "temperature": "degC"}
"""What names outside of the vocabulary are converted to, such as a wind speed."""
_WITH_UNIT = re.compile(r"[-+]?[\d.,]*\d\s*([^\d\s.,:+-][^\d\s]{0,9})")
_SLOWEST_PACE_S = 7_200.0


@dataclass(frozen=True, slots=True)
class Notation:
    """How a table writes numbers: is the comma free of parting columns, do others use it."""

    is_comma_free: bool = False
    uses_comma: bool = False


@dataclass(slots=True, eq=False)
class Column:
    """What the rows so far hold in one column, read as what its meaning asks for."""

    header: str
    meaning: Meaning
    is_stated: bool = False
    chunks: list[FloatArray] = field(default_factory=list)
    day_first: list[FloatArray] = field(default_factory=list)
    month_first: list[FloatArray] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    strange: int = 0
    strange_times: int = 0
    words: set[str] = field(default_factory=set)
    sample: str = ""
    suffix: str = ""
    """The unit that stands behind each of the numbers."""
    odd: str = ""
    """The first field that is no number, for messages."""

    def add(self, texts: Sequence[str], notation: Notation) -> None:
        """The fields of some more rows."""
        if not self.sample:
            self.sample = next((text.strip() for text in texts if not is_blank(text)), "")
        role = self.meaning.role
        if role == "athlete":
            few = texts if len(self.words) < 2 else texts[:1]
            self.words.update(text.strip() for text in few)
        if self.suffix:
            texts = [text.strip().removesuffix(self.suffix) for text in texts]
        found = numbers_in(texts, notation.is_comma_free, notation.uses_comma)
        is_odd = found.strange and 2 * found.strange > sum(not is_blank(text) for text in texts)
        if is_odd and role in ("channel", "") and self._has_suffix():
            self.add(texts, notation)
            return
        if found.strange and role == "pace":
            found = _paces(texts, found.values, self.meaning.unit)
        if found.strange and not self.odd:
            self.odd = next(
                t.strip()
                for t, v in zip(texts, found.values, strict=True)
                if math.isnan(v) and not is_blank(t)
            )
        self.add_values(found.values, found.strange)
        if role == "time":
            self._add_times(texts, found.strange)

    def _has_suffix(self) -> bool:
        """True when a unit stands behind every number, which is then cut off."""
        found = _WITH_UNIT.fullmatch(self.sample[:40]) if not self.suffix else None
        symbol = unit_named(found[1]) if found else ""
        if found is None or symbol not in UNITS:
            return False
        self.suffix = found[1]
        if not self.meaning.unit:
            self.meaning = Meaning(self.meaning.role, self.meaning.name, symbol)
        return True

    def add_values(self, values: FloatArray, strange: int = 0) -> None:
        """Numbers of some more rows, and how many fields were none."""
        dtype = np.float64 if self.meaning.role == "time" else dtype_of(self.meaning.name)
        with np.errstate(over="ignore"):
            self.chunks.append(values.astype(dtype))
        self.strange += strange

    def add_numbers(self, values: FloatArray) -> None:
        """Rows whose fields come as numbers."""
        self.add_values(values)
        if self.meaning.role == "time":
            blank = np.full(len(values), np.nan)
            self.day_first.append(blank)
            self.month_first.append(blank)
            self.strange_times += int(np.isfinite(values).sum())

    @property
    def values(self) -> FloatArray:
        """(n,) numbers of all rows; asked for again they are the same array."""
        if len(self.chunks) != 1:
            self.chunks = [np.concatenate(self.chunks) if self.chunks else np.empty(0)]
        return self.chunks[0]

    def is_numeric(self, rows: int) -> bool:
        """True when hardly a field is no number."""
        return self.strange <= (1 - _MOSTLY) * rows

    def seconds(self, rows: int) -> FloatArray | None:
        """A numeric column as a clock; None when it is none."""
        if self.is_numeric(rows) and np.isfinite(self.values).any():
            return seconds_in(self.values, self.meaning.unit)
        return None

    def moments(self, rows: int) -> tuple[FloatArray, FloatArray] | None:
        """A column of texts as a clock, read day first and month first; None when it is none."""
        if not self.day_first or self.strange_times > (1 - _MOSTLY) * rows or not self.kinds:
            return None
        return np.concatenate(self.day_first), np.concatenate(self.month_first)

    def _add_times(self, texts: Sequence[str], strange: int) -> None:
        if strange == 0:
            # Numbers only: a column of moments would have shown itself as strange.
            blank = np.full(len(texts), np.nan)
            self.day_first.append(blank)
            self.month_first.append(blank)
            self.strange_times += sum(not is_blank(text) for text in texts)
            return
        found = moments_in(texts)
        self.day_first.append(found.day_first)
        self.month_first.append(found.month_first)
        self.strange_times += found.strange
        self.kinds.update(found.kinds)


def channel_of(column: Column) -> tuple[str, FloatArray, list[Repair]]:
    """Name and values of a channel in the vocabulary's unit, and what had to be assumed."""
    meaning, values = column.meaning, column.values
    if meaning.role == "pace":
        return _speed_of(column)
    unit = unit_named(meaning.unit)
    name = meaning.name
    channel = CHANNELS.get(name)
    if axis := _AXES.get(column.header.strip().lower().replace(" ", "_")):
        quantity = UNITS[unit].dimension if unit in UNITS else ""
        if quantity in ("acceleration", "angular velocity"):
            name = f"{quantity.replace(' ', '_')}_{axis}"
            channel = CHANNELS[name]
    repairs: list[Repair] = []
    if channel is not None:
        values, repairs = _without_sentinels(name, values, channel.low, channel.high)
        target, factor = _FACTORS.get(unit, ("", 1.0))
        if target == channel.unit:
            return name, values * np.asarray(factor, values.dtype), repairs
    elif (base := _BASES.get(UNITS[unit].dimension if unit in UNITS else "")) is not None:
        return name, np.asarray(convert(values, unit, base), values.dtype), repairs
    name, values = as_channel(name, unit, values)
    return name, values, repairs


def _without_sentinels(
    name: str, values: FloatArray, low: float, high: float
) -> tuple[FloatArray, list[Repair]]:
    """Numbers that recorders write for 'nothing measured' count as missing."""
    empty = np.isin(values, [s for s in _SENTINELS if not low <= s <= high])
    if not empty.any():
        return values, []
    count = int(empty.sum())
    cleaned: FloatArray = np.where(empty, np.asarray(np.nan, values.dtype), values)
    return cleaned, [Repair(f"marks of nothing measured in {name} left out", count)]


def _speed_of(column: Column) -> tuple[str, FloatArray, list[Repair]]:
    unit = unit_named(column.meaning.unit)
    repairs: list[Repair] = []
    if unit not in PACES:
        scale = {"s": 1.0, "min": 60.0}.get(unit, 60.0)
        per_number, metres = scale, 1e3
        repairs.append(Repair(f"pace {column.header[:40]!r} without a distance taken per km"))
    else:
        per_number, metres = PACES[unit]
    seconds = column.values.astype(np.float64) * per_number
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = np.where((seconds > 0) & (seconds < _SLOWEST_PACE_S), metres / seconds, np.nan)
    return "speed", speed.astype(np.float32), repairs


def _paces(texts: Sequence[str], numbers: FloatArray, unit: str) -> Numbers:
    """Paces written mm:ss, in the unit in which the column's numbers without a colon are."""
    seconds = np.array([duration_in(text) for text in texts], np.float64)
    scale = 1.0 if unit_named(unit).startswith("s") else 60.0
    values = np.where(np.isnan(seconds), numbers, seconds / scale)
    strange = sum(math.isnan(v) and not is_blank(t) for t, v in zip(texts, values, strict=True))
    return Numbers(values, strange)


def refuse_stated(column: Column, rows: int) -> None:
    """Raise for a column that is stated to be a channel and holds no numbers."""
    if column.is_stated and not column.is_numeric(rows):
        raise StadionError(
            Code.INVALID,
            f"column {column.header!r} is mapped to {column.meaning.name} but holds "
            f"{column.odd[:40]!r}; expected numbers",
        )
