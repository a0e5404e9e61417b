"""Stroke records of badminton: two layouts, one table, and the same rallies read from both."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from stadion.core.activity import Table
from stadion.core.arrays import Array
from stadion.core.errors import StadionError
from stadion.ingest import open_path
from stadion.ingest._strokes import COLUMNS, before_and_winner
from stadion.ingest.base import Member
from stadion.science.badminton import STROKE_TYPES
from tests.ingest.real_files import reader
from tests.places import shared_data


@lru_cache(maxsize=2)
def tables(folder: str) -> tuple[Table, ...]:
    opened = open_path(shared_data("F_event_tactics", folder))
    assert not opened.refused
    assert not opened.activities
    return opened.tables


def part(name: str) -> Table:
    return next(t for t in tables("coachai_track2") if t.source.name.endswith(name))


def rallies(table: Table) -> int:
    keys = zip(table.columns["match"].tolist(), table.columns["rally"].tolist(), strict=True)
    return len(set(keys))


def example(name: str, edit: tuple[bytes, bytes] = (b"", b"")) -> list[Member]:
    """The reader's own example, with some bytes of it exchanged."""
    old, new = edit
    return [
        Member.of(m.path, m.data.replace(old, new) if old else m.data)
        for m in reader(name).example()
    ]


def read(name: str, members: list[Member]) -> list[Table]:
    (group,) = reader(name).claim(members)
    return [value for value in reader(name).read(group) if isinstance(value, Table)]


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "strokes", "count", "matches"),
    [("train.csv", 30_172, 2_268, 44), ("val_given.csv", 4_370, 350, 5),
     ("test_given.csv", 2_040, 510, 9)],
)  # fmt: skip
def test_the_challenge_comes_in_whole(file: str, strokes: int, count: int, matches: int) -> None:
    table = part(file)
    assert table.kind == "strokes"
    assert dict(table.units) == COLUMNS
    assert len(table) == strokes
    assert rallies(table) == count
    assert len(set(table.columns["match"])) == matches
    assert set(table.columns["type"]) <= set(STROKE_TYPES)


@pytest.mark.data
def test_the_first_stroke_of_the_challenge_reads_as_it_is_written() -> None:
    row = {name: values[0] for name, values in part("train.csv").columns.items()}
    assert row["player"] == "NG Ka Long Angus"
    assert row["opponent"] == "LEE Cheuk Yiu"
    assert row["type"] == "short service"
    assert row["winner"] == "NG Ka Long Angus"  # 1:0 after the first rally
    assert (row["player_points"], row["opponent_points"]) == (0.0, 0.0)
    assert str(row["date"]) == "2021-01-15"
    # 0.7732 x 82 + 175 - 175 units of 6.10 m / 300, and so on; the service lands beyond the line
    assert row["landing_x"] == pytest.approx(1.2891, abs=1e-3)
    assert row["landing_y"] == pytest.approx(1.7619, abs=1e-3)
    assert row["player_y"] == pytest.approx((308.95 - 480) * 13.40 / 660, abs=1e-3)


@pytest.mark.data
def test_the_later_strokes_of_the_validation_part_are_those_of_its_other_file() -> None:
    table = part("val_given.csv")
    later = table.columns["stroke"] > 4
    assert later.sum() == 2_970
    assert np.isfinite(table.columns["landing_x"][later]).all()
    assert np.isnan(table.columns["player_x"][later]).all()
    assert (table.columns["player"] != table.columns["opponent"]).all()


@pytest.mark.data
def test_shuttleset_has_a_table_per_match_and_knows_who_won() -> None:
    found = tables("shuttleset")
    assert len(found) == 35
    assert sum(rallies(table) for table in found) == 1_976  # of 2,939, 963 with a flaw
    for table in found:
        assert np.isfinite(table.columns["landing_x"]).mean() > 0.99
        assert (table.columns["winner"] != "").mean() > 0.99
        assert np.nanmax(np.abs(table.columns["landing_y"])) < 12
    flawed = [repair for table in found for repair in table.source.repairs]
    assert sum(repair.count for repair in flawed) == 963
    assert {repair.what for repair in flawed} == {
        "rallies with a flaw or an unknown stroke dropped"
    }


