"""An archive that an earlier Stadion made opens, and knows then what it lacks."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from stadion.archive import Archive
from stadion.archive.document import document_of
from stadion.archive.rows import microseconds
from stadion.archive.streams import write_activity
from stadion.core.activity import Activity
from tests.archive.made_up import assert_equal, made_up
from tests.archive.outings import body, recorded, route

# The tables as the first release with an archive made them.
SCHEMA_1 = """
CREATE TABLE activities (
    id VARCHAR NOT NULL, athlete VARCHAR NOT NULL, sport VARCHAR NOT NULL, start_us BIGINT,
    duration_s DOUBLE NOT NULL, samples INTEGER NOT NULL, reader VARCHAR NOT NULL,
    name VARCHAR NOT NULL, is_partial BOOLEAN NOT NULL, file_digest VARCHAR NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_activities_athlete ON activities (athlete);
CREATE INDEX ix_activities_sport ON activities (sport);
CREATE INDEX ix_activities_start_us ON activities (start_us);
CREATE TABLE channels (
    activity_id VARCHAR NOT NULL, name VARCHAR NOT NULL, place INTEGER NOT NULL,
    PRIMARY KEY (activity_id, name),
    FOREIGN KEY(activity_id) REFERENCES activities (id) ON DELETE CASCADE
);
CREATE INDEX ix_channels_name ON channels (name);
CREATE TABLE labels (
    activity_id VARCHAR NOT NULL, kind VARCHAR NOT NULL, label VARCHAR NOT NULL,
    place INTEGER NOT NULL, PRIMARY KEY (activity_id, kind, label),
    FOREIGN KEY(activity_id) REFERENCES activities (id) ON DELETE CASCADE
);
CREATE INDEX ix_labels_kind ON labels (kind);
PRAGMA user_version = 1;
"""


def of_schema_1(folder: Path, *activities: Activity) -> None:
    """A folder as that release left it; its documents lack what came later too."""
    (folder / "streams").mkdir(parents=True)
    with sqlite3.connect(folder / "catalogue.sqlite") as database:
        database.executescript(SCHEMA_1)
        for a in activities:
            digest = write_activity(folder / "streams" / f"{a.id}.parquet", a)
            start = None if a.start is None else microseconds(a.start)
            database.execute(
                "INSERT INTO activities VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (a.id, a.athlete, a.sport, start, a.duration_s, sum(map(len, a.tracks)),
                 a.source.reader, a.source.name, a.source.is_partial, digest),
            )  # fmt: skip
            database.executemany(
                "INSERT INTO channels VALUES (?, ?, ?)",
                [(a.id, name, k) for k, name in enumerate(a.channels)],
            )


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    later = ("sub_sport", "device", "title", "flags", "profile", "crs")

    def as_it_was(activity: Activity) -> str:
        known = json.loads(document_of(activity))
        return json.dumps({name: value for name, value in known.items() if name not in later})

    monkeypatch.setattr("stadion.archive.streams.document_of", as_it_was)
    way = route(600) | body(600)
    of_schema_1(
        tmp_path / "archive",
        made_up(0),
        made_up(1, start=None),
        recorded(way, "watch"),
        recorded(way, "copy", "tcx"),
    )
    monkeypatch.undo()
    return tmp_path / "archive"


def test_an_old_archive_opens_with_all_that_is_in_it(old: Path) -> None:
    archive = Archive.open(old)
    assert len(archive) == 4
    assert_equal(archive.get(made_up(0).id), made_up(0))
    assert [found.start for found in archive.find(is_fresh=False)][-1] is None
    archive.erase(made_up(0).id)
    assert archive.add(made_up(0))


def test_what_it_lacks_is_measured_when_it_is_asked_for(old: Path) -> None:
    archive = Archive.open(old)
    (watch, _) = [found for found in archive.find(channel="power") if found.start]
    assert watch.metrics["power_max_w"] == body(600)["power"].max()
    assert str(watch.day) == "2025-06-01"
    assert archive.best_curve("")[0] == body(600)["power"].max()


def test_old_doubles_are_recognised_on_request_and_new_ones_by_themselves(old: Path) -> None:
    archive = Archive.open(old)
    assert archive.recognise() == 1
    assert len(archive) == 3
    assert archive.recognise() == 0
    archive.add(recorded(route(600), "phone", "gpx"))
    assert len(archive) == 3


def test_opening_it_again_changes_nothing(old: Path) -> None:
    Archive.open(old)
    with sqlite3.connect(old / "catalogue.sqlite") as database:
        dump = list(database.iterdump())
        assert database.execute("PRAGMA user_version").fetchone() == (2,)
    Archive.open(old)
    with sqlite3.connect(old / "catalogue.sqlite") as database:
        assert list(database.iterdump()) == dump


def test_the_old_tables_become_those_of_a_new_archive(old: Path, tmp_path: Path) -> None:
    Archive.open(old)
    Archive.open(tmp_path / "new")
    columns = [
        sorted(
            (table, row[1], row[2], row[3])
            for table in ("activities", "channels", "labels", "edits", "apart", "profiles")
            for row in sqlite3.connect(folder / "catalogue.sqlite").execute(
                f"PRAGMA table_info({table})"
            )
        )
        for folder in (old, tmp_path / "new")
    ]
    assert columns[0] == columns[1]
