"""The baseline answers with what the training rows say before anything is looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stadion.core.dataset import Dataset
from stadion.core.errors import StadionError
from stadion.train.base import Run
from stadion.train.baseline import PLUGIN, BaselineSettings
from tests.train.graphs import session_of, unlike
from tests.train.toys import ask, classes_by_group, pace_to_heart_rate


def test_classes_get_their_frequencies(tmp_path: Path) -> None:
    data = classes_by_group([6, 3, 1], [0, 1, 2])
    model = PLUGIN.fit(data, BaselineSettings(), Run(0, tmp_path))
    answer = model.predict(ask(data, 5.0))["kind"]
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, [[0.6, 0.3, 0.1]] * 2, rtol=1e-6)


@pytest.mark.parametrize("center", ["mean", "median"])
def test_a_quantity_gets_its_center(tmp_path: Path, center: str) -> None:
    data = pace_to_heart_rate(51)
    data.targets["heart_rate"][0] = 900
    model = PLUGIN.fit(data, BaselineSettings(center), Run(0, tmp_path))  # type: ignore[arg-type]
    expected = getattr(np, center)(data.targets["heart_rate"])
    np.testing.assert_allclose(model.predict(ask(data, 1.0))["heart_rate"], expected, rtol=1e-6)


def test_rows_without_truth_do_not_count(tmp_path: Path) -> None:
    data = pace_to_heart_rate(20)
    known = data.targets["heart_rate"][5:].mean()
    data.targets["heart_rate"][:5] = np.nan
    model = PLUGIN.fit(data, BaselineSettings(), Run(0, tmp_path))
    np.testing.assert_allclose(model.predict(ask(data, 1.0))["heart_rate"], known, rtol=1e-6)


@pytest.mark.parametrize("data", [classes_by_group([6, 3], [0, 2]), pace_to_heart_rate(20)])
def test_the_graph_answers_alike_for_any_number_of_rows(data: Dataset, tmp_path: Path) -> None:
    model = PLUGIN.fit(data, BaselineSettings(), Run(0, tmp_path))
    session = session_of(model, tmp_path / "model.onnx")
    for rows in (1, 7):
        assert unlike(model, session, data.take(np.arange(rows))) == 0


def test_one_class_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StadionError, match="one class only"):
        PLUGIN.fit(classes_by_group([6, 3], [1, 1]), BaselineSettings(), Run(0, tmp_path))


def test_no_rows_are_refused(tmp_path: Path) -> None:
    empty = pace_to_heart_rate(20).take(np.zeros(20, np.bool_))
    with pytest.raises(StadionError, match="no row"):
        PLUGIN.fit(empty, BaselineSettings(), Run(0, tmp_path))
