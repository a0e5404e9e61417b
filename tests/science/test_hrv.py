"""Heart rate variability: by hand, against neurokit2 and scipy, and not told where too short."""

from __future__ import annotations

import math
import time
import warnings

import numpy as np
import pytest

from stadion.core.arrays import FloatArray
from stadion.core.errors import StadionError
from stadion.science.beats import correct
from stadion.science.fractal import sample_entropy, scaling_exponent, smoothed_away
from stadion.science.hrv import (
    BANDS,
    frequency_domain,
    nonlinear,
    time_domain,
    windowed_alpha1,
)
from stadion.science.spectrum import lomb_density, natural_spline, tachogram, welch_density
from tests.science.rr import longest_piece, made_up, real_rr

_RUN = "fit/gc__Move_2020_01_15_19_27_16_Running.fit"
_TIME = {
    "mean_rr_ms": "MeanNN", "sdnn_ms": "SDNN", "rmssd_ms": "RMSSD", "sdsd_ms": "SDSD",
    "pnn50": "pNN50", "pnn20": "pNN20",
}  # fmt: skip


def _mended(rr_ms: FloatArray) -> FloatArray:
    return np.round(correct(longest_piece(rr_ms)).rr_ms)


def _series(name: str) -> FloatArray:
    return made_up(420) if name == "made up" else _mended(real_rr(_RUN))


def _peaks(rr_ms: FloatArray) -> FloatArray:
    return np.concatenate([[0], np.cumsum(rr_ms)]).astype(np.int64)


def test_differences_and_deviations_by_hand() -> None:
    rr = np.tile([800.0, 860.0, 830.0], 110)  # steps of +60, -30, -30
    told = time_domain(rr)
    steps = np.diff(rr)
    assert told["mean_rr_ms"] == pytest.approx(830.0)
    assert told["heart_rate_bpm"] == pytest.approx(72.289, abs=1e-3)
    assert told["rmssd_ms"] == pytest.approx(math.sqrt((steps**2).mean()))
    assert told["ln_rmssd"] == pytest.approx(math.log(told["rmssd_ms"]))
    assert told["sdnn_ms"] == pytest.approx(math.sqrt(600.0 * 330 / 329))
    assert told["pnn50"] == pytest.approx(100 * 110 / 330)
    assert told["pnn20"] == pytest.approx(100 * 329 / 330)
    assert told["sdnn_ms"] != told["rmssd_ms"]


def test_what_a_recording_is_too_short_to_tell_is_missing() -> None:
    def told(beats: int) -> set[str]:
        rr = made_up(beats, mean_ms=1000.0)
        whole = time_domain(rr) | frequency_domain(rr) | nonlinear(rr)
        return {name for name, value in whole.items() if math.isfinite(value)}

    differences = {"rmssd_ms", "ln_rmssd", "sdsd_ms", "pnn50", "pnn20"}
    mean = {"mean_rr_ms", "heart_rate_bpm"}
    assert told(0) == told(5) == set()
    assert told(30) == mean
    minute = told(60)
    assert minute == mean | differences | {"sd1_ms", "hf_ms2"}
    two = told(125)
    assert two - minute == {"lf_ms2", "lf_hf", "lf_nu", "hf_nu", "alpha1"}
    assert told(310) - two == {
        "sdnn_ms", "cv", "sd2_ms", "sd1_sd2", "vlf_ms2", "total_ms2", "sample_entropy",
    }  # fmt: skip
    assert told(910) - told(310) == {"sdann_ms", "sdnn_index_ms"}


def test_a_hole_is_no_difference_and_no_window_reaches_across_it() -> None:
    left, right = made_up(400), made_up(400, seed=1) + 200.0
    joined = np.concatenate([left, [np.nan], right])
    steps = np.concatenate([np.diff(left), np.diff(right)])
    assert time_domain(joined)["rmssd_ms"] == pytest.approx(math.sqrt((steps**2).mean()))
    times = np.cumsum(np.nan_to_num(joined, nan=60_000.0)) / 1000.0
    alone = [frequency_domain(part) for part in (left, right)]
    for method in ("welch", "lomb"):
        both = frequency_domain(joined, times, method=method)
        assert both["lf_ms2"] == pytest.approx((alone[0]["lf_ms2"] + alone[1]["lf_ms2"]) / 2, 0.3)
        assert both["vlf_ms2"] < 100.0  # the step of 200 ms would be thousands


@pytest.mark.parametrize("method", ["welch", "lomb"])
def test_a_wave_has_its_variance_in_its_band(method: str) -> None:
    time_s = np.cumsum(np.full(1500, 0.8))
    for band, frequency in (("vlf_ms2", 0.02), ("lf_ms2", 0.1), ("hf_ms2", 0.25)):
        rr = 800.0 + 40.0 * np.sin(2 * np.pi * frequency * time_s)
        told = frequency_domain(rr, time_s, method=method)  # type: ignore[arg-type]
        assert told[band] == pytest.approx(800.0, rel=0.03)  # A^2 / 2
        assert told["total_ms2"] == pytest.approx(told[band], rel=0.02)


