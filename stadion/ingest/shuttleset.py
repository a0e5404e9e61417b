"""Folders of ShuttleSet in, one table of strokes per match out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np

from stadion.core.activity import Activity, Repair, Table
from stadion.core.arrays import FloatArray
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
    strokes_table,
)
from stadion.ingest.base import Member, digest_of, source_of

__all__ = ["PLUGIN", "ShuttlesetReader"]

_PATH = re.compile(r"(?P<root>(?:.*/)?)(?P<match>[^/]+)/set(?P<set>\d+)\.csv$")
_HEAD = b"rally,ball_round,time,frame_num,roundscore_A,roundscore_B,player,server,type,"
_MATCHES = b"id,video,tournament,round,year,month,day,set,duration,winner,loser,downcourt"
_VIEWS = b"id,video,homography_matrix"
_NEEDED = ("rally", "ball_round", "player", "type", "landing_x", "landing_y", "getpoint_player")
_TYPES = {
    "發短球": ("short service", "short service"), "發長球": ("long service", "long service"),
    "放小球": ("net shot", "net shot"), "勾球": ("net shot", "cross-court net shot"),
    "挑球": ("lob", "lob"), "長球": ("clear", "clear"), "切球": ("drop", "drop"),
    "過度切球": ("drop", "passive drop"), "過渡切球": ("drop", "passive drop"),
    "推球": ("push/rush", "push"), "撲球": ("push/rush", "rush"),
    "殺球": ("smash", "smash"), "點扣": ("smash", "wrist smash"),
    "擋小球": ("defensive shot", "return net"),
    "防守回挑": ("defensive shot", "defensive return lob"),
    "防守回抽": ("defensive shot", "defensive return drive"),
    "平球": ("drive", "drive"), "小平球": ("drive", "driven flight"),
    "後場抽平球": ("drive", "back-court drive"),
}  # fmt: skip
"""What the annotators wrote -> the challenge's type and the finer one."""
_ENDINGS = {
    "出界": "out", "掛網": "net", "未過網": "short", "犯規": "short", "對手落地致勝": "winner",
    "落點判斷失誤": "misjudged", "對手落地判斷失誤": "misjudged",
}  # fmt: skip
_NO_VIEW = "matches without a homography: places dropped"
_FLAWED = "rallies with a flaw or an unknown stroke dropped"


class ShuttlesetReader:
    """Singles matches with every stroke, its place on the court, and how the rally ended.

    Places in the files are pixels of the film; the homography of each match leads to the court.
    Rallies in which the annotators marked a flaw, or did not know a stroke, are left out, as the
    authors do. `match.csv` tells who A (the winner) and B are.

    References
    ----------
    W.-Y. Wang et al., ShuttleSet: a human-annotated stroke-level singles dataset for badminton
    tactical analysis, KDD 2023, arXiv:2306.04948.
    """

    name = "shuttleset"
    layout = "Folders MATCH with set1.csv and so on, beside match.csv and homography.csv."
    guesses = False

    def example(self) -> list[Member]:
        """One match of one rally."""
        return [Member.of(f"set/{name}", data.encode()) for name, data in _EXAMPLE.items()]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """The sets of all matches in one folder, and the two lists beside them."""
        roots: dict[str, list[Member]] = {}
        for member in members:
            found = _PATH.fullmatch(member.path)
            text = member.head.removeprefix(b"\xef\xbb\xbf")
            if found and text.startswith(_HEAD):
                roots.setdefault(found["root"], []).append(member)
        for member in members:
            root = f"{member.path.rpartition('/')[0]}/".removeprefix("/")
            text = member.head.removeprefix(b"\xef\xbb\xbf")
            if root in roots and text.startswith((_MATCHES, _VIEWS)):
                roots[root].append(member)
        return list(roots.values())

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One table per match, named as its first set."""
        datas = {member.path: member.data for member in group}
        matches: dict[str, Match] = {}
        views: dict[str, FloatArray] = {}
        for path, data in datas.items():
            start = data.removeprefix(b"\xef\xbb\xbf")
            if start.startswith(_MATCHES):
                matches = {match.name: match for match in matches_in(data, path)}
            elif start.startswith(_VIEWS):
                views = _views_in(data, path)
        digest = digest_of(datas.values())
        sets: dict[str, list[tuple[str, str]]] = {}
        for path in sorted(datas):
            if found := _PATH.fullmatch(path):
                sets.setdefault(found["match"], []).append((found["set"], path))
        tables: list[Activity | Table] = []
        for name, paths in sets.items():
            match = matches.get(name, Match("", name, "", "A", "B"))
            rows, flawed = _rows(match, views.get(name), [
                (game, records_in(datas[path], path, _NEEDED)) for game, path in paths
            ])  # fmt: skip
            repairs = [Repair(_FLAWED, flawed)] if flawed else []
            repairs += [] if name in views else [Repair(_NO_VIEW)]
            if rows:
                source = source_of(self.name, paths[0][1], digest, repairs)
                tables.append(strokes_table(rows, source))
        if not tables:
            raise StadionError(Code.INVALID, "no rally that can be used; expected MATCH/set1.csv")
        return tables


def _views_in(data: bytes, path: str) -> dict[str, FloatArray]:
    """Match -> (3, 3) matrix from the film to the court."""
    views: dict[str, FloatArray] = {}
    for record in records_in(data, path, ("video", "homography_matrix")):
        try:
            matrix = np.array(json.loads(record["homography_matrix"]), np.float64)
        except (ValueError, TypeError, RecursionError):
            continue
        if matrix.shape == (3, 3) and np.isfinite(matrix).all():
            views[record["video"].strip()] = matrix
    return views


def _rows(
    match: Match, view: FloatArray | None, sets: Sequence[tuple[str, list[Record]]]
) -> tuple[list[dict[str, object]], int]:
    """The strokes of a match, and how many rallies were left out."""
    names = {"A": match.winner, "B": match.loser}
    rows: list[dict[str, object]] = []
    flawed = 0
    for game, records in sets:
        times = dict(zip(map(id, records), seconds_in(records), strict=True))
        after = {
            (0.0, number(r, "rally")): (number(r, "roundscore_A"), number(r, "roundscore_B"))
            for r in records
        }
        for rally in rallies_of(records, lambda record: record["rally"]):
            if any(r.get("flaw") or r["type"] not in _TYPES for r in rally):
                flawed += 1
                continue
            last = rally[-1]
            place = (0.0, number(last, "rally"))
            before, won = before_and_winner(after, place, _ended(last))
            facts = {
                "match": match.name, "date": match.date, "set": float(game),
                "rally": f"{game}/{place[1]:g}",
                "rally_length": float(len(rally)), "winner": names.get(won, ""),
            }  # fmt: skip
            strokes = [_stroke(r, names, view, times[id(r)]) for r in rally]
            points = {names[side]: value for side, value in zip("AB", before, strict=True)}
            rows += rally_rows(facts, strokes, points)
    return rows, flawed


def _ended(last: Record) -> str:
    """Who won by the annotators' word, else by the way the rally ended; '' = unknown."""
    told = (last.get("getpoint_player") or "").strip()
    ending = _ENDINGS.get(last.get("lose_reason") or "", "")
    if told in ("A", "B") or not ending:
        return told if told in ("A", "B") else ""
    hitter = last["player"]
    return {"A": "B", "B": "A"}.get(hitter, "") if ending in ERRORS else hitter


