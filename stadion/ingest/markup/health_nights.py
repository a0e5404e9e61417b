"""Records of sleep from several devices in, one night and its naps for each day out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from stadion.core.arrays import Array
from stadion.ingest.markup.health_records import Samples, Source
from stadion.ingest.markup.health_sources import Cover, by_priority

__all__ = ["Night", "nights_in"]

_APART_S = 3600.0
_DAY_S = 86_400.0
_MOST_SLEEPS = 20_000
_IN_BED, _AWAKE = 0.0, 2.0
_STAGES = {"light_sleep": 3.0, "deep_sleep": 4.0, "rem_sleep": 5.0}
_ASLEEP = (1.0, *_STAGES.values())


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
    asleep = sleep.of(np.isin(sleep.value, _ASLEEP))
    if not len(asleep):
        return None
    best = min(by_priority(asleep, sources), key=lambda source: not _has_stages(asleep, source))
    mine = sleep.of(sleep.source == best)
    cover = {value: _cover(mine, value) for value in (_AWAKE, *_ASLEEP)}
    slept = mine.of(np.isin(mine.value, _ASLEEP))
    start, last = float(mine.start_s.min()), int(slept.end_s.argmax())
    end, ahead = float(slept.end_s[last]), float(slept.ahead_s[last])
    values = {"sleep": Cover.of(slept.start_s, slept.end_s).total_s / 60}
    if _has_stages(mine, best):
        values |= {name: cover[value].total_s / 60 for name, value in _STAGES.items()}
        values["awake"] = cover[_AWAKE].total_s / 60
    bed = _cover(sleep, _IN_BED)
    in_bed = bed.total_s / 60 if bed.total_s / 60 >= values["sleep"] else (end - start) / 60
    if bed.total_s:
        start = min(start, float(bed.start[0]))
    values["in_bed"] = in_bed
    values["sleep_efficiency"] = 100 * values["sleep"] / in_bed if in_bed else np.nan
    day = int((end + ahead) // _DAY_S)
    values["bedtime"] = (start + ahead - day * _DAY_S) / 3600
    return Night(day, start, end, values)


def _has_stages(samples: Samples, source: int) -> bool:
    return bool(np.isin(samples.value[samples.source == source], tuple(_STAGES.values())).any())


def _cover(samples: Samples, value: float) -> Cover:
    rows = samples.value == value
    return Cover.of(samples.start_s[rows], samples.end_s[rows])