@pytest.mark.data
def test_both_layouts_tell_the_same_of_the_same_rallies() -> None:
    challenge, both = _keyed([part("train.csv")]), 0
    for key, other in _keyed(list(tables("shuttleset"))).items():
        if key not in challenge or len(challenge[key]["type"]) != len(other["type"]):
            continue
        one = challenge[key]
        both += 1
        assert (one["type"] == other["type"]).mean() > 0.5
        assert np.nanmedian(np.abs(one["landing_x"] - other["landing_x"])) < 0.05
        assert np.nanmedian(np.abs(one["landing_y"] - other["landing_y"])) < 0.05
        assert one["player"].tolist() == other["player"].tolist()
    assert both > 250


def _keyed(found: list[Table]) -> dict[tuple[str, str], dict[str, Array]]:
    keyed = {}
    names = ("type", "landing_x", "landing_y", "player")
    for table in found:
        pairs = np.array(
            [
                f"{m}|{r}"
                for m, r in zip(table.columns["match"], table.columns["rally"], strict=True)
            ]
        )
        for pair in np.unique(pairs):
            match, _, rally = str(pair).partition("|")
            rows = pairs == pair
            keyed[match, rally] = {name: table.columns[name][rows] for name in names}
    return keyed


def test_a_given_part_and_its_truth_become_one_table() -> None:
    (table,) = read("coachai_track2", example("coachai_track2"))
    assert table.source.name == "track2/val_given.csv"
    assert table.columns["stroke"].tolist() == [1, 2, 3, 4, 5]
    assert table.columns["type"][-1] == "defensive shot"
    assert table.columns["player"].tolist() == ["Ann LEE", "Bo KIM"] * 2 + ["Ann LEE"]
    assert table.columns["time"][:4].tolist() == pytest.approx([352, 353, 354, 355])
    assert set(table.columns["winner"]) == {"Ann LEE"}


def test_without_a_list_of_matches_players_keep_their_numbers() -> None:
    members = [m for m in reader("coachai_track2").example() if "matches" not in m.path]
    (table,) = read("coachai_track2", members)
    assert set(table.columns["player"]) == {"player 0", "player 1"}
    assert set(table.columns["match"]) == {"match 7"}


def test_pixels_become_metres_by_the_matrix_of_the_match() -> None:
    (table,) = read("shuttleset", example("shuttleset"))
    assert table.columns["type"].tolist() == ["short service", "lob", "smash"]
    assert table.columns["fine_type"].tolist()[-1] == "smash"
    # pixel (350, 350) is (175, 350) of the court, whose centre is (175, 480)
    assert table.columns["landing_x"][0] == pytest.approx(0.0)
    assert table.columns["landing_y"][0] == pytest.approx(-130 * 13.40 / 660)
    assert set(table.columns["winner"]) == {"Ann LEE"}
    assert table.columns["ending"].tolist() == ["", "", "out"]


def test_without_a_matrix_the_places_are_missing_and_it_is_said() -> None:
    members = [m for m in reader("shuttleset").example() if "homography" not in m.path]
    (table,) = read("shuttleset", members)
    assert np.isnan(table.columns["landing_x"]).all()
    assert "homography" in table.source.repairs[0].what


def test_rallies_with_a_flaw_are_left_out_and_counted() -> None:
    with pytest.raises(StadionError, match="no rally that can be used"):
        read("shuttleset", example("shuttleset", ("殺球".encode(), "未知球種".encode())))


def test_the_score_before_tells_the_winner_and_else_the_ending() -> None:
    after = {(1.0, 1.0): (1.0, 0.0), (1.0, 2.0): (1.0, 1.0), (1.0, 9.0): (5.0, 4.0)}
    assert before_and_winner(after, (1.0, 1.0), "") == ((0.0, 0.0), "A")
    assert before_and_winner(after, (1.0, 2.0), "A") == ((1.0, 0.0), "B")
    assert before_and_winner(after, (1.0, 9.0), "B") == ((5.0, 3.0), "B")
    unknown, winner = before_and_winner(after, (1.0, 9.0), "")
    assert winner == ""
    assert np.isnan(unknown).all()
