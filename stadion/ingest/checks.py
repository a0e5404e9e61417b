"""The contract of a reader, one sentence per function: each takes a reader and asserts."""

from __future__ import annotations

import random

import numpy as np

from stadion.core.activity import Activity, Table
from stadion.core.channels import CHANNELS
from stadion.core.errors import Code, StadionError
from stadion.ingest.base import Index, Member, Notes, Reader, activity_id, digest_of

__all__ = [
    "check_channels_hold_possible_values",
    "check_example_is_claimed_whole",
    "check_example_is_read",
    "check_ids_follow_the_content",
    "check_junk_is_left_alone",
    "check_layout_is_one_sentence",
    "check_mutations_raise_only_stadion_errors",
    "check_name_is_that_of_its_file",
    "check_notes_speak_of_other_files",
    "check_source_says_where_values_come_from",
]

_MUTATIONS = 300
_JUNK = (
    b"",
    b"\0",
    b"hello, athlete",
    b"\n\n\n",
    b"<!DOCTYPE html><html><body>404</body></html>",
    b"%PDF-1.7\n%\xe2\xe3",
    b"{}",
    bytes(range(256)) * 8,
    random.Random(1).randbytes(5000),  # noqa: S311  # junk, not a secret
)


def check_name_is_that_of_its_file(reader: Reader) -> None:
    """`name` is what the finder calls it."""
    module = type(reader).__module__.rpartition(".")[2].removesuffix("_from_folder")
    assert reader.name == module, f"name is {reader.name!r}; its file is {module!r}"


def check_layout_is_one_sentence(reader: Reader) -> None:
    """`layout` is for people: one sentence."""
    assert reader.layout.endswith("."), f"layout is {reader.layout!r}; expected a sentence"
    assert "\n" not in reader.layout, "layout has several lines; expected one sentence"


def check_example_is_claimed_whole(reader: Reader) -> None:
    """The example is of the reader's own layout, also beside files that are not."""
    example = list(reader.example())
    strangers = [Member.of(f"junk{k}", data) for k, data in enumerate(_JUNK)]
    groups = reader.claim([*strangers, *example])
    claimed = {member.path for group in groups for member in group}
    assert claimed == {member.path for member in example}, f"claimed {sorted(claimed)}"


def check_example_is_read(reader: Reader) -> None:
    """The example gives at least one value that is not empty."""
    values = _values(reader)
    assert values, "the example gives nothing"
    for value in values:
        size = len(value) if isinstance(value, Table) else sum(map(len, value.tracks))
        assert size, f"the example gives an empty {type(value).__name__}"


def check_source_says_where_values_come_from(reader: Reader) -> None:
    """`source` names the reader, the file and the digest of what was read."""
    for group in reader.claim(reader.example()):
        digest = digest_of(member.data for member in group)
        for value in reader.read(group):
            assert value.source.reader == reader.name, f"reader is {value.source.reader!r}"
            assert value.source.digest == digest, "digest is not that of the group's bytes"
            assert value.source.name in {member.path for member in group}, "name is no member's"


def check_ids_follow_the_content(reader: Reader) -> None:
    """Equal bytes under another name give equal ids, and no two recordings share one."""
    first = [v for v in _values(reader) if isinstance(v, Activity)]
    again = [v for v in _values(reader) if isinstance(v, Activity)]
    assert [a.id for a in first] == [a.id for a in again], "a second reading gives other ids"
    assert len({a.id for a in first}) == len(first), "two activities have one id"
    expected = {activity_id(a.source.digest, k) for a in first for k in range(len(first))}
    assert {a.id for a in first} <= expected, "ids are not made by activity_id(digest, index)"


def check_channels_hold_possible_values(reader: Reader) -> None:
    """Values of the vocabulary's channels are in its units, hence inside its bounds."""
    for value in _values(reader):
        for track in value.tracks if isinstance(value, Activity) else ():
            for name, values in track.channels.items():
                channel = CHANNELS.get(name)
                known = values[np.isfinite(values)]
                if channel and len(known):
                    inside = channel.low <= known.min() and known.max() <= channel.high
                    assert inside, f"{name} goes from {known.min()} to {known.max()} {channel.unit}"


def check_notes_speak_of_other_files(reader: Reader) -> None:
    """A reader that is an index notes something, and of files beside its own."""
    if not isinstance(reader, Index):
        return
    for group in reader.claim(reader.example()):
        notes = reader.notes(group)
        assert notes.by_path or notes.by_start, "an index whose example notes nothing"
        assert not notes.below or notes.below.endswith("/"), f"below is {notes.below!r}"
        assert all(member.path.startswith(notes.below) for member in group), "notes on strangers"
        own = {member.path.removeprefix(notes.below) for member in group}
        assert not own & notes.by_path.keys(), "an index that notes something of itself"


def check_junk_is_left_alone(reader: Reader) -> None:
    """What is nobody's is not claimed; read all the same, it is refused with a reason."""
    for data in _JUNK:
        member = Member.of("junk", data)
        assert not reader.claim([member]), f"claims {data[:20]!r}"
        _read_or_refuse(reader, [member])


def check_mutations_raise_only_stadion_errors(reader: Reader) -> None:
    """Flipped, cut and repeated bytes give values or a refusal, never a foreign exception."""
    chance = random.Random(7)  # noqa: S311  # repeatable, not secret
    example = list(reader.example())
    for _ in range(_MUTATIONS):
        group = [Member.of(m.path, _mutated(m.data, chance)) for m in example]
        reader.claim(group)
        _read_or_refuse(reader, group)
        if isinstance(reader, Index):
            _note_or_refuse(reader, group)


def _values(reader: Reader) -> list[Activity | Table]:
    return [value for group in reader.claim(reader.example()) for value in reader.read(group)]


def _read_or_refuse(reader: Reader, group: list[Member]) -> None:
    try:
        reader.read(group)
    except StadionError as error:
        assert error.code is Code.INVALID, f"code is {error.code}; expected INVALID"
        assert error.message, "a refusal without a reason"


def _note_or_refuse(reader: Index, group: list[Member]) -> None:
    try:
        notes = reader.notes(group)
        assert isinstance(notes, Notes), f"notes are a {type(notes).__name__}"
    except StadionError as error:
        assert error.code is Code.INVALID, f"code is {error.code}; expected INVALID"


def _mutated(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        if not changed:
            break
        at = chance.randrange(len(changed))
        kind = chance.randrange(4)
        if kind == 0:
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            changed[at] = chance.randrange(256)
        elif kind == 2:
            del changed[at : at + chance.randrange(1, 40)]
        else:
            changed[at:at] = changed[at : at + chance.randrange(1, 40)]
    return bytes(changed)
