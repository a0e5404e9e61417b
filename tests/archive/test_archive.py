"""What is kept comes back as it was, once, by its id, its athlete, its sport or its time."""

from __future__ import annotations

import gzip
import os
import sqlite3
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from stadion.archive import Archive
from stadion.core.activity import Activity, Track
from stadion.core.errors import Code, StadionError
from stadion.ingest import open_path
from tests.archive.made_up import START, assert_equal, made_up
from tests.places import shared_data


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive")


def code_of(caught: pytest.ExceptionInfo[StadionError]) -> Code:
    return caught.value.code


@pytest.mark.parametrize(
    "activity",
    [
        made_up(),
        made_up(1, start=None, athlete="", zone="", laps=(), events=()),
        made_up(2, tracks=()),
        made_up(3, tracks=(Track("", np.empty(0), {"power": np.empty(0, np.float32)}),)),
        made_up(4, tracks=(Track("a", np.array([0.0]), {}), Track("b", np.array([0.5]), {}))),
    ],
    ids=["full", "bare", "no tracks", "no samples", "no channels"],
)
def test_an_activity_comes_back_equal(archive: Archive, activity: Activity) -> None:
    assert archive.add(activity)
    assert_equal(archive.get(activity.id), activity)


def test_real_recordings_come_back_equal(archive: Archive) -> None:
    folder = shared_data("B_activity_files", "fit")
    for name in ("fitdecode__garmin-fenix-5-run", "gc__Morning_Swim", "sportslib__7617306288"):
        (activity,) = open_path(folder / f"{name}.fit.gz").activities
        archive.add(activity)
        assert_equal(archive.get(activity.id), activity)


def test_the_same_content_is_kept_once(archive: Archive, tmp_path: Path) -> None:
    path = shared_data("B_activity_files", "fit", "gc__Morning_Swim.fit.gz")
    plain = tmp_path / "copy.fit"
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    assert archive.add(open_path(path).activities[0])
    assert not archive.add(open_path(plain).activities[0])
    assert len(archive) == 1


def test_several_are_added_with_their_duplicates_told(archive: Archive) -> None:
    batch = [made_up(0), made_up(1), made_up(0), made_up(2)]
    assert archive.add_all(batch) == [True, True, False, True]
    twice = made_up(300)
    assert archive.add_all([twice, twice]) == [True, False]
    archive.erase(twice.id)
    assert archive.add_all([made_up(k) for k in range(200)]) == [False] * 3 + [True] * 197
    assert len(archive) == 200


def test_another_opening_of_the_folder_sees_the_same(archive: Archive, tmp_path: Path) -> None:
    archive.add(made_up())
    again = Archive.open(tmp_path / "archive")
    assert_equal(again.get(made_up().id), made_up())


def test_a_beginning_of_the_id_is_enough_when_only_one_has_it(archive: Archive) -> None:
    archive.add_all(made_up(k) for k in range(40))
    activity = made_up(7)
    assert archive.get(activity.id[:10]).id == activity.id
    with pytest.raises(StadionError) as several:
        archive.get("")
    assert code_of(several) is Code.NOT_FOUND
    shared = next(d for d in "0123456789abcdef" if sum(s.id[0] == d for s in archive.find()) > 1)
    with pytest.raises(StadionError) as several:
        archive.get(shared)
    assert code_of(several) is Code.CONFLICT


@pytest.mark.parametrize("unknown", ["f" * 64, "../../etc/passwd", "%", "' or 1=1 --", "A" * 64])
def test_an_unknown_id_is_not_found(archive: Archive, unknown: str) -> None:
    archive.add(made_up())
    for ask in (archive.get, archive.erase, lambda key: archive.streams(key, ["power"])):
        with pytest.raises(StadionError) as caught:
            ask(unknown)
        assert code_of(caught) is Code.NOT_FOUND


