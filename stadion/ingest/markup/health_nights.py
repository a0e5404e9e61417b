"""Records of sleep from several devices in, one night and its naps for each day out."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from stadion.core.arrays import Array
from stadion.ingest.markup.health_records import Samples, Source

__all__ = ["Night", "nights_in"]

_APART_S = 3600.0
_DAY_S = 86_400.0
_MOST_SLEEPS = 20_000
_IN_BED, _AWAKE = 0.0, 2.0
_STAGES = {"light_sleep": 3.0, "deep_sleep": 4.0, "rem_sleep": 5.0}
_STAGED = frozenset(_STAGES.values())
_ASLEEP = _STAGED | {1.0}


@dataclass(slots=True, eq=False)
class Night:
    """The longest sleep that ended on a day: seconds since 1970, and values by `core.days`."""

    day: int
    start_s: float
    end_s: float
    values: dict[str, float] = field(default_factory=dict)


def nights_in(samples: Samples, sources: Sequence[Source]) -> list[Night]:
    """One for each local day, in order; what was slept besides on that day is `naps`."""
    nights: dict[int, Night] = {}
    for rows in _sleeps(samples)[:_MOST_SLEEPS]:
        sleep = _night(samples.of(rows), sources)
        if sleep is None:
            continue
        known = nights.setdefault(sleep.day, sleep)
        if known is sleep:
            sleep.values["naps"] = 0.0
            continue
        longer, shorter = sorted((known, sleep), key=lambda one: -one.values["sleep"])
        longer.values["naps"] = known.values["naps"] + shorter.values["sleep"]
        nights[sleep.day] = longer
    return [nights[day] for day in sorted(nights)]


def _sleeps(samples: Samples) -> list[Array]:
    """Rows of each stretch of sleep: an hour without any record parts two."""
    if not len(samples):
        return []
    ends = np.maximum.accumulate(samples.end_s)
    cuts = np.flatnonzero(samples.start_s[1:] > ends[:-1] + _APART_S) + 1
    return list(np.split(np.arange(len(samples)), cuts))


def _night(sleep: Samples, sources: Sequence[Source]) -> Night | None:
    """What the best of the sources tells of one stretch; None when nobody slept."""
    spans = _Spans(sleep)
    slept = {number: spans.seconds(number, _ASLEEP) for number in set(spans.source)}
    if not any(slept.values()):
        return None
    # Stages tell more than any device's rank; of two alike the one that saw more sleep.
    best = min(
        (number for number in slept if slept[number]),
        key=lambda one: (not spans.seconds(one, _STAGED), sources[one].rank, -slept[one], one),
    )
    mine = [row for row, number in enumerate(spans.source) if number == best]
    last = max((row for row in mine if spans.value[row] in _ASLEEP), key=spans.end.__getitem__)
    start, end, ahead = min(spans.start[row] for row in mine), spans.end[last], spans.ahead[last]
    values = {"sleep": slept[best] / 60}
    if spans.seconds(best, _STAGED):
        values |= {name: spans.seconds(best, (one,)) / 60 for name, one in _STAGES.items()}
        values["awake"] = spans.seconds(best, (_AWAKE,)) / 60
    bed = spans.seconds(None, (_IN_BED,)) / 60
    if bed:
        start = min(start, *(s for s, v in zip(spans.start, spans.value, strict=True) if not v))
    values["in_bed"] = bed if bed >= values["sleep"] else (end - start) / 60
    values["sleep_efficiency"] = 100 * values["sleep"] / values["in_bed"]
    day = int((end + ahead) // _DAY_S)
    values["bedtime"] = (start + ahead - day * _DAY_S) / 3600
    return Night(day, start, end, values)


class _Spans:
    """Records of one sleep as plain numbers: a night has too few of them for arrays."""

    def __init__(self, sleep: Samples) -> None:
        self.start: list[float] = sleep.start_s.tolist()
        self.end: list[float] = sleep.end_s.tolist()
        self.value: list[float] = sleep.value.tolist()
        self.source: list[int] = sleep.source.tolist()
        self.ahead: list[float] = sleep.ahead_s.tolist()

    def seconds(self, source: int | None, values: Collection[float]) -> float:
        """Time that any record of these values covers, by one source or by all."""
        total, until = 0.0, -math.inf
        for start, end, value, told in zip(
            self.start, self.end, self.value, self.source, strict=True
        ):
            if value in values and end > until and source in (None, told):
                total += end - max(start, until)
                until = end
        return total
