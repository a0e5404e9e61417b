"""Networks on real smart-watch recordings, with the settings they come with."""

from __future__ import annotations

from pathlib import Path

import pytest

from stadion.science.scores import accuracy
from stadion.train.base import Run
from stadion.train.cnn import PLUGIN as CNN
from tests.train.graphs import session_of, unlike
from tests.train.series_sets import basic_motions


@pytest.mark.data
def test_convolutions_know_the_basic_motions_of_others(tmp_path: Path) -> None:
    train, test = basic_motions("TRAIN"), basic_motions("TEST")
    model = CNN.fit(train, CNN.Settings(), Run(0, tmp_path))
    assert accuracy(test.targets["activity"], model.predict(test.inputs)["activity"]) >= 0.95
    assert unlike(model, session_of(model, tmp_path / "model.onnx"), test) < 1e-5
