"""Scenes of ten basketball players and the ball as rows of text in, one activity each out."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from stadion.core.activity import Activity, Lap, Repair, Table, Track
from stadion.core.errors import Code, StadionError
from stadion.core.units import UNITS
from stadion.ingest.base import Member, activity_id, digest_of, source_of

__all__ = ["PLUGIN", "NbaSportVuReader"]

_FRAME_S = 0.01
_FOOT_M = UNITS["ft"].factor
_FARTHEST_FT = 1_000.0
_LATEST_FRAME = 10_000_000
_BALL = -1
_TEAM = 5
_NUMBER = rb"-?\d+(?:\.\d+)?"
_ROW = re.compile(rb"\d+ -?\d+ " + _NUMBER + rb" " + _NUMBER + rb" (?:PLAYER|BALL)\s*")
_NAME = re.compile(
    r"(?:.*/)?(?P<last_five>[A-Z]{3})_(?P<first_five>[A-Z]{3})_(?P<match>\d{10})"
    r"_(?P<period>\d)_(?P<clock_s>\d+(?:\.\d+)?)_\d+(?:\.\d+)?\.txt"
)


class NbaSportVuReader:
    """Optical tracking of NBA games, cut into scenes; feet, in steps of 0.12 s.

    Every track is one player or the ball, its subject `TEAM:number` or `ball`. Within a frame the
    five players of one team come first, then the five of the other: the file's name gives their
    teams, second one first (no player of the 4,692 published scenes changes sides within a game).
    Without such a name the teams are `1` and `2`; without ten players nobody has a team.
    Position x runs along the court, y across, in metres from the corner.

    References
    ----------
    P. Xu, J.-B. Hayet, I. Karamouzas, SocialVAE: Human trajectory prediction using timewise
    latents, ECCV 2022 (`data/nba` beside its code).
    """

    name = "nba_sportvu"
    layout = "Text rows 'frame agent x y group', group PLAYER or BALL, feet, 100 frames a second."
    guesses = False

    def example(self) -> list[Member]:
        """Two players and the ball over three steps."""
        rows = [
            f"{12 * step} {agent} {20.0 + step + agent / 100:.6f} {25.0 - step:.6f} {group}"
            for step in range(3)
            for agent, group in ((-1, "BALL"), (101, "PLAYER"), (202, "PLAYER"))
        ]
        data = "\n".join([*rows, ""]).encode()
        return [Member.of("ATL_BOS_0021500389_3_314.96_312.36.txt", data)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Each file whose first rows look like that."""
        return [[member] for member in members if _looks_right(member.head)]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity; its lap names the match."""
        member = group[0]
        data = member.data
        places, broken = _places(data)
        if not places:
            raise StadionError(
                Code.INVALID, f"{member.path} holds no row 'frame agent x y group' with numbers"
            )
        first = min(min(steps) for steps in places.values())
        last = max(max(steps) for steps in places.values())
        named = _NAME.fullmatch(member.path)
        names = named.group("first_five", "last_five") if named else ("1", "2")
        teams = _teams(list(places), (names[0], names[1]))
        repairs = [Repair("row without four numbers dropped", broken)] if broken else []
        source = source_of(self.name, member.path, digest_of([data]), repairs)
        tracks = tuple(_track(teams[agent], steps, first) for agent, steps in places.items())
        return [
            Activity(
                id=activity_id(source.digest),
                athlete="",
                sport="basketball",
                start=None,
                tracks=tracks,
                source=source,
                laps=_laps(named, (last - first) * _FRAME_S),
            )
        ]


def _looks_right(head: bytes) -> bool:
    rows = head.split(b"\n")[:3]
    return len(rows) == 3 and all(_ROW.fullmatch(row) for row in rows)


def _places(data: bytes) -> tuple[dict[int, dict[int, tuple[float, float]]], int]:
    """Agent -> frame -> x, y in feet, agents in the order they first appear; and broken rows."""
    places: dict[int, dict[int, tuple[float, float]]] = {}
    broken = 0
    for row in data.splitlines():
        if not row.strip():
            continue
        try:
            frame, agent, x, y = _numbers(row)
        except (ValueError, OverflowError):
            broken += 1
            continue
        places.setdefault(agent, {})[frame] = (x, y)
    return places, broken


def _numbers(row: bytes) -> tuple[int, int, float, float]:
    """Frame, agent, x and y of a row.

    Raises
    ------
    ValueError
        For anything else than four numbers that can be.
    """
    fields = row.split()
    if len(fields) < 4:
        raise ValueError("too few fields")
    frame, agent = int(fields[0]), int(fields[1])
    x, y = float(fields[2]), float(fields[3])
    possible = 0 <= frame <= _LATEST_FRAME and abs(agent) <= 2**53
    if not possible or not math.hypot(x, y) <= _FARTHEST_FT:
        raise ValueError("numbers that cannot be")
    return frame, agent, x, y


def _teams(agents: list[int], names: tuple[str, str]) -> dict[int, str]:
    """Agent -> subject of the track."""
    players = [agent for agent in agents if agent != _BALL]
    subjects = {_BALL: "ball"} | {agent: str(agent) for agent in players}
    if len(players) == 2 * _TEAM:
        subjects |= {
            agent: f"{names[place // _TEAM]}:{agent}" for place, agent in enumerate(players)
        }
    return subjects


def _track(subject: str, steps: dict[int, tuple[float, float]], first: int) -> Track:
    frames = sorted(steps)
    feet = np.array([steps[frame] for frame in frames])
    return Track(
        subject,
        np.round((np.array(frames, np.float64) - first) * _FRAME_S, 6),
        {"position_x": feet[:, 0] * _FOOT_M, "position_y": feet[:, 1] * _FOOT_M},
    )


def _laps(named: re.Match[str] | None, end_s: float) -> tuple[Lap, ...]:
    """The match, its period and the seconds left on its clock when the scene begins."""
    if named is None:
        return ()
    values = {"period": float(named["period"]), "clock_s": float(named["clock_s"])}
    return (Lap(0.0, end_s, "match", named["match"], values),)


PLUGIN = NbaSportVuReader()