def _stroke(
    record: Record, names: dict[str, str], view: FloatArray | None, time_s: float
) -> dict[str, object]:
    kind, fine = _TYPES[record["type"]]
    stroke: dict[str, object] = {
        "stroke": number(record, "ball_round"),
        "time": time_s,
        "player": names.get(record["player"], ""),
        "type": kind,
        "fine_type": fine,
        "backhand": np.nan_to_num(number(record, "backhand")),
        "around_head": np.nan_to_num(number(record, "aroundhead")),
        "landing_high": 2.0 - number(record, "landing_height"),
        "ending": _ENDINGS.get(record.get("lose_reason") or "", ""),
    }
    for place, name in (
        ("landing", "landing"),
        ("player", "player_location"),
        ("opponent", "opponent_location"),
    ):
        x, y = _on_court(number(record, f"{name}_x"), number(record, f"{name}_y"), view)
        stroke |= {f"{place}_x": x, f"{place}_y": y}
    return stroke


def _on_court(x: float, y: float, view: FloatArray | None) -> tuple[float, float]:
    """Metres from the centre of the court of a pixel; NaN without a view of it."""
    if view is None or not (np.isfinite(x) and np.isfinite(y)):
        return np.nan, np.nan
    point = view @ np.array([x, y, 1.0])
    if abs(point[2]) < 1e-9:
        return np.nan, np.nan
    return court_m(float(point[0] / point[2]), float(point[1] / point[2]))


_EXAMPLE = {
    "match.csv": (
        f"{_MATCHES.decode()},url\n1,Rally_Cup,Rally Cup,Finals,2019,11,10,1,40,Ann LEE,Bo KIM,0,\n"
    ),
    "homography.csv": (
        f'{_VIEWS.decode()}\n1,Rally_Cup,"[[0.5, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]"\n'
    ),
    "Rally_Cup/set1.csv": (
        f"{_HEAD.decode()}aroundhead,backhand,landing_height,landing_x,landing_y,lose_reason,"
        "getpoint_player,flaw,player_location_x,player_location_y,opponent_location_x,"
        "opponent_location_y\n"
        "1,1.0,00:07:05,12771.0,1,0,B,1,發短球,,1,2.0,350,350,,,,340,600,380,330\n"
        "1,2.0,00:07:06,12801.0,1,0,A,2,挑球,,,1.0,550,790,,,,360,400,340,560\n"
        "1,3.0,00:07:08,12861.0,1,0,B,3,殺球,1,,2.0,500,100,出界,A,,540,740,360,330\n"
    ),
}

PLUGIN = ShuttlesetReader()
