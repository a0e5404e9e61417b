"""First bytes of files in, which provider's they are and which belong to one match out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stadion.ingest.base import Member

__all__ = ["FAMILIES", "Family", "Match", "match_of", "matches_in"]

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Family:
    """Files of one provider that are read together.

    Parameters
    ----------
    name
        What the loader is called.
    anchor
        The part that holds the data; the others say what it means.
    needs, may_have
        Parts that must and that can lie beside it.
    """

    name: str
    anchor: str
    needs: tuple[str, ...] = ()
    may_have: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """All of them, the anchor first."""
        return (self.anchor, *self.needs, *self.may_have)


FAMILIES = (
    Family("metrica_csv", "metrica home", ("metrica away",)),
    Family("metrica_epts", "epts frames", ("epts metadata",)),
    Family("metrica_events", "metrica events", ("epts metadata",)),
    Family("tracab", "tracab frames", ("tracab metadata",)),
    Family("secondspectrum", "secondspectrum frames", ("secondspectrum metadata",),
           ("secondspectrum details",)),
    Family("skillcorner", "skillcorner frames", ("skillcorner metadata",)),
    Family("sportec_tracking", "sportec positions", ("sportec metadata",)),
    Family("sportec_events", "sportec events", ("sportec metadata",)),
    Family("statsperform_tracking", "statsperform MA25", ("statsperform MA1",)),
    Family("statsperform_events", "statsperform MA3", ("statsperform MA1",)),
    Family("statsbomb", "statsbomb events", ("statsbomb lineup",), ("statsbomb 360",)),
    Family("wyscout", "wyscout events"),
    Family("opta", "opta F24", ("opta F7",)),
    Family("datafactory", "datafactory events"),
)  # fmt: skip


def _has(*words: bytes) -> Callable[[bytes], bool]:
    return lambda head: all(word in head for word in words)


def _like(pattern: bytes) -> Callable[[bytes], bool]:
    found = re.compile(pattern)
    return lambda head: found.match(head) is not None


_PARTS: tuple[tuple[str, str, Callable[[bytes], bool]], ...] = (
    (",", "metrica home", _like(rb",{2,3}Home,")),
    (",", "metrica away", _like(rb",{2,3}Away,")),
    ("0", "statsperform MA25", _like(rb"\d{12,14};\d+,\d,\d:[^:\r\n]{5,}")),
    ("0", "tracab frames", _like(rb"\d{1,9}:(?:-?\d+,){4,5}-?\d+(?:\.\d+)?;")),
    ("0", "epts frames", _like(rb"\d{1,9}:(?:(?:-?\d*\.?\d*(?:e-?\d+)?|NaN)[,;]){6,}[^:]*:")),
    ("<", "epts metadata", _has(b"FIFADataTransferFormatEPTS")),
    ("<", "tracab metadata", _has(b"<TracabMetaData")),
    ("<", "tracab metadata", _has(b"<OptaMetaData")),
    ("<", "tracab metadata", _has(b"<PitchShortSide>", b"<Phase1StartFrame>")),
    ("<", "secondspectrum metadata", _has(b"<MetaData", b"iFrameRateFps")),
    ("<", "sportec positions", _has(b"<PutDataRequest", b"<Positions")),
    ("<", "sportec metadata", _has(b"<PutDataRequest", b"<MatchInformation")),
    ("<", "sportec events", _has(b"<PutDataRequest", b"<Event ")),
    ("<", "opta F24", _like(rb"(?s).{0,300}<Games\b.{0,600}<Event\b")),
    ("<", "opta F24", _has(b"<Games", b"<Game ", b"<Event ")),
    ("<", "opta F7", _has(b"<SoccerFeed", b"<SoccerDocument")),
    ("<", "statsperform MA3", _has(b"<matchEvents", b"<matchInfo")),
    ("<", "statsperform MA1", _has(b"<match>", b"<matchInfo")),
    ("{", "secondspectrum frames", _has(b'"frameIdx"', b'"homePlayers"')),
    ("{", "secondspectrum details", _has(b'"pitchLength"', b'"startFrameClock"')),
    ("{", "secondspectrum metadata", _has(b'"pitchLength"', b'"startFrameIdx"')),
    ("{", "tracab frames", _has(b'"FrameData"', b'"PlayerPositions"')),
    ("{", "tracab metadata", _has(b'"PitchShortSide"', b'"Phase1StartFrame"')),
    ("{", "skillcorner frames", _has(b'"frame"', b'"ball_data"', b'"possession"')),
    ("[", "skillcorner frames", _has(b'"frame"', b'"possession"', b'"data"', b'"period"')),
    ("{", "skillcorner metadata", _has(b'"home_team', b'"date_time"')),
    ("{", "skillcorner metadata", _has(b'"referees"', b'"trackable_object"')),
    ("{", "metrica events", _has(b'"data"', b'"subtypes"', b'"start"', b'"frame"')),
    ("{", "wyscout events", _has(b'"events"', b'"matchPeriod"')),
    ("{", "datafactory events", _has(b'"match"', b'"homeTeamId"', b'"scheduledStart"')),
    ("[", "statsbomb events", _has(b'"possession_team"', b'"play_pattern"')),
    ("[", "statsbomb lineup", _has(b'"team_id"', b'"lineup"', b'"player_id"')),
    ("[", "statsbomb 360", _has(b'"event_uuid"', b'"freeze_frame"')),
)  # fmt: skip
"""First character ('0' = a digit), part, and what tells it; the first that fits counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """What of one match lies together: part -> file, and the families that have their anchor."""

    members: dict[str, Member]
    families: tuple[Family, ...]


