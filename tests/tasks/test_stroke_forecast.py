"""Rows of rallies, the challenge's score, and advice on the next stroke."""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np
import pytest

from stadion.core.activity import Table
from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Dataset
from stadion.core.errors import StadionError
from stadion.ingest import open_path
from stadion.science.badminton import (
    ANSWERS,
    DEPTHS,
    LANDING_SPREAD_M,
    STROKE_TYPES,
    best_of,
    court_zones,
    side_of_first,
)
from stadion.science.scores import log_loss
from stadion.tasks.rally_winner import PLUGIN as WINNER
from stadion.tasks.rally_winner import recommend
from stadion.tasks.stroke_forecast import PLUGIN as FORECAST
from stadion.tasks.stroke_forecast import ForecastSettings
from tests.places import shared_data


@lru_cache(maxsize=1)
def challenge() -> Table:
    tables = open_path(shared_data("F_event_tactics", "coachai_track2")).tables
    return next(table for table in tables if table.source.name.endswith("val_given.csv"))


@lru_cache(maxsize=1)
def made_up() -> Dataset:
    return FORECAST.dataset(FORECAST.examples(0), ForecastSettings(horizon=12))


def cut(table: Table, rows: Array) -> Table:
    columns = {name: values[rows] for name, values in table.columns.items()}
    return dataclasses.replace(table, columns=columns)


@pytest.mark.data
def test_the_validation_part_is_350_rallies_of_five_matches() -> None:
    data = FORECAST.dataset([challenge()], FORECAST.Settings())
    assert len(data) == 350
    assert len(set(data.groups)) == 5
    assert (data.targets["type"] >= 0).sum() == 2_970
    assert np.isfinite(data.targets["landing"]).all(axis=2).sum() == 2_970
    assert data.targets["type"].shape == (350, 66)


@pytest.mark.data
def test_a_chain_of_types_beats_their_frequencies_on_real_rallies() -> None:
    data = FORECAST.dataset([challenge()], FORECAST.Settings())
    answers = FORECAST.baselines(data, data)
    found = {
        name: best_of(
            data.targets["type"],
            data.targets["landing"].astype(np.float64),
            outputs["type"][:, None],
            outputs["landing"][:, None],
        )
        for name, outputs in answers.items()
    }
    assert found["Markov chain"].score < found["marginals"].score < 2.9
    assert found["Markov chain"].types.mean() < found["marginals"].types.mean()


def test_a_request_without_the_later_strokes_is_the_row_of_the_training_set() -> None:
    table = FORECAST.examples(0)[0]
    whole = FORECAST.dataset([table], ForecastSettings())
    given = cut(table, table.columns["stroke"] <= 4)
    asked = FORECAST.features(given, whole.signature, whole.settings)
    for name, values in whole.inputs.items():
        np.testing.assert_array_equal(asked[name], values, err_msg=name)


def test_strokes_beyond_the_end_have_no_target() -> None:
    data = made_up()
    ends = data.inputs["rally_length"] - 4
    for types, landing, end in zip(
        data.targets["type"], data.targets["landing"], ends, strict=True
    ):
        assert (types[: int(end)] >= 0).all()
        assert (types[int(end) :] == -1).all()
        assert np.isnan(landing[int(end) :]).all()


def test_an_unknown_player_and_an_unknown_length_are_missing_values() -> None:
    table = FORECAST.examples(0)[0]
    names = np.where(table.columns["player"] == "Ann", "Zoe", table.columns["player"])
    columns = {**table.columns, "player": names, "rally_length": np.full(len(table), np.nan)}
    data = made_up()
    asked = FORECAST.features(
        dataclasses.replace(table, columns=columns), data.signature, data.settings
    )
    assert np.isnan(asked["rally_length"]).all()
    who = np.isnan(asked["first_player"]).all(axis=1), np.isnan(asked["second_player"]).all(axis=1)
    assert (who[0] ^ who[1]).all()


def test_a_rally_of_four_strokes_cannot_train_and_says_why() -> None:
    table = FORECAST.examples(0)[0]
    with pytest.raises(StadionError, match="fifth stroke"):
        FORECAST.dataset([cut(table, table.columns["stroke"] <= 4)], ForecastSettings())
    data, short = made_up(), cut(table, table.columns["stroke"] <= 3)
    with pytest.raises(StadionError, match="four strokes"):
        FORECAST.features(short, data.signature, data.settings)


def test_the_same_rally_from_two_files_counts_once() -> None:
    tables = FORECAST.examples(0)
    one = FORECAST.dataset(tables, ForecastSettings())
    assert len(FORECAST.dataset([*tables, *tables], ForecastSettings())) == len(one)


def test_the_side_of_the_first_player_needs_one_place_only() -> None:
    nothing = np.full((2, 4, 2), np.nan)
    landing = nothing.copy()
    landing[0, 1, 1] = 4.0  # the second stroke comes down where the first player stands
    landing[1, 0, 1] = 4.0
    assert side_of_first(nothing, nothing, landing).tolist() == [1.0, -1.0]
    assert side_of_first(nothing, nothing, nothing).tolist() == [1.0, 1.0]


