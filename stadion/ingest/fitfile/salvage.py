"""Bytes of a damaged FIT body in, the records that can still be believed out."""

from __future__ import annotations

from dataclasses import dataclass, field

from stadion.ingest.fitfile.walk import (
    MOST_DEFINITIONS,
    Definition,
    Walk,
    sound_definition_at,
    word_order,
)

__all__ = ["salvage"]

_SPAN_S = 45 * 86400  # a device left on for a month is real; a year off is a damaged record
_AHEAD = 3  # steps that must hold before bytes are believed to be records again
_MOST_ATTEMPTS = 10_000  # definitions tried in one stretch of junk; bounds the time


def salvage(data: bytes, start: int, end: int, near: float | None) -> Walk:
    """Walk a damaged body: check each step, and after junk look for the next sound record.

    Parameters
    ----------
    near
        A time of this recording; records more than 45 days off are not believed. None = any.
    """
    return _Salvage(data, end, near).run(start)


@dataclass(slots=True, eq=False)
class _Salvage:
    data: bytes
    end: int
    near: float | None
    active: dict[int, Definition] = field(default_factory=dict)
    attempts: int = 0

    def run(self, start: int) -> Walk:
        result = Walk([], self.end)
        position = start
        while position < self.end and len(result.definitions) < MOST_DEFINITIONS:
            definition = self.step(position, self.active)
            if definition is None and self.is_last(position):
                result.is_cut = True
                break
            if definition is None:
                resumed = self.next_sound(position + 1)
                result.skipped += resumed - position
                position = resumed
            elif 0x40 <= self.data[position] < 0x80:
                self.active[self.data[position] & 0x0F] = definition
                result.definitions.append(definition)
                self.attempts = 0
                position += definition.length
            else:
                definition.records.append(position)
                position += 1 + definition.size
        result.skipped += max(self.end - position, 0) * (not result.is_cut)
        return result

    def step(self, position: int, active: dict[int, Definition]) -> Definition | None:
        """The definition that is, or explains, the bytes there; None when nothing does."""
        header = self.data[position]
        if 0x40 <= header < 0x80:
            if header & 0x10:
                return None
            new = sound_definition_at(self.data, position, self.end)
            self.attempts += new is not None
            return new
        is_compressed = header >= 0x80
        known = active.get((header >> 5) & 3 if is_compressed else header)
        if known is None or position + 1 + known.size > self.end:
            return None
        clock = known.clock
        if is_compressed or clock is None:
            return None if is_compressed and clock is not None else known
        at = position + 1 + clock.offset
        time = int.from_bytes(self.data[at : at + 4], word_order(known.big_endian))
        return known if self.is_near(time) else None

    def is_near(self, time: int) -> bool:
        """True for a time this recording can have, and for a missing one."""
        if time == 0xFFFFFFFF:
            return True
        return time < 0x80000000 if self.near is None else abs(time - self.near) <= _SPAN_S

    def is_last(self, position: int) -> bool:
        """True when a record starts here that the end of the file cuts off."""
        known = self.active.get(self.data[position])
        return known is not None and position + 1 + known.size > self.end

    def next_sound(self, position: int) -> int:
        while position < self.end and not self.holds(position):
            position = position + 1 if self.attempts < _MOST_ATTEMPTS else self.end
        return position

    def holds(self, position: int) -> bool:
        """True when a few steps in a row are sound and one of them cannot be chance."""
        active = self.active
        has_evidence = False
        for _ in range(_AHEAD):
            if position == self.end:
                break
            definition = self.step(position, active)
            if definition is None:
                return False
            is_new = 0x40 <= self.data[position] < 0x80
            # A definition without fields is six bytes, mostly zeros: it may be chance.
            told = bool(definition.fields) if is_new else definition.clock is not None
            has_evidence = has_evidence or told
            if is_new:
                active = {**active, self.data[position] & 0x0F: definition}
            position += definition.length if is_new else 1 + definition.size
        return has_evidence
