"""Files of the CoachAI challenge's stroke forecasting in, a table of strokes per part out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stadion.core.activity import Activity, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest._strokes import (
    ERRORS,
    Match,
    Record,
    before_and_winner,
    court_m,
    matches_in,
    number,
    rallies_of,
    rally_rows,
    records_in,
    seconds_in,
    stroke_number,
    strokes_table,
)
from stadion.ingest.base import Member, digest_of, source_of
from stadion.science.badminton import STROKE_TYPES

__all__ = ["PLUGIN", "CoachaiTrack2Reader"]

_HEAD = b"rally,ball_round,time,frame_num,roundscore_A,roundscore_B,player,type,"
_MATCHES = b"id,video,tournament,round,year,month,day,set,duration,winner,loser"
_TRUTH = b"rally_id,ball_round,type,landing_x,landing_y"
_NEEDED = ("rally", "ball_round", "player", "type", "landing_x", "landing_y", "set", "match_id",
           "rally_id", "rally_length")  # fmt: skip
_GIVEN = re.compile(r"(.*)_given\.csv$")
_CENTER, _SCALE = (175.0, 467.0), (82.0, 192.0)
"""By which the challenge moved and divided the landing points, x and y."""
_ENDINGS = {
    "out": "out", "touched the net": "net", "not pass over the net": "short",
    "opponent's ball landed": "winner", "misjudged": "misjudged",
}  # fmt: skip


class CoachaiTrack2Reader:
    """Singles rallies of 2021 and 2022, stroke by stroke.

    A part whose later strokes lie in a file of their own (`val_given.csv`, `val_gt.csv`) comes
    out as one table, named as its first file. With the list of matches beside them, players have
    their names: their numbers count the winners and losers in the order of that list.

    `getpoint_player` of these files is the winner of the match in every line; who won a rally is
    told by the score of the rally before it, else by how it ended.

    References
    ----------
    W.-Y. Wang, W.-W. Du, W.-C. Peng, ShuttleSet22: benchmarking stroke forecasting with
    stroke-level badminton dataset, arXiv:2306.15664.
    """

    name = "coachai_track2"
    layout = "train.csv, X_given.csv and X_gt.csv of strokes, beside a list of matches."
    guesses = False

    def example(self) -> list[Member]:
        """One rally of five strokes, parted as the challenge parts it, and its match."""
        return [Member.of(f"track2/{name}", data.encode()) for name, data in _EXAMPLE.items()]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """All files of a folder that holds strokes of this layout."""
        folders: dict[str, list[Member]] = {}
        for member in members:
            if _text(member).startswith((_HEAD, _MATCHES, _TRUTH)):
                folders.setdefault(member.path.rpartition("/")[0], []).append(member)
        return [group for group in folders.values() if any(map(_is_part, group))]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One table per part, in the order of the files' names."""
        datas = {member.path: member.data for member in group}
        matches: list[Match] = []
        truths: dict[str, list[Record]] = {}
        for path, data in datas.items():
            start = data.removeprefix(b"\xef\xbb\xbf")
            if start.startswith(_MATCHES):
                matches = matches_in(data, path)
            elif start.startswith(_TRUTH):
                truths[path] = records_in(data, path, ("rally_id", "ball_round", "type"))
        digest = digest_of(datas.values())
        tables: list[Activity | Table] = []
        for path, data in sorted(datas.items()):
            if not data.removeprefix(b"\xef\xbb\xbf").startswith(_HEAD):
                continue
            given = _GIVEN.match(path)
            later = truths.get(f"{given[1]}_gt.csv", []) if given else []
            rows = _rows(records_in(data, path, _NEEDED), later, matches)
            tables.append(strokes_table(rows, source_of(self.name, path, digest)))
        if not tables:
            raise StadionError(
                Code.INVALID, "no file of strokes; expected train.csv or X_given.csv"
            )
        return tables


def _text(member: Member) -> bytes:
    return member.head.removeprefix(b"\xef\xbb\xbf")


def _is_part(member: Member) -> bool:
    return _text(member).startswith(_HEAD)


def _rows(
    records: list[Record], later: list[Record], matches: list[Match]
) -> list[dict[str, object]]:
    """The strokes of one part."""
    truths: dict[str, list[Record]] = {}
    for record in later:
        truths.setdefault(record["rally_id"], []).append(record)
    films: dict[str, list[Record]] = {}
    for record in records:
        films.setdefault(record["match_id"], []).append(record)
    times = {
        id(record): second
        for film in films.values()
        for record, second in zip(film, seconds_in(film), strict=True)
    }
    after: dict[str, dict[tuple[float, float], tuple[float, float]]] = {}
    for r in records:
        points = (number(r, "roundscore_A"), number(r, "roundscore_B"))
        after.setdefault(r["match_id"], {})[number(r, "set"), number(r, "rally")] = points
    players = _Players(matches, records)
    rows: list[dict[str, object]] = []
    for rally in rallies_of(records, lambda record: record["rally_id"]):
        first = rally[0]
        both = [players.name(record["player"]) for record in rally[:2]]
        rest = sorted(truths.get(first["rally_id"], []), key=stroke_number)
        strokes = [_stroke(r, players.name(r["player"]), times[id(r)]) for r in rally]
        turns = range(len(rally), len(rally) + len(rest))
        strokes += [
            _stroke(r, both[turn % 2] if len(both) == 2 else "", float("nan"))
            for turn, r in zip(turns, rest, strict=True)
        ]
        names = players.sides(first["match_id"])
        place = (number(first, "set"), number(first, "rally"))
        before, won = before_and_winner(after[first["match_id"]], place, _ended(strokes, names))
        match = players.match(first["match_id"])
        facts = {
            "match": match.name if match else f"match {first['match_id']}",
            "date": match.date if match else "",
            "rally": f"{place[0]:g}/{place[1]:g}",
            "set": place[0],
            "rally_length": number(first, "rally_length"),
            "winner": names.get(won, ""),
        }
        rows += rally_rows(facts, strokes, {names[s]: p for s, p in zip("AB", before, strict=True)
                                            if s in names})  # fmt: skip
    return rows


