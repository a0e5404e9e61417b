"""Results of tennis and football come in with their dirt mended and told."""

from __future__ import annotations

import gzip
from collections import Counter
from typing import cast

import numpy as np
import pytest

from stadion.core.activity import Table
from stadion.core.errors import StadionError
from stadion.ingest import open_path
from stadion.ingest._tennis import score_in
from stadion.ingest.base import Member
from tests.ingest.real_files import reader, repairs
from tests.places import shared_data


def read(name: str, data: bytes, path: str = "file.csv") -> Table:
    (table,) = reader(name).read([Member.of(path, data)])
    return cast(Table, table)


def example(name: str) -> Table:
    (member,) = reader(name).example()
    return read(name, member.data, member.path)


@pytest.mark.parametrize("name", ["tennis_atp", "tennis_odds", "football_odds", "intl_football"])
def test_every_reader_speaks_the_same_words(name: str) -> None:
    table = example(name)
    assert table.kind == "matches"
    needed = {"date", "sport", "competition", "player", "opponent", "result", "status"}
    assert needed <= set(table.columns) == set(table.units)
    assert set(table.columns["result"].tolist()) <= {"win", "draw", "loss", ""}
    assert all(values.dtype.kind in "UfM" for values in table.columns.values())


def test_scores_are_read_in_the_winner_s_view() -> None:
    assert score_in("6-4 3-6 7-6(5)")[:2] == ((2, 1), (16, 16))
    assert score_in("6-4 2-1 RET").status == "retired"
    assert score_in("W/O").status == "walkover"
    assert score_in("").status == "scheduled"
    assert score_in("3-6 6-4 70-68").games == (79, 78)
    assert score_in("6-4 6-7(3) [10-8]").sets == (1, 1)


def test_the_day_of_a_match_follows_from_its_round() -> None:
    table = example("tennis_atp")
    assert table.columns["competition"].tolist() == ["WTA", "WTA"]
    assert table.columns["date"].astype(str).tolist() == ["2024-05-11", "2024-05-12"]
    assert table.columns["status"].tolist() == ["completed", "retired"]
    assert repairs(table)["days inside an event estimated from the round"] == 2


def test_doubles_and_misspelt_labels_are_mended_and_told() -> None:
    table = example("tennis_odds")
    assert table.columns["status"].tolist() == ["completed", "retired", "walkover"]
    assert table.columns["player_games"].tolist()[:2] == [16.0, 7.0]
    assert np.isnan(table.columns["player_odds"][2])
    assert repairs(table) == {"matches given twice": 1, "labels of the end misspelt or unusual": 1}


def test_a_row_joined_with_another_match_keeps_only_what_is_its_own() -> None:
    header = (
        "ID,ATP,Location,Tournament,Date,Round,Winner,Loser,WRank,LRank,W1,L1,Comment,tourney_id,"
        "tourney_date,round,winner_name,loser_name,w_svpt,l_svpt"
    )
    own = (
        "a,1,Oslo,Open,05/05/2024,1st Round,A.,B.,1,2,6,1,Completed,9,20240504,R32,Al A,Bo B,50,40"
    )
    turned = own.replace("05/05", "08/06").replace("Al A,Bo B", "Bo B,Al A").replace("0504", "0604")
    late = own.replace("05/05/2024", "05/08/2024")
    table = read("tennis_odds", "\n".join([header, own, own.replace("a,", "b,", 1).replace(
        "05/05", "06/05"), turned, late, ""]).encode())  # fmt: skip
    assert set(table.columns["player"].tolist()) == {"Al A"}
    assert table.columns["player_serve_points"].tolist()[:2] == [50.0, 50.0]
    assert np.isnan(table.columns["player_serve_points"][2:]).all()
    assert repairs(table)["statistics of another match left out"] == 2


@pytest.mark.parametrize(("name", "score"), [("tennis_atp", b"6-4 3-6 7-6(5)"),
                                             ("tennis_odds", b"Retied")])  # fmt: skip
def test_a_match_without_a_score_is_still_to_come(name: str, score: bytes) -> None:
    (member,) = reader(name).example()
    table = read(name, member.data.replace(score, b""), member.path)
    assert sorted(table.columns["result"].tolist())[0] == ""
    assert "scheduled" in table.columns["status"].tolist()


def test_a_header_alone_or_of_something_else_is_refused() -> None:
    with pytest.raises(StadionError, match="lacks"):
        read("football_odds", b"Date,country\n2024-01-01,1\n")


def test_neutral_ground_and_matches_to_come() -> None:
    table = example("intl_football")
    assert table.columns["home_side"].tolist() == [1.0, 0.0, -1.0]
    assert table.columns["result"].tolist() == ["win", "draw", ""]
    assert table.columns["status"].tolist() == ["completed", "completed", "scheduled"]


def test_all_matches_of_a_season_of_the_tour_come_in() -> None:
    (table,) = open_path(
        shared_data("D_match_results", "tennis_atp", "atp_matches_2010.csv.gz")
    ).tables
    assert len(table) == 3030
    assert Counter(table.columns["status"].tolist())["retired"] == 104
    assert np.nanmax(table.columns["player_serve_points_won"]) < 500
    finals = table.columns["round"] == "F"
    assert (table.columns["order"][finals] == 7).all()


def test_the_joined_odds_lose_their_doubles() -> None:
    path = shared_data("D_match_results", "tennis_odds", "wta_2007_2020.csv.gz")
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    twice = [line for line in lines[1:] if b"06/04/2010" in line or b"28/10/2009" in line]
    table = read("tennis_odds", lines[0] + b"".join(twice))
    assert table.columns["competition"][0] == "WTA"
    assert repairs(table)["matches given twice"] == 2
    assert len(table) == len(twice) - 2


def test_a_league_has_goals_of_both_halves_and_odds_of_all_outcomes() -> None:
    (table,) = open_path(
        shared_data("D_match_results", "football_odds", "germany_bundesliga.csv.gz")
    ).tables
    assert len(table) == 4293
    columns = table.columns
    assert set(columns["competition"].tolist()) == {"germany bundesliga"}
    assert (columns["player_half_score"] <= columns["player_score"]).all()
    margin = 1 / columns["player_odds"] + 1 / columns["odds_draw"] + 1 / columns["opponent_odds"]
    assert 1.0 < float(np.median(margin)) < 1.1
