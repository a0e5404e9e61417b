"""Damaged definitions of records in, what they must have said out.

A record's layout is written once and lost with one bit. It can be told again from what is left
of it, from the same layout elsewhere in the file, and from how far apart the records are.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, chain, product

from stadion.ingest.fitfile.plausible import is_plausible
from stadion.ingest.fitfile.profile import Message
from stadion.ingest.fitfile.sight import Sight
from stadion.ingest.fitfile.values import BASE_TYPES
from stadion.ingest.fitfile.walk import (
    BASE_CODES,
    TIMESTAMP,
    Definition,
    Field,
    length_of,
    read_definition,
    word_order,
)

__all__ = ["begins_another", "is_strong", "is_usual", "mended", "readings", "told_again"]

_UINT32, _BYTE = 0x86, 0x0D
_NONE = 0xFF  # a number that no field has
# Type and size that every maker gives these fields of a record.
_USUAL: dict[int, tuple[int, int]] = {
    0: (0x85, 4), 1: (0x85, 4), 2: (0x84, 2), 3: (0x02, 1), 4: (0x02, 1), 5: (0x86, 4),
    6: (0x84, 2), 7: (0x84, 2), 9: (0x83, 2), 10: (0x02, 1), 29: (0x86, 4), 30: (0x02, 1),
    31: (0x02, 1), 32: (0x83, 2), 33: (0x84, 2), 39: (0x84, 2), 40: (0x84, 2), 41: (0x84, 2),
    53: (0x02, 1), 54: (0x84, 2), 57: (0x84, 2), 73: (0x86, 4), 78: (0x86, 4), 83: (0x84, 2),
    84: (0x84, 2), 85: (0x84, 2), 87: (0x84, 2), 108: (0x84, 2), 139: (0x84, 2),
    TIMESTAMP: (0x86, 4),
}  # fmt: skip
_LISTED = (73, 78)  # one device writes two of these, where all others write one
_LEAST_USUAL = 4  # fields of a record that tell its definition without its number
_FURTHEST = 900  # bytes between a definition and its first record
_LONGEST = 1 + 5 + 2 * (1 + 3 * 255)  # bytes of a definition
_MOST_FIELDS = 80
_MOST_ODD = 4
_DEVELOPERS_SIZES = (1, 2, 4, 8)
_LEAST_IN_STEP = 4  # records in a row that tell how long one is


def mended(definition: Definition) -> Definition:
    """A sound definition in a damaged body, without what cannot be right in it."""
    message = definition.message
    if message != Message.RECORD and not _must_be_record(definition):
        return definition
    fields = _timed(definition)
    believed = tuple(each for each in fields if _is_usual(each) is not False)
    if message != Message.RECORD:  # more than its number may be wrong: a field twice is none
        counts = Counter((each.owner, each.number) for each in believed)
        believed = tuple(each for each in believed if counts[each.owner, each.number] == 1)
    if message == Message.RECORD and believed == definition.fields:
        return definition
    clocks = (f for f in believed if f.number == TIMESTAMP and f.owner < 0 and f.size == 4)
    clock = next(clocks, None)
    return replace(definition, message=int(Message.RECORD), fields=believed, clock=clock)


def readings(sight: Sight, position: int) -> Iterator[tuple[int, Definition]]:
    """(local type, definition) that the bytes there may have stood for, the likeliest first.

    Any byte of a definition may be damaged: its head, the sizes and types of its fields, how
    many they are, and the local type it is for, which the record behind it tells.
    """
    data, end = sight.data, sight.end
    block = bytearray(data[position : min(position + _LONGEST, end)])
    if len(block) < 9 or block[0] & 0xD0 != 0x40:
        return
    own, developed, order = block[0] & 0x0F, block[0] & 0x20, block[2]
    block[1] = 0
    orders = (order, 1 - order) if order <= 1 else (0, 1)
    for flag, block[2] in product((developed, developed ^ 0x20), orders):
        block[0] = 0x40 | own | flag
        length = length_of(block, 0, len(block))
        if not length:
            continue
        definition = read_definition(bytes(block), 0, length)
        if not 0 < len(definition.fields) <= _MOST_FIELDS:
            continue
        behind = data[position + length] if position + length < end else 0xFF
        for local in dict.fromkeys((own, behind if behind < 0x10 else own)):
            for fields in _variants(definition):
                yield local, mended(_with(definition, fields))


def _with(definition: Definition, fields: Sequence[Field]) -> Definition:
    """That definition with other fields, laid end to end."""
    ends = list(accumulate(each.size for each in fields))
    laid = tuple(f._replace(offset=at) for f, at in zip(fields, [0, *ends], strict=False))
    clock = next((f for f in laid if f.number == TIMESTAMP and f.owner < 0 and f.size == 4), None)
    return replace(definition, fields=laid, clock=clock, size=ends[-1])


def _variants(definition: Definition) -> Iterator[list[Field]]:
    """The fields as they are, then with the sizes they usually have, then with one more changed."""
    fields = definition.fields
    odd = [k for k, f in enumerate(fields) if f.owner < 0 and not _is_sound(f)]
    if len(odd) > _MOST_ODD:
        return
    is_record = definition.message == Message.RECORD or _may_be_record(definition)
    choices = [
        _choices(each) if is_record or not each.size else [_opaque(each)]
        for each in (fields[place] for place in odd)
    ]
    for chosen in product(*choices):
        new = dict(zip(odd, chosen, strict=True))
        yield [new.get(place, each) for place, each in enumerate(fields)]
    if not is_record:
        return
    usual = [_resized(each) if place in odd else each for place, each in enumerate(fields)]
    single = [each if each.owner >= 0 else _resized(each) for each in fields]
    for place, each in enumerate(fields):
        if each.owner >= 0:
            for size in _DEVELOPERS_SIZES:
                yield [*usual[:place], each._replace(size=size), *usual[place + 1 :]]
    for place, each in enumerate(single):
        if each.size != usual[place].size:
            yield [*usual[:place], each, *usual[place + 1 :]]
    yield single


def _choices(each: Field) -> list[Field]:
    """What a field of which something is wrong may have been."""
    resized = _resized(each)
    twice = [resized._replace(size=2 * resized.size)] if each.number in _LISTED else []
    return [_opaque(each), resized, *twice] if each.size else [resized, *twice]


def _resized(each: Field) -> Field:
    """The field with the size that its number or its type has nearly always."""
    if each.number in _USUAL:
        base, size = _USUAL[each.number]
        return each._replace(size=size, base=base)
    kind = BASE_TYPES.get(each.base & 0x1F)
    return _opaque(each) if kind is None else each._replace(size=kind.size)


def _opaque(each: Field) -> Field:
    """A field of which only the size is sure; where the number tells the type, that as well."""
    base, size = _USUAL.get(each.number, (_BYTE, 0))
    is_told = size == each.size and (each.number == TIMESTAMP or each.base not in BASE_CODES)
    return each._replace(base=base if is_told else _BYTE, number=each.number if is_told else _NONE)


def begins_another(data: bytes, position: int, known: Definition | None) -> bool:
    """True when a definition of another message than `known` began there, and is damaged."""
    head = data[position : position + 6]
    if known is None or len(head) < 6 or head[1] or head[2] > 1 or not head[5]:
        return False
    return int.from_bytes(head[3:5], word_order(head[2] == 1)) != known.message


def is_usual(definition: Definition) -> bool:
    """True for a record's definition in which nothing is odd."""
    is_odd = any(_is_usual(each) is False for each in definition.fields)
    return definition.message == Message.RECORD and definition.clock is not None and not is_odd