@pytest.mark.data
@pytest.mark.parametrize("name", ["made up", "real"])
def test_the_time_domain_is_neurokits(name: str) -> None:
    import neurokit2

    rr = _series(name)
    mine, theirs = time_domain(rr), neurokit2.hrv_time(_peaks(rr), sampling_rate=1000).iloc[0]
    for here, there in _TIME.items():
        assert mine[here] == pytest.approx(theirs[f"HRV_{there}"], rel=1e-9), here
    assert mine["cv"] == pytest.approx(100 * theirs["HRV_CVNN"], rel=1e-9)
    if name == "real":
        # neurokit2 leaves the last beat of each stretch out and rounds their number
        assert mine["sdann_ms"] == pytest.approx(theirs["HRV_SDANN5"], rel=0.1)
        assert mine["sdnn_index_ms"] == pytest.approx(theirs["HRV_SDNNI5"], rel=0.05)


@pytest.mark.data
@pytest.mark.parametrize("name", ["made up", "real"])
def test_bands_are_neurokits_on_the_same_tachogram(name: str) -> None:
    """With its window, half of the recording.

    What is left: no straight line is taken off its windows, and its trapezoids leave out what
    lies between two bands.
    """
    import neurokit2

    rr = _series(name)[:2000]
    grid = tachogram(np.cumsum(rr) / 1000.0, rr)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = neurokit2.signal_power(
            grid, frequency_band=[BANDS["lf"], BANDS["hf"]], sampling_rate=4, method="welch",
            max_frequency=0.5, normalize=False,
        ).iloc[0]  # fmt: skip
    mine = frequency_domain(rr, window_s=len(grid) / 8.0)
    assert mine["lf_ms2"] == pytest.approx(theirs.iloc[0], rel=0.03)
    assert mine["hf_ms2"] == pytest.approx(theirs.iloc[1], rel=0.03)
    assert mine["lf_hf"] == pytest.approx(theirs.iloc[0] / theirs.iloc[1], rel=0.03)


def test_bands_are_near_neurokits_from_the_beats_on() -> None:
    """Its tachogram is a quadratic spline, which rings where the heart changes its pace at once.

    On a series without such steps that makes a few percent.
    """
    import neurokit2

    rr = made_up(420)
    peaks = _peaks(rr)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = neurokit2.hrv_frequency(
            peaks, sampling_rate=1000, interpolation_rate=4, normalize=False
        ).iloc[0]
    mine = frequency_domain(rr, window_s=(peaks[-1] - peaks[1]) / 2000.0)
    for band in ("lf", "hf"):
        assert mine[f"{band}_ms2"] == pytest.approx(theirs[f"HRV_{band.upper()}"], rel=0.05)
    assert mine["lf_hf"] == pytest.approx(theirs["HRV_LFHF"], rel=0.05)
    shares = mine["lf_ms2"] / (mine["lf_ms2"] + mine["hf_ms2"])
    assert mine["lf_nu"] == pytest.approx(100 * shares)  # neurokit2 divides by the total instead


@pytest.mark.data
@pytest.mark.parametrize("name", ["made up", "real"])
def test_the_spectrum_is_scipys(name: str) -> None:
    from scipy import interpolate, signal  # type: ignore[import-untyped]

    rr = _series(name)
    time_s = np.cumsum(rr) / 1000.0
    grid = tachogram(time_s, rr)
    at = time_s[0] + np.arange(len(grid)) / 4.0
    spline = interpolate.CubicSpline(time_s, rr, bc_type="natural")
    np.testing.assert_allclose(grid, spline(at), rtol=1e-10)
    frequency, density = welch_density([grid], 4.0, 1200)
    theirs = signal.welch(grid, 4.0, window="hann", nperseg=1200, detrend="linear")
    np.testing.assert_allclose(frequency, theirs[0])
    np.testing.assert_allclose(density, theirs[1], atol=1e-9 * theirs[1].max())
    odd = signal.welch(grid, 4.0, window="hann", nperseg=401, detrend="linear")[1]
    np.testing.assert_allclose(welch_density([grid], 4.0, 401)[1], odd, atol=1e-9 * odd.max())
    time_s, rr = time_s[:300], rr[:300]
    frequency, density = lomb_density(time_s, rr, 0.4)
    centred = time_s - time_s.mean()
    line = np.polynomial.Polynomial.fit(centred, rr, 1)(centred)
    power = signal.lombscargle(time_s, rr - line, 2 * np.pi * frequency)
    length = (time_s[-1] - time_s[0]) * 300 / 299
    np.testing.assert_allclose(density, 2 * power * length / 300, atol=1e-9 * density.max())


