"""Chances of matches come from the past only, and say the same from both sides."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from stadion.core.activity import Source, Table
from stadion.core.arrays import Array
from stadion.core.dataset import Dataset
from stadion.ingest import open_path
from stadion.science.scores import log_loss
from stadion.tasks.match_outcome import PLUGIN, MatchSettings
from stadion.train.base import Run
from stadion.train.paired import PLUGIN as PAIRED
from stadion.train.paired import PairedSettings
from tests.places import shared_data


def football(seed: int = 0, rounds: int = 40) -> Table:
    """A league of eight teams, each day two matches."""
    rng = np.random.default_rng(seed)
    strength = np.linspace(-0.5, 0.5, 8)
    pairs = np.array([rng.permutation(8)[:2] for _ in range(rounds * 2)])
    goals = rng.poisson(np.exp(0.4 + strength[pairs[:, 0]] - strength[pairs[:, 1]]))
    against = rng.poisson(np.exp(0.1 + strength[pairs[:, 1]] - strength[pairs[:, 0]]))
    result = np.select([goals > against, goals == against], ["win", "draw"], "loss")
    names = np.array([f"team {k}" for k in range(8)])
    columns = {
        "date": np.datetime64("2020-01-01") + 3 * (np.arange(len(pairs)) // 2),
        "competition": np.full(len(pairs), "league"),
        "season": np.full(len(pairs), "2020"),
        "player": names[pairs[:, 0]],
        "opponent": names[pairs[:, 1]],
        "home_side": np.ones(len(pairs)),
        "player_score": goals.astype(float),
        "opponent_score": against.astype(float),
        "player_half_score": np.minimum(goals, 1).astype(float),
        "opponent_half_score": np.minimum(against, 1).astype(float),
        "result": result,
    }
    return Table("matches", columns, dict.fromkeys(columns, ""), Source("test", "0"))


def tennis(rows: int = 400) -> Table:
    """The first months of a real season, winner first as in the file."""
    (table,) = open_path(
        shared_data("D_match_results", "tennis_atp", "atp_matches_2010.csv.gz")
    ).tables
    return part(table, np.arange(rows))


def part(table: Table, rows: Array) -> Table:
    columns = {name: values[rows] for name, values in table.columns.items()}
    return dataclasses.replace(table, columns=columns)


def made(table: Table) -> Dataset:
    return PLUGIN.dataset([table], MatchSettings())


def changed(table: Table, rows: Array) -> Table:
    """Other results, other scores and other statistics in some rows."""
    columns = {name: values.copy() for name, values in table.columns.items()}
    columns["result"][rows] = np.where(columns["result"][rows] == "win", "loss", "win")
    for name, values in columns.items():
        if values.dtype.kind == "f" and name != "home_side" and "order" not in name:
            values[rows] = values[rows] * 2 + 1
    return dataclasses.replace(table, columns=columns)


@pytest.mark.parametrize("source", [tennis, football], ids=["tennis", "football"])
def test_a_later_match_changes_no_earlier_row(source: type) -> None:
    table = source()
    dates = table.columns["date"].astype("datetime64[D]")
    border = np.sort(dates)[len(dates) // 2]
    before = made(table)
    after = made(changed(table, np.flatnonzero(dates >= border)))
    assert before.times is not None
    assert after.times is not None
    seconds = border.astype("datetime64[s]").astype(float)
    old, new = before.times < seconds, after.times < seconds
    assert old.sum() > 20
    assert before.groups[old].tolist() == after.groups[new].tolist()
    for name, values in before.inputs.items():
        assert np.array_equal(values[old], after.inputs[name][new], equal_nan=True), name
    assert not np.array_equal(before.inputs["edge"][~old], after.inputs["edge"][~new])


@pytest.mark.parametrize("source", [tennis, football], ids=["tennis", "football"])
def test_a_match_tells_nothing_of_itself(source: type) -> None:
    table = source()
    last = int(np.argmax(table.columns["date"]))
    names = {"score", "half_score", "games", "serve_points", "serve_points_won"}
    columns = {name: values.copy() for name, values in table.columns.items()}
    for side in ("player", "opponent"):
        for name in names & {column.partition("_")[2] for column in columns}:
            columns[f"{side}_{name}"][last] += 50.0
    data, other = made(table), made(dataclasses.replace(table, columns=columns))
    row = data.groups.tolist().index(other.groups.tolist()[-1])
    for name, values in data.inputs.items():
        assert np.array_equal(values[row], other.inputs[name][-1], equal_nan=True), name


@pytest.mark.parametrize("source", [tennis, football], ids=["tennis", "football"])
def test_the_order_of_the_rows_and_of_the_names_does_not_count(source: type) -> None:
    table = source()
    rng = np.random.default_rng(1)
    order = rng.permutation(len(table))
    assert made(table).digest == made(part(table, order)).digest
    columns = dict(table.columns)
    for name in list(columns):
        if name.startswith("player"):
            other = name.replace("player", "opponent")
            columns[name], columns[other] = columns[other], columns[name]
    columns["result"] = np.array(
        [{"win": "loss", "loss": "win"}.get(r, r) for r in columns["result"].tolist()]
    )
    columns["home_side"] = -table.columns["home_side"]
    assert made(dataclasses.replace(table, columns=columns)).digest == made(table).digest


def test_winners_are_not_named_first() -> None:
    data = made(tennis())
    assert 0.4 < data.targets["outcome"].mean() < 0.6
    assert data.signature.labels["outcome"] == ("win", "loss")
    assert len(data) < 400  # retirements and walkovers are no rows


def test_the_same_match_of_two_files_is_one() -> None:
    table = tennis(300)
    assert len(PLUGIN.dataset([table, table], MatchSettings())) == len(made(table))


@pytest.mark.parametrize("source", [tennis, football], ids=["tennis", "football"])
def test_a_request_is_answered_from_the_state_after_the_last_match(source: type) -> None:
    table = source()
    data = made(table)
    played = np.flatnonzero(table.columns.get("status", table.columns["result"]) != "retired")
    last = played[np.argmax(table.columns["date"][played])]
    columns = {name: values.copy() for name, values in table.columns.items()}
    columns["result"][last] = ""
    asked = dataclasses.replace(table, columns=columns)
    inputs = PLUGIN.features(asked, data.signature, data.settings)
    assert data.signature.check_inputs(inputs) == 1
    own = str(table.columns["player"][last])
    (row,) = [k for k, key in enumerate(data.groups.tolist())
              if own in key and str(table.columns["opponent"][last]) in key
              and str(table.columns["date"][last])[:10] in key]  # fmt: skip
    kept = {name: values[row : row + 1] for name, values in data.inputs.items()}
    is_same = np.allclose(kept["player"], inputs["player"], atol=1e-5, equal_nan=True)
    first, second = ("player", "opponent") if is_same else ("opponent", "player")
    sign = 1.0 if is_same else -1.0
    assert np.allclose(kept["player"], inputs[first], atol=1e-5, equal_nan=True)
    assert np.allclose(kept["opponent"], inputs[second], atol=1e-5, equal_nan=True)
    assert np.allclose(kept["edge"], sign * inputs["edge"], atol=1e-5, equal_nan=True)
    more = changed(asked, np.argsort(table.columns["date"], kind="stable")[-6:-2])
    columns = {**more.columns, "result": np.where(columns["result"] == "", "",
                                                  more.columns["result"])}  # fmt: skip
    later = PLUGIN.features(dataclasses.replace(more, columns=columns), data.signature, {})
    assert not np.array_equal(inputs["player"], later["player"])


def test_a_match_without_a_date_comes_after_the_last() -> None:
    table = football()
    data = made(table)
    columns = {
        name: np.concatenate([values, values[-1:]]) for name, values in table.columns.items()
    }
    columns["date"][-1] = np.datetime64("NaT")
    columns["result"][-1] = ""
    inputs = PLUGIN.features(dataclasses.replace(table, columns=columns), data.signature, {})
    rest = data.signature.input("player").columns.index("days_off")
    assert inputs["player"][0, rest] == 1.0


def test_draws_make_three_outcomes_and_a_setting_overrules() -> None:
    table = football()
    assert made(table).signature.labels["outcome"] == ("win", "draw", "loss")
    two = PLUGIN.dataset([table], MatchSettings(outcomes="two"))
    assert two.signature.labels["outcome"] == ("win", "loss")
    assert len(two) < len(table)


def test_years_before_the_first_feed_the_ratings_only() -> None:
    table = football(rounds=150)
    whole = made(table)
    late = PLUGIN.dataset([table], MatchSettings(first_year=2021))
    assert 0 < len(late) < len(whole)
    assert np.array_equal(late.inputs["edge"], whole.inputs["edge"][-len(late) :], equal_nan=True)


def test_earlier_odds_are_a_rating_and_those_of_the_match_itself_are_not_seen() -> None:
    table = football()
    odds = np.full(len(table), 2.0)
    columns = {**table.columns, "player_odds": odds, "odds_draw": odds * 2, "opponent_odds": odds}
    settings = MatchSettings(earlier_odds=True)
    place = made(table).signature.input("edge").columns.index("market_odds")
    assert np.isnan(made(table).inputs["edge"][:, place]).all()
    data = PLUGIN.dataset([dataclasses.replace(table, columns=columns)], settings)
    assert np.isfinite(data.inputs["edge"][-10:, place]).all()
    for row, is_seen in ((len(table) - 1, False), (0, True)):
        other = {**columns, "player_odds": np.where(np.arange(len(table)) == row, 9.0, odds)}
        moved = PLUGIN.dataset([dataclasses.replace(table, columns=other)], settings)
        assert data.groups.tolist() == moved.groups.tolist()
        same = np.array_equal(data.inputs["edge"], moved.inputs["edge"], equal_nan=True)
        assert same != is_seen


def test_a_model_gives_both_sides_the_same_answer_and_beats_chance(tmp_path: Path) -> None:
    data = made(tennis(1_500))
    early = np.arange(len(data)) < len(data) * 0.7
    model = PAIRED.fit(data.take(early), PairedSettings(trees=40), Run(0, tmp_path))
    test = data.take(~early)
    answer = model.predict(test.inputs)["outcome"]
    assert log_loss(test.targets["outcome"], answer) < 0.66
    given = test.inputs
    turned = {**given, "player": given["opponent"], "opponent": given["player"],
              "edge": -given["edge"], "home_side": -given["home_side"]}  # fmt: skip
    assert np.allclose(model.predict(turned)["outcome"][:, ::-1], answer, atol=1e-5)


def test_the_home_side_may_be_named_second(tmp_path: Path) -> None:
    data = made(football(rounds=80))
    model = PAIRED.fit(data, PairedSettings(trees=40), Run(0, tmp_path))
    answer = model.predict(data.inputs)["outcome"]
    given = data.inputs
    turned = {**given, "player": given["opponent"], "opponent": given["player"],
              "edge": -given["edge"], "home_side": -given["home_side"]}  # fmt: skip
    assert np.allclose(model.predict(turned)["outcome"][:, ::-1], answer, atol=1e-5)
    unknown = {**given, "home_side": np.full(len(data), np.nan, np.float32)}
    assert np.allclose(model.predict(unknown)["outcome"], answer, atol=1e-5)
