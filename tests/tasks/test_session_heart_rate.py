"""A session is told from what its person did before, never from itself or later ones."""

from __future__ import annotations

import dataclasses

import numpy as np

from stadion.core.activity import Table
from stadion.tasks.session_heart_rate import PLUGIN

SETTINGS = PLUGIN.Settings()


def _changed(table: Table, name: str, row: int, value: float) -> Table:
    values = table.columns[name].copy()
    values[row] = value
    return dataclasses.replace(table, columns={**table.columns, name: values})


def test_the_past_is_that_of_the_person_and_strictly_before() -> None:
    table = PLUGIN.examples(0)[0]
    rows = PLUGIN.features(table, PLUGIN.dataset([table], SETTINGS).signature, {})
    other = PLUGIN.features(_changed(table, "heart_rate", 10, 200.0), PLUGIN.dataset(
        [table], SETTINGS).signature, {})  # fmt: skip
    for name, values in rows.items():
        same = (values == other[name]) | (np.isnan(values) & np.isnan(other[name]))
        changed = np.flatnonzero(~same.reshape(len(values), -1).all(axis=1))
        assert ((changed > 10) & (changed < 40)).all(), f"{name} of rows {changed}"
    assert np.isnan(rows["usual"][[0, 40, 80]]).all(), "nobody has a past at first"
    assert (other["usual"][11:40] > rows["usual"][11:40]).all()


def test_a_session_without_heart_rate_is_asked_but_not_learned_from() -> None:
    table = _changed(PLUGIN.examples(0)[0], "heart_rate", 5, np.nan)
    data = PLUGIN.dataset([table], SETTINGS)
    assert len(data) == 119
    assert len(PLUGIN.features(table, data.signature, {})["usual"]) == 120


def test_the_mean_of_person_and_kind_is_the_baseline_to_beat() -> None:
    data = PLUGIN.dataset(PLUGIN.examples(0), SETTINGS)
    answers = PLUGIN.baselines(data, data)
    assert next(iter(answers)) == "person and kind mean"
    errors = {
        name: np.abs(outputs["heart_rate"] - data.targets["heart_rate"]).mean()
        for name, outputs in answers.items()
    }
    assert errors["person and kind mean"] == min(errors.values())
