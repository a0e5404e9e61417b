"""Bytes of a damaged FIT body in, the records that can still be believed out."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product

from stadion.ingest.fitfile.doubt import filled_from, is_odd, rows_of
from stadion.ingest.fitfile.layouts import (
    begins_another,
    is_strong,
    is_usual,
    mended,
    readings,
    told_again,
)
from stadion.ingest.fitfile.messages import OctetArray
from stadion.ingest.fitfile.plausible import is_plausible
from stadion.ingest.fitfile.profile import Message
from stadion.ingest.fitfile.sight import Sight, likely_time
from stadion.ingest.fitfile.walk import (
    MOST_DEFINITIONS,
    TIMESTAMP,
    Definition,
    Field,
    Walk,
    alike,
    sound_definition_at,
)

__all__ = ["salvage"]

_LOOKS_PER_BYTE = 1 / 8  # bounds the time for made-up files
_LEAST_LOOKS = 20_000
_LOOKS_TO_RESUME, _LOOKS_TO_TELL, _LOOKS_TO_READ = 10, 60, 300  # beside the searches' steps
_MOST_WRONG_TIMES = 24  # in a row, after which the rest is still in step
_MOST_STEPS = 12
# Of the messages without a time those that say what the file is: others stand between records.
_ALONE = frozenset((*range(60), Message.FIELD_DESCRIPTION, 207))
_MOST_PAUSE_S = 600
_MOST_LAYOUTS = 30
_MOST_TIMES = 20  # looked at, to find a layout for what follows
_LOOKED_BACK = 8  # records before one in doubt that tell which of its bytes never change


def salvage(data: bytes, start: int, end: int, walked: Walk) -> Walk:
    """Walk a damaged body: check each step, and after junk look for the next sound record.

    Parameters
    ----------
    walked
        What a walk without checks found: their times tell when the recording was made, and
        records more than 45 days off are not believed.
    """
    sight = Sight(data, start, end, looks=_LEAST_LOOKS + len(data) * _LOOKS_PER_BYTE)
    sight.near = likely_time(sight, walked)
    return _Salvage(data, end, sight, Walk([], end)).run(start)


@dataclass(slots=True, eq=False)
class _Salvage:
    """`last` are the starts of the newest records, all of the definition `layout`.

    `others` are definitions whose time is another field of theirs.
    """

    data: bytes
    end: int
    sight: Sight
    result: Walk
    active: dict[int, Definition] = field(default_factory=dict)
    known: dict[bytes, Definition] = field(default_factory=dict)
    layouts: dict[tuple[int, bool, Field | None], Definition] = field(default_factory=dict)
    others: dict[tuple[Definition, Field], Definition] = field(default_factory=dict)
    layout: Definition | None = None
    last: list[int] = field(default_factory=list)

    def run(self, start: int) -> Walk:
        result = self.result
        position = start
        while position < self.end and len(result.definitions) < MOST_DEFINITIONS:
            definition = self.step(position, self.active)
            if definition is None:
                position = self.past_damage(position)
            elif 0x40 <= self.data[position] < 0x80:
                position = self.define(position, definition) or self.end
            else:
                position = self.take(position, definition)
        result.skipped += max(self.end - position, 0)
        return result

    def step(self, position: int, active: Mapping[int, Definition]) -> Definition | None:
        """The definition that is, or explains, the bytes there; None when nothing does."""
        header = self.data[position]
        if 0x40 <= header < 0x80:
            return None if header & 0x10 else sound_definition_at(self.data, position, self.end)
        is_compressed = header >= 0x80
        known = active.get((header >> 5) & 3 if is_compressed else header & 0x0F)
        if known is None or (header > 0x0F and not is_compressed and known.clock is None):
            return None  # two bits of a plain header say nothing and are zero
        if position + 1 + known.size > self.end:
            return None
        if is_compressed or known.clock is None:
            return None if is_compressed and known.clock is not None else known
        time = self.sight.time_at(position, known)
        return known if time == 0xFFFFFFFF or self.sight.is_near(time or 0) else None

    def define(self, position: int, sound: Definition | None) -> int | None:
        """Remember a definition, mended where its records tell so; where it ends.

        None when no definition stands there.
        """
        header = self.data[position]
        length = sound.length if sound else 0
        block = bytes([header & 0x20]) + self.data[position + 1 : position + length]
        local, same = header & 0x0F, self.known.get(block) if sound else None
        if same is None:
            local, same = self.believed(position, sound)
            if same is None:
                return None
            self.remember(same)
            if sound:
                self.known[block] = same
            self.result.mended["definitions mended"] += same is not sound
        self.active[local] = same
        return position + same.length

    def remember(self, definition: Definition) -> None:
        """Note a definition, and its layout for records of which the own one is lost."""
        layout = (definition.size, definition.big_endian, definition.clock)
        if self.layouts.get(layout) is definition:
            return
        self.result.definitions.append(definition)
        if definition.clock:
            self.layouts[layout] = definition

    def believed(self, position: int, sound: Definition | None) -> tuple[int, Definition | None]:
        """(local type, definition): what stands there, or what the records behind it ask for."""
        own = self.data[position] & 0x0F
        if sound is not None:
            usual = mended(sound)
            is_timeless = usual.clock is None and usual.message != Message.RECORD
            is_first = is_usual(usual) and self.starts(position + usual.length)
            if is_timeless or is_first or self.follows(position, own, usual):
                return own, usual
        self.sight.looks -= _LOOKS_TO_READ
        found = list(readings(self.sight, position)) if self.sight.looks > 0 else []
        for local, reading in found:
            if self.sight.looks > 0 and self.follows(position, local, reading, least=3):
                return local, reading
        if sound is None or not is_usual(sound):
            likely = [
                each
                for each in found
                if each[0] == own and is_usual(each[1]) and self.starts(position + each[1].length)
            ]
            if likely:
                return min(likely, key=lambda each: each[1].size)
        return own, sound and mended(sound)

    def starts(self, position: int) -> bool:
        """True when another definition stands there."""
        if position >= self.end or not 0x40 <= self.data[position] < 0x80:
            return False
        return self.step(position, {}) is not None

    def follows(self, position: int, local: int, definition: Definition, least: int = 2) -> bool:
        """True when records of that layout follow the definition at once."""
        after = position + definition.length
        if after >= self.end or self.data[after] != local:
            return False
        return self.holds(after, {**self.active, local: definition}, least)

    def take(self, position: int, definition: Definition) -> int:
        """Take the record that starts there, and those like it that follow."""
        step = 1 + definition.size
        count = 1
        if definition is self.layout and self.data[position] < 0x80:
            count = min(alike(self.data, position, self.end, step), (self.end - position) // step)
        if count > _LOOKED_BACK:
            is_near = self.sight.are_near(position, count, definition)
            count = count if is_near.all() else max(int(is_near.argmin()), 1)
        if count > 1:
            definition.runs.append((position, count))
        else:
            definition.records.append(position)
        if definition is not self.layout:
            self.layout, self.last = definition, []
        newest = range(max(count - _LOOKED_BACK - 1, 0), count)
        self.last = [*self.last, *(position + k * step for k in newest)][-_LOOKED_BACK - 1 :]
        return position + count * step

    def past_damage(self, position: int) -> int:
        """Where to go on; what lies between is counted as lost."""
        is_definition = self.data[position] & 0xD0 == 0x40
        if is_definition and (after := self.define(position, None)) is not None:
            return after
        local = self.data[position] & 0x0F
        if is_definition and begins_another(self.data, position, self.active.get(local)):
            del self.active[local]  # what follows is laid out anew
        if (after := self.past_wrong_time(position)) is not None:
            if not self.take_by_other_time(position):
                self.result.mended["records of another time dropped"] += 1
            return after
        doubted = self.doubted(position)
        if (after := self.past_wrong_header(position)) is not None:
            return after
        since = position if doubted is None else doubted
        resumed = self.next_sound(since + 1)
        step = 1 + self.layout.size if self.layout else 0
        if resumed - since > max(3 * step, 60) and self.sight.looks > 0:
            self.sight.looks -= _LOOKS_TO_TELL
            told = told_again(self.sight, since, resumed) or self.told_elsewhere(since, resumed)
            if told is not None:
                resumed, definition = told
                self.active[self.data[resumed]] = definition
                self.remember(definition)
                self.result.mended["definitions mended"] += 1
        if resumed == self.end and self.is_last(position):
            self.result.is_cut = True
            return self.end
        following = self.data[position : position + 4]
        cut = None if doubted is None else filled_from(self.rows(), following)
        if doubted is not None and resumed >= position and cut:
            self.shorten(doubted, cut)
        elif doubted is not None and (resumed < position or self.is_odd(position)):
            self.drop(doubted)
            position = doubted
        self.result.skipped += resumed - position
        return resumed

    def told_elsewhere(self, start: int, end: int) -> tuple[int, Definition] | None:
        """Where records begin that a definition from elsewhere in the file explains.

        They need not be in step: others may stand between them.
        """
        layouts = [*self.layouts.values()][-_MOST_LAYOUTS:]
        for big_endian in {layout.big_endian for layout in layouts}:
            times = self.sight.times(big_endian)
            low, high = times.searchsorted([start, end])
            for time, layout in product(times[low:high][:_MOST_TIMES].tolist(), layouts):
                self.sight.looks -= 1
                first = time - 1 - (layout.clock.offset if layout.clock else 0)
                if first < start or self.data[first] > 0x0F or self.sight.looks <= 0:
                    continue
                if not self.holds(first, {**self.active, self.data[first]: layout}, least=3):
                    continue
                if is_plausible(self.sight, first, layout):
                    return first, layout
        return None

    def doubted(self, position: int) -> int | None:
        """The record that ends there: what comes behind it may be its fault."""
        if not self.layout or not self.last:
            return None
        is_behind = self.last[-1] + 1 + self.layout.size == position
        return self.last[-1] if is_behind else None

    def drop(self, position: int) -> None:
        if self.layout and self.last:
            self.layout.drop_last(position)
            self.last.pop()

    def past_wrong_time(self, position: int) -> int | None:
        """The end of a record of which only the time is wrong: others follow in step."""
        first, at, active = self.active.get(self.data[position]), position, self.active
        if first is None:
            return None
        for _ in range(_MOST_WRONG_TIMES):
            header = self.data[at]
            is_new = header & 0xD0 == 0x40
            known = self.step(at, active) if is_new else active.get(header)
            if known is None:
                return None
            if is_new:
                active = {**active, header & 0x0F: known}
            at += known.length if is_new else 1 + known.size
            if at >= self.end:
                return None
            if self.holds(at, active, least=2):
                return position + 1 + first.size
        return None

    def take_by_other_time(self, position: int) -> bool:
        """Keep a record that says its time twice, and only one of the two is wrong."""
        layout = self.active[self.data[position]]
        for each in layout.fields:
            if each.number == TIMESTAMP and each.owner < 0 and each.size == 4:
                key = (layout, each)
                other = self.others.get(key) or replace(
                    layout, clock=each, records=array("q"), runs=[]
                )
                if self.sight.is_near(self.sight.time_at(position, other) or 0):
                    if key not in self.others:
                        self.others[key] = other
                        self.result.definitions.append(other)
                    other.records.append(position)
                    self.result.mended["wrong times told by a second one"] += 1
                    return True
        return False

    def past_wrong_header(self, position: int) -> int | None:
        """The end of a record like the last, of which only the header is wrong."""
        layout = self.layout
        if layout is None or layout.clock is None:
            return None
        after = position + 1 + layout.size
        if after > self.end or not self.sight.is_near(self.sight.time_at(position, layout) or 0):
            return None
        if self.data[position] < 0x40 and self.active.get(self.data[position]) is layout:
            return None
        if after < self.end and not self.holds(after, self.active):
            return None
        self.result.mended["wrong record headers mended"] += 1
        layout.records.append(position)
        self.last = [*self.last, position][-_LOOKED_BACK - 1 :]
        return after

    def shorten(self, position: int, cut: int) -> None:
        """Keep of a record only the fields before that byte of it."""
        self.drop(position)
        layout = self.layout
        if layout is None or layout.clock is None:
            return
        fields = tuple(each for each in layout.fields if each.offset + each.size <= cut)
        if layout.clock in fields:
            kept = replace(layout, fields=fields, records=array("q", [position]), runs=[])
            self.result.definitions.append(kept)
        self.result.mended["records that end in zeros or 0xFF kept in part"] += 1

    def is_odd(self, position: int) -> bool:
        """True when the record that ends there looks unlike the others, and is to blame."""
        header = self.data[position]
        # A message may follow of which only the definition is lost.
        return (header > 0x0F or header in self.active) and is_odd(self.rows())

    def rows(self) -> OctetArray:
        """(n, size) bytes of the last few records."""
        return rows_of(self.data, self.last, self.layout.size if self.layout else 0)

    def is_last(self, position: int) -> bool:
        """True when a record starts here that the end of the file cuts off."""
        known = self.active.get(self.data[position])
        return known is not None and position + 1 + known.size > self.end

    def next_sound(self, position: int) -> int:
        self.sight.looks -= _LOOKS_TO_RESUME
        starts = heapq.merge(
            self.sight.definitions_from(position),
            *(self.sight.records_from(position, k, d) for k, d in self.active.items()),
        )
        for start in starts:
            if self.sight.looks <= 0:
                break
            if self.holds(start, self.active) or self.is_next(start):
                return start
        return self.end

    def is_next(self, position: int) -> bool:
        """True for a record at most ten minutes after the last: that time cannot be chance."""
        layout = self.active.get(self.data[position])
        if layout is None or self.layout is None or not self.last:
            return False
        if position <= self.last[-1] + self.layout.size or position + layout.size >= self.end:
            return False
        time, last = (
            self.sight.time_at(at, each)
            for at, each in ((position, layout), (self.last[-1], self.layout))
        )
        return time is not None and last is not None and 0 <= time - last <= _MOST_PAUSE_S

    def holds(self, position: int, active: Mapping[int, Definition], least: int = 1) -> bool:
        """True when a few steps in a row are sound, and the first `least` cannot be chance."""
        count = 0
        for _ in range(_MOST_STEPS):
            self.sight.looks -= 1
            if position == self.end:
                return count > 0
            definition = self.step(position, active)
            if definition is None:
                known = active.get(self.data[position])
                return count > 0 and known is not None and position + 1 + known.size > self.end
            is_new = 0x40 <= self.data[position] < 0x80
            if count == least or (is_new and is_strong(definition)):
                return True
            # A definition without fields is six bytes, mostly zeros: it may be chance.
            if definition.fields if is_new else definition.clock:
                count += 1
            elif is_new or not count or definition.message in _ALONE:
                return False
            if is_new:
                active = {**active, self.data[position] & 0x0F: definition}
            position += definition.length if is_new else 1 + definition.size
        return count >= least