def test_the_best_future_counts_and_both_errors_are_means_over_the_rally() -> None:
    types = np.array([[1, 0, -1]])
    landing = np.array([[[0.0, 0.0], [1.0, 1.0], [np.nan, np.nan]]])
    chances = np.full((1, 2, 3, 2), 0.5)
    chances[0, 1, :, 0], chances[0, 1, :, 1] = 0.2, 0.8
    points = np.zeros((1, 2, 3, 2))
    points[0, 1, 0] = LANDING_SPREAD_M  # one unit off on both axes in the first of two strokes
    found = best_of(types, landing, chances, points)
    unit = np.array(LANDING_SPREAD_M)
    off = (1 / unit).mean() / 2  # the second stroke of the first future
    assert found.types[0] == pytest.approx(np.log(2))
    assert found.landing[0] == pytest.approx(off)
    far = np.full_like(points, 100.0)
    far[0, 1] = landing[0]
    far[0, 1, 2] = 0.0
    other = best_of(types, landing, chances, far)
    assert other.landing[0] == 0
    assert other.types[0] == pytest.approx((-np.log(0.8) - np.log(0.2)) / 2)


def test_no_rally_without_a_stroke_is_scored() -> None:
    with pytest.raises(StadionError, match="without a stroke"):
        best_of(
            np.array([[-1]]), np.full((1, 1, 2), np.nan), np.ones((1, 1, 1, 2)) / 2,
            np.zeros((1, 1, 1, 2)),
        )  # fmt: skip


def test_what_is_asked_of_a_stroke_hides_where_an_error_was_meant_to_land() -> None:
    data = WINNER.dataset(WINNER.examples(0), WINNER.Settings())
    landed = np.isfinite(data.inputs["stroke_landing"]).all(axis=1)
    typed = np.isfinite(data.inputs["stroke_type"]).all(axis=1)
    assert (data.targets["error"][landed] == 0).all()
    assert landed.any()
    assert (typed | ~landed).all()
    errors = data.targets["error"] == 1
    assert (data.targets["win"][errors] == 0).all()


def test_the_landing_is_seen_from_the_half_of_the_one_who_plays() -> None:
    data = WINNER.dataset(WINNER.examples(0), WINNER.Settings())
    landing = data.inputs["stroke_landing"][:, 1]
    assert (landing[np.isfinite(landing)] < 0).mean() > 0.95
    assert np.nanmean(data.inputs["hitter_place"][:, 1] > 0) > 0.95
    assert np.nanmean(data.inputs["rival_place"][:, 1] < 0) > 0.95


def test_frequencies_of_both_strokes_tell_more_than_the_base_rate() -> None:
    data = WINNER.dataset(WINNER.examples(0), WINNER.Settings())
    answers = WINNER.baselines(data, data)
    truth = data.targets["error"]
    both, base = answers["both strokes"]["error"], answers["base rate"]["error"]
    assert log_loss(truth, both) < log_loss(truth, base)


def test_advice_names_strokes_that_can_be_played_and_the_best_first() -> None:
    table = cut(WINNER.examples(0)[0], np.arange(3))
    data = WINNER.dataset(WINNER.examples(0), WINNER.Settings())

    def predict(inputs: Arrays) -> dict[str, Array]:
        """A model to whom a stroke is the better the nearer it lands to the left line."""
        left = np.nan_to_num(inputs["stroke_landing"][:, 0])
        win = 0.5 - left / 20
        error = np.where(np.isnan(inputs["stroke_type"][:, 0]), 0.3, 0.1)
        return {
            "win": np.stack([1 - win, win], axis=1),
            "error": np.stack([1 - error, error], axis=1),
        }

    found = recommend(predict, data.signature, table)
    incoming = str(table.columns["type"][-1])
    assert {advice.type for advice in found} == set(ANSWERS[incoming])
    assert [advice.win for advice in found] == sorted((a.win for a in found), reverse=True)
    side = np.sign(table.columns["opponent_y"][-1])
    best = found[0]
    assert best.landing_m[1] * side < 0  # over the net
    assert best.landing_m[0] * side < 0  # the model's left
    assert best.win == pytest.approx(0.9 * (0.5 + abs(best.landing_m[0]) / 20))
    assert best.gain == pytest.approx(best.win - 0.5)
    assert best.error == pytest.approx(0.1)


def test_every_type_has_answers_and_a_depth() -> None:
    assert set(ANSWERS) == set(DEPTHS) == set(STROKE_TYPES)
    assert all(set(answers) <= set(STROKE_TYPES) for answers in ANSWERS.values())
    assert court_zones().shape == (9, 2)
    assert court_zones()[0].tolist() == pytest.approx([-5.18 / 3, 6.7 / 6])


@pytest.mark.data
def test_what_can_be_played_covers_what_professionals_played() -> None:
    tables = open_path(shared_data("F_event_tactics", "coachai_track2")).tables
    train = next(table for table in tables if table.source.name.endswith("train.csv"))
    kinds, number = train.columns["type"], train.columns["stroke"]
    pairs = [
        (str(a), str(b))
        for a, b, later in zip(kinds[:-1], kinds[1:], number[1:] > 1, strict=True)
        if later
    ]
    assert np.mean([after in ANSWERS[before] for before, after in pairs]) > 0.97
