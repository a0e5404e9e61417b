"""Recordings of one workout in, one activity out: the best source of every channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stadion.core.activity import Activity, Event, Flag, Lap, Repair, Track
from stadion.core.arrays import Array, FloatArray
from stadion.core.profile import Profile
from stadion.science.resample import interpolate

__all__ = ["Part", "kind_rank", "merged"]

_KINDS = ("fit", "tcx", "gpx")
_MAX_GAP_S = 10.0
"""A value is carried to another clock only between samples this close."""
_DOUBTS = frozenset(("stuck", "cadence_lock", "zero_for_null", "spike", "gps_jump"))
_DOUBTFUL_SHARE = 0.1
_VAGUE_SPORTS = frozenset(("", "generic", "other"))
_TOGETHER = {"position_long": "position_lat"}
"""Channels that must come from one source -> the one that decides."""


@dataclass(frozen=True, slots=True)
class Part:
    """One recording of a workout, and the seconds to add to its clock."""

    activity: Activity
    correction_s: float = 0.0


def kind_rank(reader: str) -> int:
    """Place of a reader among the sources: a device's own file before what was made of it."""
    return _KINDS.index(reader) if reader in _KINDS else len(_KINDS)


def merged(parts: Sequence[Part]) -> Activity:
    """All channels of all parts on the clock of the first, the leading one.

    A channel comes from one source. Which: one that knows at least half as many values as the
    best, then one without doubts about the channel, then by the kind of file (FIT, TCX, GPX,
    others), then by the number of values, then the leading one. What others know is taken at the
    leading one's moments: exact where both have one, linear between samples at most 10 s apart,
    else NaN. Laps and events are the leading one's; sessions know what any of them knew.

    Parameters
    ----------
    parts
        At least one, all dated; one alone comes back as it is.
    """
    lead = parts[0].activity
    if len(parts) == 1:
        return lead
    shifts = [_shift_s(parts[0], part) for part in parts]
    sources = _sources(parts, shifts)
    used = sorted(set(sources.values()) | {0})
    others = [part.activity for part in parts[1:]]
    return replace(
        lead,
        athlete=_first(lead.athlete, *(a.athlete for a in others)),
        sport=_sport(lead, others),
        sub_sport=_first(lead.sub_sport, *(a.sub_sport for a in others)),
        zone=_first(lead.zone, *(a.zone for a in others)),
        device=_first(lead.device, *(a.device for a in others)),
        title=_first(lead.title, *(a.title for a in others)),
        tracks=_tracks(parts, shifts, sources),
        laps=_laps(parts, shifts),
        events=_events(parts, shifts),
        flags=_flags(parts, shifts, sources),
        profile=_profile(parts),
        source=replace(lead.source, repairs=_repairs([parts[k].activity for k in used])),
        crs=parts[sources.get("position_lat", 0)].activity.crs,
    )


def _shift_s(lead: Part, part: Part) -> float:
    """Seconds to add to a part's times for those of the leading one."""
    assert lead.activity.start is not None  # noqa: S101  # only dated recordings have twins
    assert part.activity.start is not None  # noqa: S101
    apart_s = (part.activity.start - lead.activity.start).total_seconds()
    return apart_s + part.correction_s - lead.correction_s


def _sources(parts: Sequence[Part], shifts: Sequence[float]) -> dict[str, int]:
    """Channel of the main track -> which part it comes from."""
    mains = [_main(part.activity) for part in parts]
    if not len(mains[0]):
        return {}
    span = float(mains[0].time_s[0]), float(mains[0].time_s[-1])
    counts: dict[str, dict[int, int]] = {}
    for k, (main, shift) in enumerate(zip(mains, shifts, strict=True)):
        inside = (main.time_s + shift >= span[0] - 1) & (main.time_s + shift <= span[1] + 1)
        for name, values in main.channels.items():
            counts.setdefault(name, {})[k] = int((np.isfinite(values) & inside).sum())
    chosen = {name: _best(parts, name, known) for name, known in counts.items()}
    for name, decider in _TOGETHER.items():
        if chosen.get(decider) in counts.get(name, {}):
            chosen[name] = chosen[decider]
    return chosen


def _best(parts: Sequence[Part], channel: str, counts: dict[int, int]) -> int:
    most = max(counts.values())

    def rank(k: int) -> tuple[bool, bool, int, int, int]:
        activity = parts[k].activity
        return (
            counts[k] < 0.5 * most or not counts[k],
            _is_doubtful(activity, channel),
            kind_rank(activity.source.reader),
            -counts[k],
            k,
        )

    return min(counts, key=rank)


def _is_doubtful(activity: Activity, channel: str) -> bool:
    doubted = sum(
        flag.end_s - flag.start_s
        for flag in activity.flags
        if flag.channel == channel and flag.kind in _DOUBTS
    )
    return doubted > _DOUBTFUL_SHARE * activity.duration_s


