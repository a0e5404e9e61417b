"""Tomorrow from the days before: nothing of it is known today, and each output has its rows."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from stadion.core.activity import Table
from stadion.core.arrays import Array
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.export.verify import verify
from stadion.ingest import open_path
from stadion.science.daily import (
    FAST_WEIGHT,
    LEVELS,
    RECENT_WEIGHT,
    past_levels,
    past_windows,
)
from stadion.science.scores import mae
from stadion.tasks.daily_readiness import PLUGIN as TASK
from stadion.train.base import Run
from stadion.train.personal import PLUGIN as PERSONAL
from stadion.train.personal import PersonalSettings
from tests.places import shared_data

QUICK = PersonalSettings(trees=30, models=1)


def example(seed: int = 0) -> Table:
    return TASK.examples(seed)[0]


def dataset(table: Table) -> Dataset:
    return TASK.dataset([table], TASK.Settings())


def changed_from(table: Table, day: Array) -> Table:
    """The table with other numbers on that day and all later ones."""
    later = table.columns["date"] >= day
    columns = {
        name: np.where(later, values * 2 + 1, values) if values.dtype.kind == "f" else values
        for name, values in table.columns.items()
    }
    return dataclasses.replace(table, columns=columns)


def test_nothing_of_the_day_asked_or_later_is_in_the_inputs() -> None:
    table = example()
    day = table.columns["date"].min() + np.timedelta64(20, "D")
    before, after = dataset(table), dataset(changed_from(table, day))
    assert before.times is not None
    known = np.round(before.times * 39) <= 20  # the rows that ask about that day or before it
    assert known.sum() > 60
    for name, values in before.inputs.items():
        same = np.array_equal(values[known], after.inputs[name][known], equal_nan=True)
        assert same, f"{name} knows the day asked"
    was, now = (data.inputs["past_steps"][~known] for data in (before, after))
    assert not np.array_equal(was, now, equal_nan=True), "the change shows in later rows"
    on_the_day = np.round(before.times * 39) == 20
    assert not np.allclose(
        before.targets["steps"][on_the_day], after.targets["steps"][on_the_day], equal_nan=True
    )


def test_levels_are_those_of_the_values_before() -> None:
    values = np.array([5.0, np.nan, 7.0, 4.0, 9.0])
    levels = past_levels(values)
    for day in range(1, 6):
        past = values[:day][np.isfinite(values[:day])]
        fast = recent = past[0]
        for value in past[1:]:
            fast += FAST_WEIGHT * (value - fast)
            recent += RECENT_WEIGHT * (value - recent)
        spread = past.std() if len(past) > 1 else np.nan
        expected = [past[-1], fast, recent, past[-7:].mean(), past[-28:].mean(), past.mean(),
                    np.median(past), spread, len(past)]  # fmt: skip
        assert np.allclose(levels[day], expected, equal_nan=True), LEVELS
    assert np.isnan(levels[0, :-1]).all()


def test_windows_begin_before_the_record_with_nothing() -> None:
    windows = past_windows(np.arange(6.0).reshape(3, 2), 2)
    assert windows.shape == (4, 2, 2)
    assert np.isnan(windows[0]).all()
    assert windows[3].tolist() == [[2.0, 3.0], [4.0, 5.0]]


def test_a_request_asks_for_the_day_after_the_last() -> None:
    table = example()
    data = dataset(table)
    inputs = TASK.features(table, data.signature, data.settings)
    assert len(inputs["past_steps"]) == 4, "one row a person"
    first = table.columns["person"] == "ann"
    steps = table.columns["steps"][first][-28:].astype(np.float32)
    assert np.array_equal(inputs["past_steps"][0], steps, equal_nan=True)
    weekday = (table.columns["date"].max() + 1).astype("datetime64[D]").astype(int) + 3
    assert inputs["weekday"][0].argmax() == weekday % 7


def test_later_days_of_everybody_come_later() -> None:
    data = dataset(example())
    assert data.times is not None
    for person in np.unique(data.groups):
        assert (np.diff(data.times[data.groups == person]) > 0).all()
        assert data.times[data.groups == person].max() == 1.0
    assert set(data.strata["sex"]) == {"female", "male", ""}
    assert np.isnan(data.inputs["is_female"][data.groups == "dia"]).all()


def test_unknown_days_are_gaps_and_unknown_outputs_are_left_out() -> None:
    table = example()
    rows = np.arange(len(table)) % 5 != 3
    columns = {name: values[rows] for name, values in table.columns.items()}
    columns["mood"] = np.full(rows.sum(), np.nan)
    data = dataset(dataclasses.replace(table, columns=columns))
    assert [tensor.name for tensor in data.signature.outputs] == [
        "readiness", "resting_heart_rate", "steps", "sleep"
    ]  # fmt: skip
    assert np.isnan(data.targets["steps"]).any()
    with pytest.raises(StadionError) as refused:
        TASK.dataset([table], TASK.Settings(fewest=10_000))
    assert refused.value.code is Code.INVALID


def test_answers_beat_the_level_they_start_from_and_the_graph_gives_the_same(
    tmp_path: Path,
) -> None:
    data = dataset(example(1))
    assert data.times is not None
    train, test = data.take(data.times <= 0.7), data.take(data.times > 0.7)
    model = PERSONAL.fit(train, PersonalSettings(trees=100, models=2), Run(0, tmp_path))
    answers = model.predict(test.inputs)
    trivial = TASK.baselines(train, test)["mean so far"]
    for name in ("readiness", "resting_heart_rate"):
        assert mae(test.targets[name], answers[name]) < mae(test.targets[name], trivial[name])
    assert (answers["readiness"] == np.round(answers["readiness"])).all(), "a scale of answers"
    model.to_onnx(tmp_path / "model.onnx")
    verify(model, tmp_path / "model.onnx", model.signature, test.inputs)


def test_a_level_takes_the_place_of_one_that_is_missing(tmp_path: Path) -> None:
    data = dataset(example())
    model = PERSONAL.fit(data, QUICK, Run(0, tmp_path))
    whole = model.predict(data.inputs)["resting_heart_rate"]
    holed = {name: values.copy() for name, values in data.inputs.items()}
    for level in ("last", "fast", "recent", "week", "month"):
        holed["usual_resting_heart_rate"][:, LEVELS.index(level)] = np.nan
    again = model.predict(holed)["resting_heart_rate"]
    assert np.abs(again - whole).mean() < 3, "still the person's own level"


@pytest.mark.data
def test_published_figures_of_trivial_answers_come_out() -> None:
    """Of the people that are here: 12 of PMData's 16, 57 of the 71 of LifeSnaps."""
    expected = {
        "pmdata": ("readiness", 1.142, 1.024, 1.014),
        "lifesnaps": ("resting_heart_rate", 0.994, 2.143, 1.636),
    }
    for name, (output, last, mean, week) in expected.items():
        tables = open_path(shared_data("C_daily_health", name)).tables
        data = TASK.dataset(tables, TASK.Settings())
        data = data.take(data.inputs[f"usual_{output}"][:, -1] > 0)
        found = {
            name: mae(data.targets[output], outputs[output])
            for name, outputs in TASK.baselines(data, data).items()
        }
        assert found["last value"] == pytest.approx(last, abs=2e-3)
        assert found["mean so far"] == pytest.approx(mean, abs=2e-3)
        assert found["mean of the last 7"] == pytest.approx(week, abs=2e-3)