class _Players:
    """Names of the players, and who is A and who is B in each match."""

    def __init__(self, matches: list[Match], records: list[Record]) -> None:
        self._names = list(dict.fromkeys(name for m in matches for name in (m.winner, m.loser)))
        self._matches = {match.number: match for match in matches}
        self._sides: dict[str, dict[str, str]] = {}
        for record in records:
            if record.get("getpoint_player"):  # that of A, whoever won the rally
                self._sides[record["match_id"]] = {"A": self.name(record["getpoint_player"])}
        for record in records:
            sides = self._sides.get(record["match_id"], {})
            if sides and self.name(record["player"]) != sides["A"]:
                sides["B"] = self.name(record["player"])
        for match in matches:
            self._sides[match.number] = {"A": match.winner, "B": match.loser}

    def name(self, number: str) -> str:
        """The name behind a number; 'player 7' without a list of matches."""
        try:
            place = int(float(number))
        except (ValueError, OverflowError):
            return ""
        return self._names[place] if 0 <= place < len(self._names) else f"player {place}"

    def match(self, number: str) -> Match | None:
        return self._matches.get(number)

    def sides(self, number: str) -> dict[str, str]:
        """'A' and 'B' -> name, as far as they are known."""
        return self._sides.get(number, {})


def _ended(strokes: list[dict[str, object]], sides: dict[str, str]) -> str:
    """'A' or 'B': who won by the way the last stroke ended; '' where that is not said."""
    last = strokes[-1]
    if not last.get("ending"):
        return ""
    hitter = next((side for side, name in sides.items() if name == last["player"]), "")
    return {"A": "B", "B": "A"}.get(hitter, "") if last["ending"] in ERRORS else hitter


def _stroke(record: Record, player: str, time_s: float) -> dict[str, object]:
    """What one line says of its stroke."""
    landing = court_m(
        number(record, "landing_x") * _SCALE[0] + _CENTER[0],
        number(record, "landing_y") * _SCALE[1] + _CENTER[1],
    )
    stroke: dict[str, object] = {
        "stroke": number(record, "ball_round"),
        "time": time_s,
        "player": player,
        "type": record["type"] if record["type"] in STROKE_TYPES else "",
        "fine_type": record["type"],
        "backhand": number(record, "backhand"),
        "around_head": number(record, "aroundhead"),
        "landing_high": 2.0 - number(record, "landing_height"),
        "landing_x": landing[0],
        "landing_y": landing[1],
        "ending": _ENDINGS.get(record.get("lose_reason") or "", ""),
    }
    for who, name in (("player", "player_location"), ("opponent", "opponent_location")):
        place = court_m(number(record, f"{name}_x"), number(record, f"{name}_y"))
        stroke |= {f"{who}_x": place[0], f"{who}_y": place[1]}
    return stroke


_EXAMPLE = {
    "matches.csv": (
        f"{_MATCHES.decode()},downcourt,db\n"
        "7,Rally_Cup,Rally Cup,Finals,2022,5,1,2,44,Ann LEE,Bo KIM,1,0\n"
    ),
    "val_given.csv": (
        f"{_HEAD.decode()}aroundhead,backhand,landing_height,landing_area,landing_x,landing_y,"
        "lose_reason,getpoint_player,player_location_area,player_location_x,player_location_y,"
        "opponent_location_area,opponent_location_x,opponent_location_y,set,match_id,rally_id,"
        "rally_length\n"
        "1,1,00:05:52,10560,1,0,0,short service,0,1,2,7,0.33,-0.59,,,8,165,622,8,215,305,1,7,5,5\n"
        "1,2,00:05:53,10590,1,0,1,net shot,0,0,2,1,-1.19,0.42,,,7,184,384,8,171,599,1,7,5,5\n"
        "1,3,00:05:54,10620,1,0,0,lob,0,0,1,3,1.34,-1.62,,,1,104,585,8,159,320,1,7,5,5\n"
        "1,4,00:05:55,10650,1,0,1,smash,0,0,1,3,-1.34,1.02,,,1,104,185,8,159,620,1,7,5,5\n"
    ),
    "val_gt.csv": f"{_TRUTH.decode()}\n5,5,defensive shot,0.2,-0.3\n",
}  # fmt: skip

PLUGIN = CoachaiTrack2Reader()
