"""Workouts are edited with a history, taken apart and joined; nothing of the files changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stadion.archive import Archive
from stadion.core.activity import Lap
from stadion.core.errors import Code, StadionError
from tests.archive.made_up import assert_equal, made_up
from tests.archive.outings import body, recorded, route


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive")


@pytest.fixture
def pair(archive: Archive) -> tuple[str, str]:
    """A watch and a phone that are one workout; the watch leads."""
    way, me = route(600), body(600)
    watch = recorded(way | me, "watch")
    phone = recorded(way, "phone", "gpx", noise=0.5)
    archive.add_all([phone, watch])
    return watch.id, phone.id


def test_what_is_edited_is_seen_everywhere_but_in_the_recording(archive: Archive) -> None:
    archive.add(made_up())
    id = made_up().id
    summary = archive.edit(id, {"title": "Dawn", "sport": "walking", "athlete": "eve"}, "ada")
    assert (summary.title, summary.sport, summary.athlete) == ("Dawn", "walking", "eve")
    now = archive.get(id)
    assert (now.title, now.sport, now.athlete) == ("Dawn", "walking", "eve")
    assert [found.id for found in archive.find(sport="walking", athlete="eve")] == [id]
    assert archive.find(sport="running") == []
    assert_equal(archive.recording(id), made_up())


def test_the_history_tells_who_changed_what_and_grows_only(archive: Archive) -> None:
    archive.add(made_up())
    id = made_up().id
    archive.edit(id, {"title": "One"}, "ada")
    archive.edit(id, {"title": "Two", "sport": "running"}, "ben")
    archive.edit(id, {"title": ""}, "ada")
    lines = archive.history(id)
    assert [(line.who, line.field, line.before, line.after) for line in lines] == [
        ("ada", "title", "", "One"),
        ("ben", "title", "One", "Two"),
        ("ada", "title", "Two", ""),
    ]
    assert lines == sorted(lines, key=lambda line: line.at)
    assert_equal(archive.get(id), made_up())


def test_laps_are_edited_and_come_back(archive: Archive) -> None:
    archive.add(made_up(laps=()))
    id = made_up().id
    archive.edit(id, {"laps": [{"start_s": 0, "end_s": 9, "values": {"power_w": 200}}]}, "ada")
    assert archive.get(id).laps == (Lap(0, 9, values={"power_w": 200.0}),)
    (summary,) = archive.find(label_kind="lap")
    assert summary.labels == (("lap", ""),)
    archive.edit(id, {"laps": archive.history(id)[0].before}, "ada")
    assert archive.get(id).laps == ()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "no change"),
        ({"start": "now"}, "'start' cannot be edited; expected title, sport"),
        ({"title": 5}, "title is '5'; expected a text"),
        ({"title": "x" * 501}, "at most 500"),
        ({"laps": "all"}, "laps is no list"),
        ({"laps": [{"start_s": 1}]}, r"laps\[0\] is no lap"),
        ({"laps": [{"start_s": 2, "end_s": 1}]}, "expected start <= end"),
        ({"laps": [{"start_s": "a", "end_s": 1}]}, "numbers are expected"),
    ],
)
def test_what_cannot_be_edited_is_named(
    archive: Archive, changes: dict[str, object], told: str
) -> None:
    archive.add(made_up())
    with pytest.raises(StadionError, match=told) as caught:
        archive.edit(made_up().id, changes, "ada")
    assert caught.value.code is Code.INVALID
    assert archive.history(made_up().id) == []


def test_a_twin_s_id_leads_to_the_workout(archive: Archive, pair: tuple[str, str]) -> None:
    watch, phone = pair
    for id in (watch, phone, phone[:16]):
        assert archive.get(id).id == watch
        assert archive.recordings(id) == [watch, phone]
        assert archive.streams(id, ["power"])[0].subject == ""
    archive.edit(phone, {"title": "Lake"}, "ada")
    assert archive.get(watch).title == "Lake"
    assert [line.field for line in archive.history(watch)] == ["join", "title"]
    assert archive.recording(phone).source.reader == "gpx"
    assert len(archive) == archive.count() == len(archive.find()) == 1


def test_recordings_taken_apart_stay_apart(archive: Archive, pair: tuple[str, str]) -> None:
    watch, phone = pair
    archive.part(phone, "ada")
    assert len(archive) == 2
    assert archive.get(phone).channels == archive.recording(phone).channels
    assert set(archive.find(channel="power")[0].channels) == set(archive.get(watch).channels)
    assert not archive.add(archive.recording(phone))
    # A third of the same workout joins one of them, never both.
    third = recorded(route(600) | body(600), "third", "tcx")
    archive.add(third)
    assert len(archive) == 2
    assert archive.recordings(phone) == [phone]
    assert set(archive.recordings(watch)) == {watch, third.id}
    (line,) = [line for line in archive.history(phone) if line.field == "part"]
    assert line.who == "ada"
    assert set(line.before) == {watch, phone}


def test_what_was_taken_apart_can_be_joined_again(archive: Archive, pair: tuple[str, str]) -> None:
    watch, phone = pair
    archive.part(phone, "ada")
    assert archive.join([phone, watch], "ben") == watch
    assert archive.recordings(phone) == [watch, phone]
    assert [line.who for line in archive.history(watch)][-1] == "ben"


def test_the_leading_one_can_be_taken_out_too(archive: Archive, pair: tuple[str, str]) -> None:
    watch, phone = pair
    archive.part(watch, "ada")
    assert archive.recordings(phone) == [phone]
    assert "power" not in archive.get(phone).channels
    assert "power" in archive.get(watch).channels


def test_what_cannot_be_joined_or_taken_apart_is_told(
    archive: Archive, pair: tuple[str, str]
) -> None:
    other = recorded(route(600, 5), "other", athlete="ben", ahead_s=90_000)
    named = recorded(route(600, 6), "named", athlete="ada", ahead_s=200_000)
    undated = made_up(9, start=None)
    archive.add_all([other, named, undated])
    for ids, code in (
        ([pair[0], pair[1]], Code.INVALID),
        ([pair[0], undated.id], Code.INVALID),
        ([other.id, named.id], Code.CONFLICT),
        ([pair[0], "f" * 64], Code.NOT_FOUND),
    ):
        with pytest.raises(StadionError) as caught:
            archive.join(ids, "ada")
        assert caught.value.code is code
    with pytest.raises(StadionError, match="nothing to take apart"):
        archive.part(other.id, "ada")


def test_strangers_can_be_joined_by_hand(archive: Archive) -> None:
    """A chest strap that was started with the watch, where nothing shared tells."""
    way, me = route(600), body(600)
    watch, strap = recorded(way, "watch"), recorded({"heart_rate": me["heart_rate"]}, "strap")
    archive.add_all([watch, strap])
    assert len(archive) == 2
    id = archive.join([watch.id, strap.id], "ada")
    np.testing.assert_array_equal(
        archive.get(id).tracks[0].channels["heart_rate"], me["heart_rate"]
    )
    archive.part(strap.id, "ada")
    assert len(archive) == 2


def test_pages_follow_each_other(archive: Archive) -> None:
    archive.add_all([made_up(k % 7, id=f"{k:064x}") for k in range(20)])
    archive.add_all([made_up(k, start=None, id=f"{k:064x}") for k in range(30, 35)])
    whole = [found.id for found in archive.find()]
    for newest in (False, True):
        pages: list[str] = []
        while page := archive.find(
            limit=6, after=pages[-1] if pages else None, is_newest_first=newest
        ):
            pages += [found.id for found in page]
        assert sorted(pages) == sorted(whole)
        assert pages == [found.id for found in archive.find(is_newest_first=newest)]