def test_an_id_that_is_no_digest_is_not_taken(archive: Archive) -> None:
    with pytest.raises(StadionError) as caught:
        archive.add(made_up(id="../escape"))
    assert code_of(caught) is Code.INVALID


def test_activities_are_found_by_athlete_sport_time_channel_and_label(archive: Archive) -> None:
    archive.add_all([made_up(k) for k in (4, 2, 0, 1, 3, 5)])
    archive.add(made_up(9, start=None, laps=()))

    def starts(**question: object) -> list[int | None]:
        found = archive.find(**question)  # type: ignore[arg-type]
        return [None if f.start is None else (f.start - START).days for f in found]

    assert starts() == [0, 1, 2, 3, 4, 5, None]
    assert starts(limit=2) == [0, 1]
    assert starts(athlete="a1") == [1, 4]
    assert starts(sport="cycling") == [1, 3, 5, None]
    assert starts(athlete="a0", sport="running") == [0]
    assert starts(since=START + timedelta(days=2)) == [2, 3, 4, 5]
    assert starts(until=START + timedelta(days=2)) == [0, 1]
    assert starts(channel="position_lat") == [0, 1, 2, 3, 4, 5, None]
    assert starts(channel="power") == []
    assert starts(label_kind="activity") == [0, 1, 2, 3, 4, 5]
    with pytest.raises(StadionError, match="with a zone"):
        starts(since=START.replace(tzinfo=None))


def test_a_summary_says_what_is_known_without_the_streams(archive: Archive) -> None:
    archive.add(made_up())
    (summary,) = archive.find()
    activity = made_up()
    assert (summary.id, summary.athlete, summary.start) == (
        activity.id,
        activity.athlete,
        activity.start,
    )
    assert summary.channels == activity.channels
    assert summary.labels == (("lap", ""), ("activity", "fartlek"))
    assert summary.duration_s == activity.duration_s
    assert summary.samples == 75
    assert (summary.reader, summary.name, summary.is_partial) == ("fit", "0.fit", True)


def test_undated_cases_of_one_file_keep_their_order(archive: Archive) -> None:
    path = shared_data("A_activity_imu", "uea_basicmotions", "BasicMotions_TRAIN.ts.gz")
    cases = open_path(path).activities
    archive.add_all(cases)
    assert [found.id for found in archive.find()] == [case.id for case in cases]


def test_streams_bring_only_the_channels_asked_for(archive: Archive) -> None:
    activity = made_up()
    archive.add(activity)
    wrist, foot = archive.streams(activity.id, ["heart_rate"])
    assert (wrist.subject, foot.subject) == ("wrist", "foot")
    assert list(wrist.channels) == list(foot.channels) == ["heart_rate"]
    np.testing.assert_array_equal(foot.time_s, activity.tracks[1].time_s)
    (alone,) = archive.streams(activity.id, ["position_lat", "time_s"])
    np.testing.assert_array_equal(alone.channels["time_s"], activity.tracks[0].channels["time_s"])
    with pytest.raises(StadionError, match="none of the channels"):
        archive.streams(activity.id, ["power"])


def test_streams_do_not_read_the_other_columns(archive: Archive, tmp_path: Path) -> None:
    activity = made_up(samples=5000)
    archive.add(activity)
    path = stored(tmp_path)
    damage(path, activity.tracks[0].channels["position_lat"])
    (alone, _) = archive.streams(activity.id, ["heart_rate"])
    np.testing.assert_array_equal(
        alone.channels["heart_rate"], activity.tracks[0].channels["heart_rate"]
    )
    with pytest.raises(StadionError) as caught:
        archive.get(activity.id)
    assert code_of(caught) is Code.INTERNAL
    assert "damaged" in caught.value.message


