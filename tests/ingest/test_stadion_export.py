"""What Stadion gives out as JSON comes in again as it was."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from stadion.archive.exporting import export
from stadion.core.activity import Activity, Event, Lap, Repair, Source, Track
from stadion.core.errors import Code, StadionError
from stadion.core.profile import Profile
from stadion.ingest.base import Member
from stadion.ingest.stadion_export import PLUGIN

HEART = np.array([120.5, np.nan, 131], np.float32)
BEATS = Track("beats", np.array([0.4, 1.25]), {"rr": np.array([700, 850], np.float32)})
RUN = Activity(
    id="5" * 64,
    athlete="ada",
    sport="running",
    start=datetime(2024, 5, 1, 6, tzinfo=UTC),
    tracks=(Track("", np.array([0.0, 0.1, 7.0]), {"heart_rate": HEART}), BEATS),
    source=Source("fit", "d" * 64, "a.fit", (Repair("bytes lost", 7),)),
    zone="Europe/Paris",
    laps=(Lap(0.0, 7.0, "session", "running", {"distance_m": 21.5, "ascent_m": np.nan}),),
    events=(Event(0.0, "timer", "start"),),
    sub_sport="trail",
    device="garmin fenix5",
    title="Around the lake",
    profile=Profile(ftp_w=250.0, sex="female"),
)


def test_an_export_comes_in_as_it_was() -> None:
    (read,) = PLUGIN.read([Member.of("run.json", export(RUN, "json"))])
    assert isinstance(read, Activity)
    for name in ("athlete", "sport", "start", "zone", "events", "sub_sport", "device", "title",
                 "profile"):  # fmt: skip
        assert getattr(read, name) == getattr(RUN, name), name
    assert read.source.repairs == RUN.source.repairs
    assert read.source.is_partial
    assert read.laps[0].values["distance_m"] == 21.5
    assert np.isnan(read.laps[0].values["ascent_m"])
    for ours, theirs in zip(read.tracks, RUN.tracks, strict=True):
        assert ours.subject == theirs.subject
        assert ours.time_s.tolist() == theirs.time_s.tolist()
        for channel, values in theirs.channels.items():
            assert ours.channels[channel].dtype == values.dtype
            np.testing.assert_array_equal(ours.channels[channel], values)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"120.5", b'"fast"'),
        (b"120.5", b"[1]"),
        (b"120.5,null", b"120.5"),
        (b"[0.0,0.1,7.0]", b"[0.0,0.1,0.1]"),
        (b'"float32"', b'"object"'),
        (b"2024-05-01T06", b"2024-25-01T06"),
        (b'"ftp_w":250.0', b'"ftp_w":9e9'),
        (b'"tracks"', b'"trucks"'),
    ],
)
def test_an_export_that_was_changed_is_refused_with_a_reason(before: bytes, after: bytes) -> None:
    data = export(RUN, "json")
    assert before in data
    with pytest.raises(StadionError) as caught:
        PLUGIN.read([Member.of("run.json", data.replace(before, after))])
    assert caught.value.code is Code.INVALID
