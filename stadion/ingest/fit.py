"""FIT files of watches and bike computers in, activities out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from stadion.core.activity import Activity, Repair, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest.base import Member, activity_id, digest_of, source_of
from stadion.ingest.fitfile.container import SIGNATURE, Part, parts_of
from stadion.ingest.fitfile.messages import RELATIVE_BELOW, Messages
from stadion.ingest.fitfile.profile import FILE_TYPES, Message
from stadion.ingest.fitfile.recording import Recording, read_recording
from stadion.ingest.fitfile.walk import Definition

__all__ = ["PLUGIN", "FitReader"]

_EPOCH = datetime(1989, 12, 31, tzinfo=UTC)
_COURSE = 6


class FitReader:
    """The format of Garmin, Wahoo, Suunto, Coros and most others; chained files too."""

    name = "fit"
    layout = "A FIT file: a header with '.FIT', binary messages, a checksum; several may follow."
    guesses = False

    def example(self) -> list[Member]:
        """Two seconds of a run with heart rate."""
        return [Member.of("run.fit", bytes.fromhex(_EXAMPLE))]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Files that show FIT's signature near their start."""
        return [[member] for member in members if SIGNATURE in member.head]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity per recording in the chain."""
        (member,) = group
        data = member.data
        parts = parts_of(data)
        recordings = _recordings(data, parts)
        if not recordings:
            raise StadionError(Code.INVALID, _reason(data, parts))
        digest = digest_of([data])
        return [
            _activity(recording, repairs, member.path, digest, index)
            for index, (recording, repairs) in enumerate(recordings)
        ]


def _recordings(data: bytes, parts: Sequence[Part]) -> list[tuple[Recording, list[Repair]]]:
    """Parts that begin with a file id are files of their own; the others continue the last."""
    chains: list[list[Part]] = []
    for part in parts:
        if not chains or len(Messages.of(data, part.definitions, Message.FILE_ID)):
            chains.append([])
        chains[-1].append(part)
    found = []
    for chain in chains:
        definitions = [definition for part in chain for definition in part.definitions]
        if _file_type(data, definitions) == _COURSE:
            continue
        recording = read_recording(data, definitions, any(part.is_damaged for part in chain))
        if recording is not None:
            found.append((recording, [repair for part in chain for repair in part.repairs]))
    return found


def _activity(
    recording: Recording, repairs: Sequence[Repair], path: str, digest: str, index: int
) -> Activity:
    source = source_of(FitReader.name, path, digest, (*repairs, *recording.repairs))
    is_dated = recording.zero_s >= RELATIVE_BELOW
    return Activity(
        id=activity_id(digest, index),
        athlete="",
        sport=recording.sport,
        start=_EPOCH + timedelta(seconds=recording.zero_s) if is_dated else None,
        tracks=(recording.timeline.track,) if recording.timeline else (),
        source=source,
        laps=recording.laps,
        events=recording.events,
    )


def _file_type(data: bytes, definitions: Sequence[Definition]) -> int | None:
    types = Messages.of(data, definitions, Message.FILE_ID).values(0)
    return int(types[0]) if len(types) and types[0] == types[0] else None


def _reason(data: bytes, parts: Sequence[Part]) -> str:
    for part in parts:
        kind = _file_type(data, part.definitions)
        if kind in FILE_TYPES:
            return f"a FIT file of type '{FILE_TYPES[kind]}'; expected a recorded activity"
    return "a FIT file without any record, lap or session that can be read"


_EXAMPLE = (
    "0e205408430000002e464954fdf44100000000010001000104400000140002fd04860301020000ca9a3b7800"
    "01ca9a3b79420000120004fd04860204860704860501000201ca9a3b00ca9a3be803000001eaa3"
)

PLUGIN = FitReader()