def test_every_flipped_byte_is_noticed(archive: Archive, tmp_path: Path) -> None:
    activity = made_up()
    archive.add(activity)
    path = stored(tmp_path)
    whole = path.read_bytes()
    for at in range(0, len(whole), len(whole) // 100):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with pytest.raises(StadionError) as caught:
            archive.get(activity.id)
        assert code_of(caught) is Code.INTERNAL


def test_streams_of_a_damaged_file_are_right_or_refused(archive: Archive, tmp_path: Path) -> None:
    activity = made_up()
    archive.add(activity)
    path = stored(tmp_path)
    whole = path.read_bytes()
    refused = 0
    for at in range(0, len(whole), len(whole) // 200):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        try:
            tracks = archive.streams(activity.id, ["heart_rate"])
        except StadionError:
            refused += 1
            continue
        for found, track in zip(tracks, activity.tracks, strict=True):
            np.testing.assert_array_equal(found.time_s, track.time_s)
            np.testing.assert_array_equal(
                found.channels["heart_rate"], track.channels["heart_rate"]
            )
    assert refused > 30


def test_what_is_erased_is_gone_from_the_disk(archive: Archive, tmp_path: Path) -> None:
    secret = made_up(0, athlete="canary-4711", sport="canary-sport")
    archive.add(secret)
    archive.add(made_up(1))
    archive.erase(secret.id)
    assert len(archive) == 1
    with pytest.raises(StadionError):
        archive.get(secret.id)
    assert archive.add(secret), "an erased activity may come again"
    archive.erase(secret.id)
    for file in (tmp_path / "archive").rglob("*"):
        assert not file.is_file() or b"canary" not in file.read_bytes()


def test_orphans_are_swept_when_they_are_old(archive: Archive, tmp_path: Path) -> None:
    archive.add(made_up())
    streams = tmp_path / "archive" / "streams"
    old, young = streams / ("a" * 64 + ".parquet"), streams / "b.tmp"
    for file in (old, young):
        file.write_bytes(b"left behind")
    an_hour_ago = time.time() - 3600
    os.utime(old, (an_hour_ago, an_hour_ago))
    Archive.open(tmp_path / "archive")
    assert not old.exists()
    assert young.exists()
    assert_equal(archive.get(made_up().id), made_up())


def test_a_file_that_is_missing_is_named(archive: Archive, tmp_path: Path) -> None:
    archive.add(made_up())
    stored(tmp_path).unlink()
    with pytest.raises(StadionError, match="is missing") as caught:
        archive.get(made_up().id)
    assert code_of(caught) is Code.INTERNAL


def test_a_catalogue_that_is_none_is_an_error_of_the_house(tmp_path: Path) -> None:
    (tmp_path / "catalogue.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StadionError) as caught:
        Archive.open(tmp_path)
    assert code_of(caught) is Code.INTERNAL


def test_a_catalogue_of_a_later_stadion_is_not_touched(tmp_path: Path) -> None:
    Archive.open(tmp_path)
    with sqlite3.connect(tmp_path / "catalogue.sqlite") as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StadionError) as caught:
        Archive.open(tmp_path)
    assert code_of(caught) is Code.UNSUPPORTED


def test_a_folder_that_cannot_be_made_is_an_error_of_the_house(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StadionError) as caught:
        Archive.open(tmp_path / "file" / "archive")
    assert code_of(caught) is Code.UNAVAILABLE


def test_the_catalogue_keeps_a_rollback_journal_and_syncs_in_full(tmp_path: Path) -> None:
    Archive.open(tmp_path).add(made_up())
    with sqlite3.connect(tmp_path / "catalogue.sqlite") as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert not list(tmp_path.glob("*-wal"))


def stored(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "archive" / "streams").glob("*.parquet")
    return path


def damage(path: Path, values: object) -> None:
    """Break the pages of the column whose values these are."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        chunk = file.metadata.row_group(0).column(names.index("position_lat"))
        at = chunk.data_page_offset + chunk.total_compressed_size // 2
    data = bytearray(path.read_bytes())
    data[at : at + 40] = bytes(x ^ 0xFF for x in data[at : at + 40])
    path.write_bytes(bytes(data))