def matches_in(members: Sequence[Member]) -> list[list[Member]]:
    """Groups of files of one match, one provider and one folder."""
    groups: list[list[Member]] = []
    places: dict[tuple[str, str], list[tuple[str, Member]]] = {}
    for member in members:
        part = _part_of(member)
        if part:
            provider = "metrica" if part.startswith("epts") else part.partition(" ")[0]
            places.setdefault((member.path.rpartition("/")[0], provider), []).append((part, member))
    for found in places.values():
        anchors = [(part, m) for part, m in found if part in _ANCHORS]
        if not anchors:
            continue
        if len({part for part, _ in found}) == len(found):
            groups.append([member for _, member in found])
        else:
            groups += _parted(anchors, [pair for pair in found if pair not in anchors])
    return groups


def match_of(group: Sequence[Member]) -> Match:
    """The parts of a claimed group."""
    members = {part: member for member in group if (part := _part_of(member))}
    return Match(members, tuple(f for f in FAMILIES if f.anchor in members))


_ANCHORS = {family.anchor for family in FAMILIES}


def _part_of(member: Member) -> str:
    head = member.head.removeprefix(_BOM)
    first = head.lstrip()[:1].decode("latin-1")
    key = "0" if first.isdigit() else first
    for begin, part, fits in _PARTS:
        if begin == key and fits(head):
            return _ma1_or_ma3(member) if part == "statsperform MA1" else part
    if key == "{" and b'"matchInfo"' in head and b'"coverageLevel"' in head:
        return _ma1_or_ma3(member)
    return ""


def _ma1_or_ma3(member: Member) -> str:
    """Both begin with the match; only one has events, hundreds of times the size."""
    if member.head.lstrip().startswith(b"<"):
        return "statsperform MA1"
    try:
        data = member.data
    except OSError:
        return "statsperform MA1"
    has_events = b'"typeId"' in data and b'"qualifier"' in data
    return "statsperform MA3" if has_events else "statsperform MA1"


def _parted(
    anchors: Sequence[tuple[str, Member]], rest: Sequence[tuple[str, Member]]
) -> list[list[Member]]:
    """Several matches in one folder: each anchor with the parts whose names are nearest."""
    free = list(rest)
    groups = []
    for part, anchor in anchors:
        group = [anchor]
        for wanted in sorted(
            {p for f in FAMILIES if f.anchor == part for p in (*f.needs, *f.may_have)}
        ):
            fitting = [pair for pair in free if pair[0] == wanted]
            if fitting:
                best = max(fitting, key=lambda pair: _common(pair[1].path, anchor.path))
                free.remove(best)
                group.append(best[1])
        groups.append(group)
    return groups


def _common(a: str, b: str) -> int:
    pairs = enumerate(zip(a, b, strict=False))
    return next((k for k, (x, y) in pairs if x != y), min(len(a), len(b)))