def is_strong(definition: Definition) -> bool:
    """True for a record's definition that cannot be there by chance."""
    return is_usual(definition) and len(definition.fields) >= _LEAST_USUAL


def _is_usual(each: Field) -> bool | None:
    """None for a field of which every maker may think otherwise."""
    usual = _USUAL.get(each.number) if each.owner < 0 else None
    if usual is None:
        return None
    base, size = usual
    is_listed = each.number in _LISTED and each.size == 2 * size
    return each.base == base and (each.size == size or is_listed)


def _must_be_record(definition: Definition) -> bool:
    """True when the number of the message is another, and all fields are those of a record."""
    low, high = definition.message & 0xFF, definition.message >> 8
    is_near = low == Message.RECORD or not high  # one byte of two is as it should be
    return is_near and _may_be_record(definition, most_odd=0) and definition.clock is not None


def _may_be_record(definition: Definition, most_odd: int = 1) -> bool:
    found = [_is_usual(each) for each in definition.fields]
    odd = found.count(False)
    return found.count(True) + odd >= _LEAST_USUAL and odd <= most_odd


def _timed(definition: Definition) -> tuple[Field, ...]:
    """The fields, the first of them taken for the time where no other is.

    Each record is checked to hold a time there: a wrong guess finds no records.
    """
    clock, fields = definition.clock, definition.fields
    if clock is not None:
        mended = clock._replace(base=_UINT32)
        return tuple(mended if each is clock else each for each in fields)
    first = fields[0] if fields else None
    if first is None or first.base != _UINT32 or first.size != 4 or first.number in _USUAL:
        return fields
    return (first._replace(number=TIMESTAMP), *fields[1:])


def told_again(sight: Sight, start: int, end: int) -> tuple[int, Definition] | None:
    """Where records in step begin that no definition explains, and how they are laid out."""
    for big_endian in (False, True):
        times = sight.times(big_endian)
        low, high = times.searchsorted([start, end])
        for first, step in _in_step(times[low:high].tolist()):
            possible = chain(
                _known(sight, first, step, big_endian),
                _rebuilt(sight, start, first, step, big_endian),
            )
            for at, definition in possible:
                if sight.looks > 0 and is_plausible(sight, at, definition):
                    return at, definition
    return None