def test_straight_lines_are_the_other_way_to_a_tachogram() -> None:
    x, y = np.array([0.0, 1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0, 2.0])
    np.testing.assert_allclose(tachogram(x, y, 2.0, is_cubic=False)[:4], [1.0, 2.0, 3.0, 2.5])
    np.testing.assert_allclose(natural_spline(x, y, x), y)
    assert frequency_domain(made_up(300), is_cubic=False)["hf_ms2"] > 0


@pytest.mark.data
@pytest.mark.parametrize("name", ["made up", "real"])
def test_exponent_and_entropy_are_neurokits(name: str) -> None:
    import neurokit2

    rr = _series(name)[:900]
    mine = nonlinear(rr)
    alpha, _ = neurokit2.fractal_dfa(rr, scale=np.arange(4, 17), overlap=False)
    # neurokit2 leaves out stretches whose sums lie on a line, as equal intervals do
    assert mine["alpha1"] == pytest.approx(alpha, abs=1e-9 if name == "made up" else 0.01)
    entropy, _ = neurokit2.entropy_sample(rr, dimension=2, tolerance=0.2 * rr.std(ddof=1))
    assert mine["sample_entropy"] == pytest.approx(entropy, rel=1e-9)
    if name == "made up":
        theirs = neurokit2.hrv_nonlinear(_peaks(rr), sampling_rate=1000).iloc[0]
        assert mine["sd1_ms"] == pytest.approx(theirs["HRV_SD1"], rel=1e-9)
        assert mine["sd2_ms"] == pytest.approx(theirs["HRV_SD2"], rel=1e-9)
        # its scales are 4 to 11 and overlap by half: another estimate of the same exponent
        assert mine["alpha1"] == pytest.approx(theirs["HRV_DFA_alpha1"], abs=0.15)


def test_exponents_of_series_whose_exponent_is_known() -> None:
    noise = np.random.default_rng(0).normal(size=30_000)
    assert scaling_exponent(noise, range(16, 65)) == pytest.approx(0.5, abs=0.03)
    assert scaling_exponent(np.cumsum(noise), range(16, 65)) == pytest.approx(1.5, abs=0.03)
    assert math.isnan(scaling_exponent(np.full(100, 3.0), range(4, 17)))
    assert math.isnan(sample_entropy(np.arange(20.0) ** 3, tolerance=0.1))


def test_the_trend_that_is_taken_off_is_tarvainens() -> None:
    """By a sparse solver; neurokit2's second differences lack their last two columns."""
    from scipy import sparse

    rr = made_up(200) + np.linspace(0.0, 100.0, 200)
    bend = sparse.diags([1.0, -2.0, 1.0], [0, 1, 2], shape=(198, 200))
    system = sparse.eye(200) + 500.0**2 * bend.T @ bend
    theirs = rr - sparse.linalg.spsolve(system.tocsc(), rr)
    np.testing.assert_allclose(smoothed_away(rr, 500.0), theirs, atol=1e-6)


def test_alpha_falls_when_the_exercise_gets_hard_and_is_cheap() -> None:
    rng = np.random.default_rng(0)
    easy = 600.0 + np.cumsum(rng.normal(0.0, 3.0, 2_000)) * 0.5
    hard = 400.0 + rng.normal(0.0, 3.0, 3_000)
    rr = np.concatenate([easy, hard])
    start = time.process_time()
    course = windowed_alpha1(rr)
    assert time.process_time() - start < 1.0
    is_hard = course.time_s > easy.sum() / 1000.0 + 120.0
    assert np.nanmin(course.alpha1[course.time_s < easy.sum() / 1000.0]) > 1.0
    assert np.nanmax(course.alpha1[is_hard]) < 0.75
    assert np.nanmean(windowed_alpha1(rr, smoothness=500.0).alpha1[is_hard]) < 0.6


def test_windows_with_holes_or_much_mending_are_not_told() -> None:
    rr = made_up(600, mean_ms=500.0)
    rr[300] = np.nan
    time_s = np.cumsum(np.nan_to_num(rr, nan=500.0)) / 1000.0
    course = windowed_alpha1(rr, time_s)
    has_hole = (course.time_s - 120.0 < time_s[300]) & (course.time_s >= time_s[300])
    np.testing.assert_array_equal(np.isnan(course.alpha1), has_hole)
    mended = np.zeros(600, bool)
    mended[:120] = True
    assert np.isnan(windowed_alpha1(rr, time_s, mended).alpha1[0])
    assert len(windowed_alpha1([]).time_s) == 0


def test_a_wrong_argument_is_named() -> None:
    rr = made_up(300)
    with pytest.raises(StadionError, match="method is 'fft'; expected 'welch' or 'lomb'"):
        frequency_domain(rr, method="fft")  # type: ignore[arg-type]
    with pytest.raises(StadionError, match="window_s is 0"):
        frequency_domain(rr, window_s=0)
    with pytest.raises(StadionError, match="lengths differ"):
        frequency_domain(rr, rr[:-1])
    assert list(BANDS) == ["vlf", "lf", "hf"]
