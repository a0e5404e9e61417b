"""What is erased is gone: no byte of it is left in the folder, and nobody else loses any."""

from __future__ import annotations

import struct
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stadion.archive import Archive, Tables
from stadion.core.activity import Activity, Source, Table, Track
from stadion.core.errors import Code, StadionError
from stadion.core.profile import Profile
from tests.archive.made_up import assert_equal, made_up
from tests.archive.outings import body, recorded, route

TRACE = "Zanzibar-4711"
PLACE = struct.pack("<d", 12.345678901234)
"""A position as it would lie in a file or a database."""


def leaks(folder: Path) -> list[str]:
    """Files in which something of the erased recordings is still to be read."""
    return [
        file.name
        for file in folder.rglob("*")
        if file.is_file()
        and any(trace in file.read_bytes() for trace in (TRACE.encode(), PLACE, b"12.34567890123"))
    ]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive")


def secret(number: int = 0, **changed: Any) -> Activity:
    lat = np.full(600, 12.345678901234)
    streams = {"position_lat": lat, "heart_rate": body(600)["heart_rate"]}
    given: dict[str, Any] = {"title": TRACE, "athlete": TRACE, "profile": Profile(mass_kg=61.5)}
    return recorded(streams, f"{TRACE} {number}", **(given | changed))


def test_the_test_would_see_a_leak(archive: Archive, tmp_path: Path) -> None:
    archive.add(secret())
    assert len(leaks(tmp_path)) == 2, "the catalogue and the recording's file"


def test_no_byte_of_an_erased_workout_is_left(archive: Archive, tmp_path: Path) -> None:
    mine, twin = secret(), secret(1, source=Source("tcx", "b" * 64, TRACE))
    archive.add_all([mine, twin, made_up(1)])
    id = archive.find(athlete=TRACE)[0].id
    assert len(archive.recordings(id)) == 2
    archive.edit(id, {"title": f"{TRACE} again"}, TRACE)
    archive.erase(archive.recordings(id)[1])
    assert leaks(tmp_path) == []
    assert len(archive) == 1
    assert len(list((tmp_path / "archive" / "streams").iterdir())) == 1
    with pytest.raises(StadionError) as caught:
        archive.history(id)
    assert caught.value.code is Code.NOT_FOUND


def test_an_erased_athlete_is_gone_with_all_that_is_his(archive: Archive, tmp_path: Path) -> None:
    lone = secret(2, ahead_s=90_000.0)
    archive.add_all([secret(), lone, made_up(0), made_up(1)])
    archive.profiles.set(TRACE, date(2025, 1, 1), Profile(ftp_w=250), TRACE)
    archive.profiles.set("a0", date(2025, 1, 1), Profile(ftp_w=200), "test")
    assert archive.erase_athlete(TRACE) == 3
    assert leaks(tmp_path) == []
    assert archive.profiles.athletes() == ["a0", "a1"]
    assert_equal(archive.get(made_up(0).id), made_up(0))
    assert archive.profiles.on("a0") == Profile(ftp_w=200)
    assert archive.erase_athlete(TRACE) == 0


def test_what_was_given_to_another_stays_without_the_name(archive: Archive, tmp_path: Path) -> None:
    activity = made_up(0, athlete=TRACE)
    archive.add(activity)
    archive.edit(activity.id, {"athlete": "eve"}, "ada")
    assert archive.erase_athlete(TRACE) == 0
    assert leaks(tmp_path) == []
    assert archive.get(activity.id).athlete == "eve"
    assert archive.recording(activity.id).athlete == ""
    np.testing.assert_array_equal(
        archive.get(activity.id).tracks[0].time_s, activity.tracks[0].time_s
    )


def test_parted_recordings_are_erased_each_for_itself(archive: Archive) -> None:
    way, me = route(600), body(600)
    watch, phone = recorded(way | me, "watch"), recorded(way, "phone", "gpx")
    archive.add_all([watch, phone])
    archive.part(phone.id, "ada")
    archive.erase(phone.id)
    assert archive.recordings(watch.id) == [watch.id]
    assert archive.add(phone), "erased, it may come again"
    assert len(archive) == 1, "and is a twin again: nobody is left who parted it"


def test_an_erased_recording_s_own_profile_is_gone(archive: Archive) -> None:
    archive.add(secret(athlete="ada"))
    assert archive.profiles.on("ada").mass_kg == 61.5
    archive.erase(archive.find()[0].id)
    assert archive.profiles.on("ada") == Profile()
    assert archive.profiles.history("ada") == []


def test_a_person_s_rows_go_from_tables(tmp_path: Path) -> None:
    def days(digest: str, *people: str) -> Table:
        columns = {"person": np.array(people), "steps": np.arange(float(len(people)))}
        return Table("days", columns, {"person": "", "steps": "1"}, Source("x", digest * 64, "d"))

    shelf = Tables(tmp_path / "tables")
    shelf.add_all([days("a", TRACE, "ben", TRACE), days("b", TRACE), days("c", "ben")])
    assert shelf.erase_person(TRACE) == 3
    assert leaks(tmp_path) == []
    assert sorted(table.columns["steps"].tolist() for table in shelf.read()) == [[0.0], [1.0]]
    assert shelf.add_all([days("a", TRACE, "ben", TRACE)]) == [False], "he does not come back"
    assert shelf.erase_person("nobody") == 0


def test_a_place_in_a_track_is_seen_by_the_test(tmp_path: Path) -> None:
    track = Track("", np.arange(3.0), {"position_lat": np.full(3, 12.345678901234)})
    (tmp_path / "x").write_bytes(track.channels["position_lat"].tobytes())
    assert leaks(tmp_path) == ["x"]