def _in_step(times: list[int]) -> Iterator[tuple[int, int]]:
    """(offset of the first time, bytes from one record to the next), for each such stretch."""
    known = set(times)
    done: set[tuple[int, int]] = set()
    for place, first in enumerate(times[:200]):
        for second in times[place + 1 : place + 4]:
            step = second - first
            key = (step, first % step)
            if step > 5 and key not in done:
                done.add(key)
                if all(first + k * step in known for k in range(2, _LEAST_IN_STEP)):
                    yield first, step


def _header(sight: Sight, start: int, step: int) -> int | None:
    """The header that records in step share."""
    headers = set(sight.data[start : start + _LEAST_IN_STEP * step : step])
    return headers.pop() if len(headers) == 1 and max(headers) < 0x10 else None


def _known(
    sight: Sight, first: int, step: int, big_endian: bool
) -> Iterator[tuple[int, Definition]]:
    """The same layout elsewhere in the file: all that it can be, those of records first."""
    alike = {
        (definition.fields, definition.message): (start, mended(definition))
        for _, definition in sight.all_definitions()
        if definition.size + 1 == step and definition.big_endian == big_endian
        if definition.clock is not None
        for start in [first - 1 - definition.clock.offset]
        if start >= sight.start and _header(sight, start, step) is not None
    }
    is_other = [message != Message.RECORD for _, message in alike]
    for _, (start, definition) in sorted(
        zip(is_other, alike.values(), strict=True), key=lambda found: found[0]
    ):
        yield start, replace(definition, records=array("q"), runs=[])


def _rebuilt(
    sight: Sight, lowest: int, first: int, step: int, big_endian: bool
) -> Iterator[tuple[int, Definition]]:
    """The layout that a definition with one wrong byte or two stands for.

    The time is taken to be the first field, as it is with nearly all makers.
    """
    data, start = sight.data, first - 1
    header = _header(sight, start, step) if start > lowest else None
    if header is None:
        return
    message = int(Message.RECORD).to_bytes(2, word_order(big_endian))
    for at in range(start - 9, max(lowest - 1, sight.start - 1, start - _FURTHEST), -1):
        head = data[at : at + 6]
        right = (head[0] & 0xCF == 0x40 | header, head[1] == 0, head[2] == big_endian,
                 head[3:5] == message)  # fmt: skip
        if sum(right) < 3:
            continue
        for count in dict.fromkeys((head[5], (start - at - 6) // 3)):
            for is_developed in (bool(head[0] & 0x20), not head[0] & 0x20):
                fields = _solved(data, at, count, is_developed, start, step - 1)
                if fields is not None:
                    clock = fields[0]._replace(number=TIMESTAMP, base=_UINT32)
                    told = (clock, *fields[1:])
                    yield (
                        start,
                        Definition(int(Message.RECORD), big_endian, told, clock, 0, step - 1),
                    )


def _solved(
    data: bytes, at: int, count: int, is_developed: bool, end: int, size: int
) -> tuple[Field, ...] | None:
    """Fields that fill a record of that size, at most one of them mended; None = they do not."""
    middle = at + 6 + 3 * count
    if not 0 < count < 100 or middle > end:
        return None
    own = [data[k : k + 3] for k in range(at + 6, middle, 3)]
    foreign: list[bytes] = []
    if is_developed:
        last = middle + 1 + 3 * data[middle]
        if last > end:
            return None
        foreign = [data[k : k + 3] for k in range(middle + 1, last, 3)]
    fields = [Field(number, size, base, 0) for number, size, base in own]
    fields += [Field(number, size, _BYTE, 0, owner) for number, size, owner in foreign]
    return _filling(fields, size)


def _filling(fields: list[Field], size: int) -> tuple[Field, ...] | None:
    odd = [k for k, each in enumerate(fields) if each.owner < 0 and not _is_sound(each)]
    missing = size - sum(each.size for each in fields)
    if missing and not odd:
        odd = [k for k, f in enumerate(fields) if f.owner < 0 and f.size + missing == _size_of(f)]
        odd = odd[:1]
    if len(odd) > 1 or (missing and not odd) or fields[0].size != 4:
        return None
    for place in odd:
        if not 0 < fields[place].size + missing < 256:
            return None
        resized = fields[place]._replace(size=fields[place].size + missing)
        fields[place] = resized if _is_sound(resized) else _opaque(resized)
    offsets = [0, *accumulate(each.size for each in fields)]
    return tuple(f._replace(offset=at) for f, at in zip(fields, offsets, strict=False))


def _is_sound(each: Field) -> bool:
    if (
        each.base not in BASE_CODES
        or not each.size
        or each.size % BASE_TYPES[each.base & 0x1F].size
    ):
        return False
    return _is_usual(each) is not False


def _size_of(each: Field) -> int:
    """Bytes that a field usually takes: of its number, or one of its type."""
    usual = _USUAL.get(each.number)
    return usual[1] if usual else BASE_TYPES[each.base & 0x1F].size
