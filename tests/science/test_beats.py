"""Artefacts between heart beats: put in by hand and found again, and as neurokit2 sees them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable

import numpy as np
import pytest

from stadion.core.arrays import FloatArray
from stadion.core.errors import StadionError
from stadion.science.beats import beat_times, correct
from tests.ingest.real_files import only, raw, read_bytes
from tests.science.rr import REAL, longest_piece, made_up, real_rr

_KINDS = ("ectopic", "missed", "extra", "longshort")


def _neurokit(
    rr_ms: FloatArray, is_repeated: bool, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], FloatArray]:
    """Counts and intervals of neurokit2, its shift of indices put right.

    It compares indices that it has already moved with the places of the beats it took out, so
    that the second of two neighbouring removals is moved once instead of twice. It works on
    whole samples: a rate of 1 MHz keeps its rounding at a microsecond.
    """
    import neurokit2

    def shifted(moved: list[int], kept: Iterable[int], sign: int) -> list[int]:
        each = np.array(list(kept), np.int64)
        return [int(k) for k in np.unique(each + sign * np.searchsorted(np.sort(moved), each))]

    module = sys.modules["neurokit2.signal.signal_fixpeaks"]
    monkeypatch.setattr(module, "_update_indices", shifted)
    peaks = np.concatenate([[0], np.cumsum(rr_ms)]).astype(np.int64) * 1000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, clean = neurokit2.signal_fixpeaks(
            peaks, sampling_rate=1_000_000, iterative=is_repeated, method="kubios"
        )
    return [len(found[kind]) for kind in _KINDS], np.diff(clean) / 1000.0


def _damaged(rr_ms: FloatArray) -> FloatArray:
    """An extra, a missed, an ectopic and a misplaced beat, far from each other."""
    rr = rr_ms.copy()
    rr[100:102] = [rr[100] + 0.35 * rr[101], 0.65 * rr[101]]  # too late
    rr[200:202] = [0.6 * rr[200], rr[201] + 0.4 * rr[200]]  # ectopic: early, then a pause
    rr = np.concatenate([rr[:300], [rr[300] + rr[301]], rr[302:]])  # one missed
    return np.concatenate([rr[:350], [0.5 * rr[350], 0.5 * rr[350]], rr[351:]])  # one too many


def test_artefacts_put_in_by_hand_are_found_and_mended() -> None:
    clean = made_up(400)
    mended = correct(_damaged(clean))
    assert (mended.missed, mended.extra) == (1, 1)
    assert mended.ectopic + mended.long_short >= 2
    assert len(mended.rr_ms) == len(clean)
    assert np.abs(mended.rr_ms - clean).max() < 120.0
    assert mended.rr_ms.sum() == pytest.approx(clean.sum())
    assert mended.share < 0.03
    np.testing.assert_allclose(mended.time_s, np.cumsum(mended.rr_ms) / 1000.0)
    np.testing.assert_array_equal(mended.rr_ms[~mended.is_mended][:90], clean[:90])
    assert 6 <= mended.is_mended.sum() <= 20


def test_a_clean_recording_stays_as_it_is() -> None:
    clean = made_up(600, seed=3)
    mended = correct(clean)
    np.testing.assert_array_equal(mended.rr_ms, clean)
    assert not mended.is_mended.any()
    assert mended.share == 0.0


def test_holes_are_kept_and_nothing_is_made_up_inside_them() -> None:
    rr = made_up(300)
    mended = correct(np.concatenate([[np.nan], rr[:150], [9_000.0], rr[150:], [4_000.0]]))
    assert mended.holes == 3
    assert np.isnan(mended.rr_ms[[0, 151, -1]]).all()
    assert np.isfinite(mended.rr_ms).sum() == 300
    assert mended.time_s[-1] == pytest.approx((rr.sum() + 13_000) / 1000)


def test_lost_beats_are_a_hole_and_the_clock_is_the_recordings() -> None:
    rr = made_up(300)
    time_s = 60.0 + np.cumsum(rr) / 1000.0
    time_s[200:] += 30.0  # thirty seconds without beats
    mended = correct(rr, time_s=time_s)
    assert mended.holes == 1
    assert np.isnan(mended.rr_ms[200])
    np.testing.assert_allclose(np.delete(mended.time_s, 200), time_s, atol=1e-6)
    assert mended.time_s[200] == pytest.approx(time_s[200] - rr[200] / 1000.0)
    missed = np.concatenate([rr[:100], [rr[100] + rr[101]], rr[102:]])
    again = correct(missed, time_s=np.delete(time_s, 100))
    assert again.missed == 1
    assert len(again.rr_ms) == 301
    np.testing.assert_allclose(
        np.delete(again.time_s, [100, 200]), np.delete(time_s, 100), atol=0.1
    )
    with pytest.raises(StadionError, match=r"time_s\[1\] is 1; expected each beat after"):
        correct([800.0, 800.0], time_s=[1.0, 1.0])


@pytest.mark.data
def test_a_track_of_beats_is_mended_on_its_clock() -> None:
    name = "fit/gc__Move_2020_01_15_19_27_16_Running.fit"
    track = next(t for t in only(read_bytes("fit", raw(name))).tracks if t.subject == "beats")
    rr = np.asarray(track.channels["rr"], np.float64)
    np.testing.assert_allclose(rr, real_rr(name), atol=0.5)
    mended = correct(rr, time_s=track.time_s)
    assert 0 < mended.share < 0.05
    assert mended.time_s[-1] == pytest.approx(track.time_s[-1])
    assert (np.diff(mended.time_s) > 0).all()
    known = np.isfinite(mended.rr_ms[1:])
    np.testing.assert_allclose(
        (np.diff(mended.time_s) * 1000.0)[known], mended.rr_ms[1:][known], atol=1_000.0
    )


def test_too_little_gives_back_what_came() -> None:
    assert len(correct([]).rr_ms) == 0
    assert np.isnan(correct([]).share)
    assert correct([800.0, 810.0]).rr_ms.tolist() == [800.0, 810.0]
    assert correct([np.nan, np.nan]).holes == 1
    assert correct(np.full(50, 800.0)).share == 0.0
    assert beat_times(np.array([500.0, np.nan, 250.0])).tolist() == [0.5, 0.5, 0.75]


@pytest.mark.parametrize(
    ("rr", "words"),
    [
        ([800.0, 0.0], r"rr_ms\[1\] is 0; expected more than 0 ms"),
        ([[800.0]], r"rr_ms has shape \(1, 1\)"),
        ("quick", "rr_ms is no array of numbers"),
    ],
)
def test_a_wrong_argument_is_named(rr: FloatArray, words: str) -> None:
    with pytest.raises(StadionError, match=words):
        correct(rr)


@pytest.mark.parametrize("seed", range(4))
def test_made_up_series_agree_with_neurokit(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    rr = _damaged(made_up(500, seed))
    rr[rng.integers(10, 490, 12)] *= rng.uniform(0.5, 1.7, 12)
    _agrees(np.round(rr), monkeypatch)


@pytest.mark.data
@pytest.mark.parametrize("name", REAL)
def test_real_series_agree_with_neurokit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A quiet minute in front: neurokit2 never moves the first beat, and in the noisiest
    # recording what follows from that spreads.
    rng = np.random.default_rng(0)
    piece = longest_piece(real_rr(name))
    lead = np.round(np.median(piece) + rng.normal(0.0, 8.0, 150))
    _agrees(np.concatenate([lead, piece]), monkeypatch)


def _agrees(rr: FloatArray, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = correct(rr)
    counts, _ = _neurokit(rr, False, monkeypatch)
    assert [mine.ectopic, mine.missed, mine.extra, mine.long_short] == counts
    _, theirs = _neurokit(rr, True, monkeypatch)
    np.testing.assert_allclose(mine.rr_ms, theirs, atol=0.002)