def _tracks(
    parts: Sequence[Part], shifts: Sequence[float], sources: dict[str, int]
) -> tuple[Track, ...]:
    main = _main(parts[0].activity)
    channels: dict[str, FloatArray] = {}
    for name, k in sources.items():
        theirs = _main(parts[k].activity)
        channels[name] = (
            theirs.channels[name]
            if k == 0
            else _carried(theirs.time_s + shifts[k], theirs.channels[name], main.time_s)
        )
    tracks = [Track(main.subject, main.time_s, channels), *parts[0].activity.tracks[1:]]
    subjects = {track.subject for track in tracks}
    for part, shift in zip(parts[1:], shifts[1:], strict=True):
        for track in part.activity.tracks[1:]:
            if track.subject not in subjects:
                subjects.add(track.subject)
                tracks.append(_moved(track, shift))
    return tuple(tracks)


def _carried(time_s: FloatArray, values: FloatArray, at_s: FloatArray) -> FloatArray:
    """(m,) values at other moments, of the same kind of number."""
    moments = np.round(time_s, 6)  # sums of seconds must meet the leading one's exactly
    if len(moments) == 1:
        result = np.where(np.abs(at_s - moments[0]) < 0.5, values[0], np.nan)
    else:
        result = interpolate(moments, values.astype(np.float64), at_s, _MAX_GAP_S)
    carried: FloatArray = result.astype(values.dtype)
    return carried


def _moved(track: Track, shift: float) -> Track:
    """The same on the leading clock, from its first moment on."""
    time_s = track.time_s + shift
    keep = time_s >= 0
    return Track(track.subject, time_s[keep], {n: v[keep] for n, v in track.channels.items()})


def _laps(parts: Sequence[Part], shifts: Sequence[float]) -> tuple[Lap, ...]:
    laps = list(parts[0].activity.laps)
    for part, shift in zip(parts[1:], shifts[1:], strict=True):
        kinds = {lap.kind for lap in laps}
        for lap in part.activity.laps:
            moved = replace(lap, start_s=lap.start_s + shift, end_s=lap.end_s + shift)
            if lap.kind not in kinds:
                laps.append(moved)
            elif lap.kind == "session":
                laps = [_united(own, moved) for own in laps]
    return tuple(laps)


def _united(own: Lap, other: Lap) -> Lap:
    """A session with what the other knows of the same stretch; its own values stay."""
    length = max(own.end_s, other.end_s) - min(own.start_s, other.start_s)
    both = min(own.end_s, other.end_s) - max(own.start_s, other.start_s)
    if own.kind != "session" or both < 0.8 * length:
        return own
    label = own.label if own.label not in _VAGUE_SPORTS else other.label or own.label
    return replace(own, label=label, values={**other.values, **own.values})


def _events(parts: Sequence[Part], shifts: Sequence[float]) -> tuple[Event, ...]:
    """The leading one's; of others, kinds it has none of."""
    events = list(parts[0].activity.events)
    for part, shift in zip(parts[1:], shifts[1:], strict=True):
        kinds = {event.kind for event in events}
        events += [
            replace(event, time_s=event.time_s + shift)
            for event in part.activity.events
            if event.kind not in kinds
        ]
    return tuple(events)


def _flags(
    parts: Sequence[Part], shifts: Sequence[float], sources: dict[str, int]
) -> tuple[Flag, ...]:
    """Doubts about what was taken: of the leading one in general, of each source's channels."""
    flags = [flag for flag in parts[0].activity.flags if sources.get(flag.channel, 0) == 0]
    for k in range(1, len(parts)):
        flags += [
            replace(flag, start_s=flag.start_s + shifts[k], end_s=flag.end_s + shifts[k])
            for flag in parts[k].activity.flags
            if flag.channel and not flag.subject and sources.get(flag.channel) == k
        ]
    return tuple(flags)


def _profile(parts: Sequence[Part]) -> Profile:
    profile = Profile()
    for part in reversed(parts):
        profile = profile.updated(part.activity.profile)
    return profile


def _repairs(activities: Sequence[Activity]) -> tuple[Repair, ...]:
    counts: dict[str, int] = {}
    for activity in activities:
        for repair in activity.source.repairs:
            counts[repair.what] = max(counts.get(repair.what, 0), repair.count)
    return tuple(Repair(what, count) for what, count in counts.items())


def _sport(lead: Activity, others: Sequence[Activity]) -> str:
    if lead.sport not in _VAGUE_SPORTS:
        return lead.sport
    return next((a.sport for a in others if a.sport not in _VAGUE_SPORTS), lead.sport)


def _first(*texts: str) -> str:
    return next((text for text in texts if text), "")


def _main(activity: Activity) -> Track:
    if activity.tracks:
        return activity.tracks[0]
    nothing: Array = np.empty(0)
    return Track("", nothing, {})
