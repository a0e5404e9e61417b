"""What an activity's heart beats say among its measures."""

from __future__ import annotations

import numpy as np
import pytest

from stadion.core.activity import Activity, Source, Track
from stadion.core.arrays import FloatArray
from stadion.ingest import open_path
from stadion.science.hrv import time_domain
from stadion.science.summary import summarise
from tests.places import shared_data


def at_rest(rr_ms: FloatArray) -> Activity:
    track = Track("beats", np.cumsum(rr_ms) / 1000, {"rr": rr_ms})
    return Activity("", "", "", None, (track,), Source("", ""))


def breathing(count: int = 600) -> FloatArray:
    chance = np.random.default_rng(3)
    return 900 + 40 * np.sin(np.arange(count) / 2.5) + chance.normal(0, 8, count)


def test_clean_beats_give_the_variability_of_their_intervals() -> None:
    rr = breathing()
    found = summarise(at_rest(rr))
    assert found["rmssd_ms"] == pytest.approx(time_domain(rr)["rmssd_ms"], rel=0.01)
    assert found["beats_mended_percent"] < 0.5


def test_missed_beats_are_mended_and_counted() -> None:
    rr = breathing()
    missed = rr.copy()
    missed[100:600:100] += missed[101:601:100]
    missed = np.delete(missed, np.arange(101, 600, 100))
    found, clean = summarise(at_rest(missed)), summarise(at_rest(rr))
    assert found["beats_mended_percent"] > clean["beats_mended_percent"] + 0.5
    assert found["rmssd_ms"] == pytest.approx(clean["rmssd_ms"], rel=0.1)
    assert time_domain(missed)["rmssd_ms"] > 2 * clean["rmssd_ms"]


@pytest.mark.data
def test_a_run_with_beats_tells_them_and_a_run_without_does_not() -> None:
    folder = shared_data("B_activity_files", "fit")
    (run,) = open_path(folder / "gc__Fr955v19.28andStryd.fit.gz").activities
    found = summarise(run)
    assert 1 < found["rmssd_ms"] < 10  # a heart at work varies little from beat to beat
    assert 0.5 < found["alpha1"] < 1.2
    without = Activity(run.id, "", run.sport, run.start, run.tracks[:1], run.source)
    assert not {"rmssd_ms", "alpha1"} & summarise(without).keys()
