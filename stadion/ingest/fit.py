"""FIT files of watches and bike computers in, activities out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from stadion.core.activity import Activity, Repair, Source, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest.base import Member, activity_id, digest_of, source_of
from stadion.ingest.fitfile.athlete import FIT_EPOCH
from stadion.ingest.fitfile.container import Part, is_fit, parts_of
from stadion.ingest.fitfile.messages import RELATIVE_BELOW, Messages
from stadion.ingest.fitfile.monitoring import monitoring_of
from stadion.ingest.fitfile.plans import COURSE, file_type, what_it_is
from stadion.ingest.fitfile.profile import Message
from stadion.ingest.fitfile.recording import Recording, read_recording
from stadion.ingest.fitfile.walk import Definition

__all__ = ["PLUGIN", "FitReader"]


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
        # Markup can tell of a FIT file: it is none.
        return [[m] for m in members if is_fit(m.head) and not m.head.startswith(b"<")]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity per recording in the chain; a day's monitoring is a table."""
        (member,) = group
        data = member.data
        digest = digest_of([data])
        chains = _chains(data, parts_of(data))
        values: list[Activity | Table] = []
        for chain in chains:
            source = source_of(self.name, member.path, digest, _repairs(chain))
            value = _value(data, chain, source, sum(isinstance(v, Activity) for v in values))
            values += [value] if value else []
        if not values:
            raise StadionError(Code.INVALID, _reason(data, chains))
        return values


def _chains(data: bytes, parts: Sequence[Part]) -> list[list[Part]]:
    """Parts that begin with a file id are files of their own; the others continue the last."""
    chains: list[list[Part]] = []
    for part in parts:
        if not chains or len(Messages.of(data, part.definitions, Message.FILE_ID)):
            chains.append([])
        chains[-1].append(part)
    return chains


def _value(
    data: bytes, chain: Sequence[Part], source: Source, index: int
) -> Activity | Table | None:
    """The recording or the table of one file; None when it holds neither."""
    definitions = _definitions(chain)
    if file_type(data, definitions) == COURSE:
        return None
    recording = read_recording(data, definitions, any(part.is_damaged for part in chain))
    if recording is None:
        return monitoring_of(data, definitions, source)
    return _activity(recording, source, index)


def _activity(recording: Recording, source: Source, index: int) -> Activity:
    is_dated = recording.zero_s >= RELATIVE_BELOW
    repairs = (*source.repairs, *recording.repairs)
    names = recording.names
    return Activity(
        id=activity_id(source.digest, index),
        athlete="",
        sport=names.sport,
        start=FIT_EPOCH + timedelta(seconds=recording.zero_s) if is_dated else None,
        tracks=recording.tracks,
        source=source_of(source.reader, source.name, source.digest, repairs),
        zone=recording.zone,
        laps=recording.laps,
        events=recording.events,
        sub_sport=names.sub_sport,
        device=names.device,
        title=names.title,
        profile=recording.profile,
    )


def _definitions(chain: Sequence[Part]) -> list[Definition]:
    return [definition for part in chain for definition in part.definitions]


def _repairs(chain: Sequence[Part]) -> list[Repair]:
    return [repair for part in chain for repair in part.repairs]


def _reason(data: bytes, chains: Sequence[Sequence[Part]]) -> str:
    for chain in chains:
        if found := what_it_is(data, _definitions(chain)):
            return f"{found}; expected a recorded activity"
    return "a FIT file without any record, lap or session that can be read"


_EXAMPLE = (
    "0e205408430000002e464954fdf44100000000010001000104400000140002fd04860301020000ca9a3b7800"
    "01ca9a3b79420000120004fd04860204860704860501000201ca9a3b00ca9a3be803000001eaa3"
)

PLUGIN = FitReader()
