"""Files of the UEA time-series archive in, one labelled activity per case out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Activity, Lap, Repair, Table, Track
from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.ingest.base import Member, activity_id, digest_of, source_of

__all__ = ["PLUGIN", "TsReader"]

# Each case becomes a recording, which takes room and time however short it is.
_MOST_CASES, _LEAST_BYTES = 10_000, 100
_WORDS = {"tenth": 10.0, "hundredth": 100.0, "fiftieth": 50.0, "twentieth": 20.0}
_HERTZ = re.compile(r"(\d+(?:\.\d+)?)\s*hz\b")
_EVERY = re.compile(r"every (\w+) of a second")
_AXES = tuple(
    f"{quantity}_{axis}" for quantity in ("acceleration", "angular_velocity") for axis in "xyz"
)


class TsReader:
    """Classification sets of the UEA and UCR archives, as aeon and sktime read them.

    Channels are `dimension_1` and so on; sets of three accelerometer and three gyroscope axes
    get the vocabulary's names (m/s^2, rad/s). The rate stands in the free text at best; where
    it does not, a sample is a second.
    """

    name = "ts"
    layout = "Text with @-headers, then one case a line: dimensions parted by ':', the label last."
    guesses = False

    def example(self) -> list[Member]:
        """Two cases of two dimensions."""
        return [Member.of("Set_TRAIN.ts", _EXAMPLE)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Texts whose first line that is no comment is an @-header."""
        return [[member] for member in members if _is_ts(member.head)]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity per case; its label is a lap of kind `activity` over its whole length."""
        (member,) = group
        data = member.data
        header, lines = _split(data.decode("utf-8", "replace"))
        most = _MOST_CASES + len(data) // _LEAST_BYTES
        if len(lines) > most:
            raise StadionError(
                Code.INVALID, f"a .ts file of {len(lines)} cases; expected at most {most} so short"
            )
        cases: list[tuple[str, list[FloatArray]]] = []
        broken = 0
        for line in lines:
            case = _case(line, header)
            if case is None:
                broken += 1
            else:
                cases.append(case)
        if not cases:
            raise StadionError(Code.INVALID, f"a .ts file whose {broken} cases cannot be read")
        repairs = [Repair("cases that cannot be read dropped", broken)] if broken else []
        source = source_of(self.name, member.path, digest_of([data]), repairs)
        return [
            Activity(
                id=activity_id(source.digest, index),
                athlete="",
                sport="",
                start=None,
                tracks=(_track(dimensions, header),),
                source=source,
                laps=(_whole(dimensions, header, label),) if label else (),
            )
            for index, (label, dimensions) in enumerate(cases)
        ]


@dataclass(frozen=True, slots=True)
class _Header:
    fields: dict[str, str]
    free_text: str

    @property
    def has_labels(self) -> bool:
        return self.fields.get("classlabel", "false").lower().startswith("true")

    @property
    def rate_hz(self) -> float:
        text = self.free_text
        if (found := _HERTZ.search(text)) and float(found[1]) > 0:
            return float(found[1])
        found = _EVERY.search(text)
        return _WORDS.get(found[1], 1.0) if found else 1.0

    @property
    def is_imu(self) -> bool:
        return "acceleromet" in self.free_text and "gyroscope" in self.free_text

    def channels(self, count: int) -> Sequence[str]:
        if self.is_imu and count == len(_AXES):
            return _AXES
        return [f"dimension_{k}" for k in range(1, count + 1)]


def _is_ts(head: bytes) -> bool:
    lines = head.removeprefix(b"\xef\xbb\xbf").splitlines()
    first = next(
        (line for line in lines if line.strip() and not line.startswith((b"#", b"%"))), b""
    )
    words = (b"@problemname", b"@timestamps", b"@univariate", b"@dimensions", b"@classlabel")
    return first.strip().lower().startswith(words)


def _split(text: str) -> tuple[_Header, list[str]]:
    fields: dict[str, str] = {}
    comments: list[str] = []
    lines = iter(text.removeprefix("\ufeff").splitlines())
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word.lower() == "@data":
            break
        if line.startswith(("#", "%")):
            comments.append(line[1:].strip().lower())
        elif word.startswith("@"):
            fields[word[1:].lower()] = rest.strip()
    else:
        raise StadionError(Code.INVALID, "a .ts file without an @data line")
    if fields.get("targetlabel", "false").lower() == "true":
        raise StadionError(
            Code.INVALID, "a .ts file with @targetlabel: a regression set; expected @classLabel"
        )
    if fields.get("timestamps", "false").lower() == "true":
        raise StadionError(Code.INVALID, "a .ts file with @timeStamps true; expected false")
    return _Header(fields, " ".join(comments)), [line for line in lines if line.strip()]


def _case(line: str, header: _Header) -> tuple[str, list[FloatArray]] | None:
    """Label and dimensions of one line, padded to one length; None when it cannot be read."""
    parts = line.strip().split(":")
    label = parts.pop().strip() if header.has_labels else ""
    try:
        with np.errstate(over="ignore"):  # too large for a float32 is infinite
            dimensions = [
                np.array(part.replace("?", "nan").split(","), np.float64).astype(np.float32)
                for part in parts
            ]
    except ValueError:
        return None
    stated = header.fields.get("dimensions", "")
    if not dimensions or (stated.isdecimal() and int(stated) != len(dimensions)):
        return None
    longest = max(map(len, dimensions))
    return label, [d if len(d) == longest else _padded(d, longest) for d in dimensions]


def _padded(values: FloatArray, length: int) -> FloatArray:
    longer = np.full(length, np.nan, values.dtype)
    longer[: len(values)] = values
    return longer


def _track(dimensions: Sequence[FloatArray], header: _Header) -> Track:
    time_s = np.arange(len(dimensions[0])) / header.rate_hz
    names = header.channels(len(dimensions))
    return Track("", time_s, dict(zip(names, dimensions, strict=True)))


def _whole(dimensions: Sequence[FloatArray], header: _Header, label: str) -> Lap:
    return Lap(0.0, (len(dimensions[0]) - 1) / header.rate_hz, "activity", label)


_EXAMPLE = b"""#Made up, sampled at 10 Hz
@problemName Made
@timeStamps false
@univariate false
@dimensions 2
@classLabel true walk run
@data
1.0,2.0,?:0.5,0.5,0.5:walk
1.5,2.5:0.1,0.2:run
"""

PLUGIN = TsReader()
