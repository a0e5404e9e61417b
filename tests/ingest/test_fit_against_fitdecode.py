"""What a strap has stored, and what the corpus's index counts, by other programs than ours."""

from __future__ import annotations

import numpy as np
import pytest

from stadion.core.activity import Activity
from tests.ingest.compare_fit import healthy, unexplained
from tests.ingest.real_files import index, only, raw, read_bytes

WHOLE = (
    "fitdecode__garmin-fenix-5-run",
    "gc__10kUNLP2014-Garmin15",
    "gc__lap_swim_test_FR920xt",
    "gc__moxy",
    "tormoder__0134902991",
    "tormoder__compressed-speed-distance",
)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files_say_the_same_as_to_fitdecode(name: str) -> None:
    assert unexplained(raw(f"fit/{name}.fit")) == []


def test_laps_sessions_and_sports_are_those_of_the_index() -> None:
    for name, data in healthy():
        recording, row = only(read_bytes("fit", data)), index()[name]
        kinds = [lap.kind for lap in recording.laps]
        assert kinds.count("lap") == int(row["n_laps"]), name
        assert kinds.count("session") == int(row["n_sessions"]), name
        sports = set(row["sports"].split()) - {"transition"}
        if sports:
            assert recording.sport == (row["sports"] if len(sports) < 2 else "multisport"), name


@pytest.mark.parametrize(
    ("fit", "tcx"),
    [
        ("sportslib__6860712481", "sportslib__6860712481"),
        ("gc__GarminHRMswim", "gc__GarminHRMswim"),
    ],
)
def test_heart_rates_stored_by_the_strap_agree_with_the_makers_own_export(
    fit: str, tcx: str
) -> None:
    swum, exported = (
        only(read_bytes("fit", raw(f"fit/{fit}.fit"))),
        only(read_bytes("tcx", raw(f"tcx/{tcx}.tcx"))),
    )
    ours, theirs = heart_rates(swum), heart_rates(exported)
    common = sorted(ours.keys() & theirs.keys())
    difference = np.array([ours[t] - theirs[t] for t in common])
    assert len(common) > 2000
    assert np.abs(difference).mean() < 0.5  # bpm: the maker rounds between beats
    assert np.abs(difference).max() <= 5


def heart_rates(recording: Activity) -> dict[float, float]:
    assert recording.start is not None
    zero = recording.start.timestamp()
    track = recording.tracks[0]
    pairs = zip(track.time_s, track.channels["heart_rate"], strict=True)
    return {round(zero + t): float(rate) for t, rate in pairs if np.isfinite(rate)}
