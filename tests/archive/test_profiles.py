"""What is known of an athlete holds from its day on; metrics follow it, a workout counts once."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stadion.archive import Archive
from stadion.core.activity import Activity
from stadion.core.errors import StadionError
from stadion.core.profile import Profile
from tests.archive.made_up import made_up
from tests.archive.outings import BEGIN, body, recorded, route

DAY = BEGIN.date()


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive")


def ride(number: int, days: int = 0, **changed: Any) -> Activity:
    streams = route(2400, number) | body(2400)
    given: dict[str, Any] = {"sport": "cycling", "athlete": "ada", "ahead_s": 86_400.0 * days}
    return recorded(streams, f"ride {number}", **(given | changed))


def test_each_field_has_its_latest_value(archive: Archive) -> None:
    profiles = archive.profiles
    profiles.set("ada", date(2025, 1, 1), Profile(ftp_w=240, mass_kg=61, sex="female"), "lab")
    profiles.set("ada", date(2025, 3, 1), Profile(ftp_w=250), "test")
    profiles.set("ada", date(2025, 2, 1), Profile(mass_kg=60), "scale")
    profiles.set("ada", date(2025, 3, 1), Profile(ftp_w=255), "corrected")
    profiles.set("ben", date(2025, 1, 1), Profile(ftp_w=100), "lab")
    assert profiles.on("ada", date(2024, 12, 31)) == Profile()
    assert profiles.on("ada", date(2025, 2, 1)) == Profile(ftp_w=240, mass_kg=60, sex="female")
    assert profiles.on("ada") == Profile(ftp_w=255, mass_kg=60, sex="female")
    told = [(fact.day.month, fact.source) for fact in profiles.history("ada")]
    assert told == [(1, "lab"), (2, "scale"), (3, "test"), (3, "corrected")]
    assert profiles.athletes() == ["ada", "ben"]


def test_what_files_say_counts_less_than_what_people_say(archive: Archive) -> None:
    archive.add_all(
        [
            ride(1, 1, profile=Profile(mass_kg=70, hr_max_bpm=190)),
            ride(2, 9, profile=Profile(mass_kg=71)),
        ]
    )
    profiles = archive.profiles
    assert profiles.on("ada", DAY) == Profile()
    assert profiles.on("ada", DAY + timedelta(5)) == Profile(mass_kg=70, hr_max_bpm=190)
    assert profiles.on("ada") == Profile(mass_kg=71, hr_max_bpm=190)
    profiles.set("ada", date(2020, 1, 1), Profile(mass_kg=65), "scale")
    assert profiles.on("ada") == Profile(mass_kg=65, hr_max_bpm=190)
    assert [fact.source for fact in profiles.history("ada")] == ["scale", "file", "file"]


@pytest.mark.parametrize("source", ["file", ""])
def test_a_profile_says_something_and_who_says_it(archive: Archive, source: str) -> None:
    with pytest.raises(StadionError, match="source is"):
        archive.profiles.set("ada", DAY, Profile(ftp_w=200), source)
    with pytest.raises(StadionError, match="says nothing"):
        archive.profiles.set("ada", DAY, Profile(), "ada")


def test_metrics_follow_the_profile_of_their_day(archive: Archive) -> None:
    archive.add_all([ride(1, 0), ride(2, 10)])
    assert all("load" not in found.metrics for found in archive.find())
    archive.profiles.set("ada", DAY + timedelta(5), Profile(ftp_w=200), "test")
    before, after = archive.find()
    assert "load" not in before.metrics
    weighted = after.metrics["weighted_power_w"]
    assert after.metrics["intensity"] == pytest.approx(weighted / 200, rel=1e-5)
    archive.profiles.set("ada", DAY + timedelta(6), Profile(ftp_w=250), "test")
    assert archive.find()[1].metrics["intensity"] == pytest.approx(weighted / 250, rel=1e-5)


def test_a_ride_that_comes_later_is_measured_with_what_is_known(archive: Archive) -> None:
    archive.profiles.set("ada", DAY, Profile(ftp_w=200), "test")
    archive.add(ride(1, 3))
    (found,) = archive.find()
    assert found.metrics["load"] > 0
    archive.edit(found.id, {"athlete": "eve"}, "ada")
    assert "load" not in archive.find()[0].metrics, "nothing is known of eve"


def test_a_summary_holds_what_a_list_shows(archive: Archive) -> None:
    way, me = route(2400), body(2400)
    archive.add(
        recorded(way | me, "watch", zone="Pacific/Auckland", title="Bay", sub_sport="trail")
    )
    (found,) = archive.find()
    assert (found.title, found.sub_sport, found.device) == ("Bay", "trail", "watch")
    assert found.day == DAY, "half past six in the evening there"
    assert found.elapsed_s == 2399
    assert found.moving_s is not None
    assert found.timer_s is not None
    assert found.moving_s <= found.timer_s <= found.elapsed_s
    assert found.distance_m == pytest.approx(way["distance"][-1], rel=0.01)
    assert found.metrics["heart_rate_bpm"] == pytest.approx(me["heart_rate"].mean(), abs=0.1)
    assert all(np.isfinite(value) for value in found.metrics.values())


def test_loads_of_days_have_no_gap_and_count_twins_once(archive: Archive) -> None:
    archive.profiles.set("ada", date(2025, 1, 1), Profile(ftp_w=200), "test")
    streams = route(2400, 1) | body(2400)
    archive.add_all([ride(1, 0), ride(3, 4)])
    once = archive.daily_loads("ada")
    archive.add(recorded(streams, "copy", "tcx", sport="cycling", athlete="ada"))
    assert len(archive) == 2
    loads = archive.daily_loads("ada")
    assert [str(day) for day in loads.days] == [str(DAY + timedelta(k)) for k in range(5)]
    np.testing.assert_allclose(loads.loads, once.loads)
    assert (loads.loads > 0).tolist() == [True, False, False, False, True]
    wider = archive.daily_loads("ada", DAY - timedelta(2), DAY + timedelta(1))
    assert wider.loads.tolist() == pytest.approx([0, 0, loads.loads[0], 0])
    metres = archive.daily_loads("ada", metric="distance_m")
    assert metres.loads[0] == pytest.approx(streams["distance"][-1], rel=0.01)
    assert len(archive.daily_loads("nobody").days) == 0


def test_the_best_curve_is_the_best_of_all_days(archive: Archive) -> None:
    archive.add_all([ride(1, 0), ride(2, 40)])
    curves = [archive.best_curve("ada", day, day) for day in (DAY, DAY + timedelta(40))]
    both = archive.best_curve("ada")
    np.testing.assert_array_equal(both, np.fmax(*curves))
    assert both[0] == body(2400)["power"].max()
    assert np.isnan(archive.best_curve("ada", channel="speed", sport="running")).all()


def test_undated_recordings_have_no_day_and_no_load(archive: Archive) -> None:
    archive.add_all([made_up(0, start=None), recorded(body(), "trainer", start=None)])
    assert all(found.day is None for found in archive.find())
    assert len(archive.daily_loads("").days) == 0
    assert archive.find(channel="power")[0].metrics["power_max_w"] > 0
