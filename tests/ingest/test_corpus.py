"""Every one of the 219 real activity files comes in, or is refused for a reason."""

from __future__ import annotations

import re

import pytest

from stadion.ingest import Opened, open_path
from tests.ingest.real_files import index, raw
from tests.places import shared_data

REFUSED = {
    "fit/gc__._activity_2677977976.fit": "AppleDouble",
    "fit/sportslib__empty-sessions.fit": "an empty file",
    "fit/tormoder__Settings2.fit": "type 'settings'",
    "gpx/gc__A_ride_mapped_on_11_22_2011.gpx": "9722 points without times",
    "gpx/gc__MetadataOnly.gpx": "without any track point",
    "gpx/gpxpy__Mojstrovka.gpx": "184 points without times",  # a clock that stood at 1901
    "gpx/gpxpy__custom_schema_locations.gpx": "without any track point",
    "gpx/gpxpy__gpx1.1_with_extensions_without_namespaces.gpx": "route or way points",
    "gpx/gpxpy__gpx_with_garmin_extension.gpx": "route or way points",
    "gpx/gpxpy__route.gpx": "route or way points",
    "gpx/gpxpy__track_with_dilution_errors.gpx": "without times",
    "gpx/gpxpy__unicode.gpx": "route or way points",
    "gpx/gpxpy__unicode_with_bom.gpx": "route or way points",
    "index.csv": "no time column",
    "tcx/gc__._activity_2677977976.tcx": "AppleDouble",
}


@pytest.fixture(scope="module")
def corpus() -> Opened:
    return open_path(shared_data("B_activity_files"))


def short(name: str) -> str:
    return name.partition("/")[2]


def test_what_is_refused_is_refused_for_its_reason(corpus: Opened) -> None:
    refused = {short(refusal.name): refusal.reason for refusal in corpus.refused}
    assert refused.keys() == REFUSED.keys()
    for name, reason in REFUSED.items():
        assert reason in refused[name], name


def test_every_other_file_comes_in(corpus: Opened) -> None:
    came = {short(activity.source.name) for activity in corpus.activities}
    assert came == index().keys() - REFUSED.keys()


def test_no_record_is_lost_without_being_counted(corpus: Opened) -> None:
    for kind in ("fit", "tcx", "gpx"):
        for name, row in index().items():
            mine = [a for a in corpus.activities if short(a.source.name) == name]
            if not mine or not name.startswith(kind) or row["reader_status"] != "ok":
                continue
            tracks = [track for activity in mine for track in activity.tracks]
            rows = sum(len(track) for track in tracks if track.subject != "beats")
            counted = sum(
                repair.count
                for activity in mine
                for repair in activity.source.repairs
                if "without a time" in repair.what
            )
            # A track without any time is dropped whole: its points are not counted one by one.
            whole = any("tracks without" in r.what for a in mine for r in a.source.repairs)
            # Rows of one moment are one row: what differs between them is counted, the rest lost
            # nothing.
            assert rows + counted <= int(row["n_records"]), name
            assert rows + counted >= moments(name) or whole, name


def moments(name: str) -> int:
    """How many different times the points of an XML file have, told without a reader of ours.

    FIT's records are held against fitdecode's elsewhere, one by one.
    """
    if name.startswith("fit"):
        return 0
    text = raw(name).decode("utf-8", "replace")
    times = re.findall(r"<(?:trkpt|Trackpoint)\b.*?<[Tt]ime>\s*([^<]+?)\s*<", text, re.DOTALL)
    return len(set(times))


def test_ids_are_unique_and_tracks_are_sound(corpus: Opened) -> None:
    assert len({activity.id for activity in corpus.activities}) == len(corpus.activities)
    for activity in corpus.activities:
        assert activity.source.digest
        assert activity.start is None or activity.start.year >= 1990
        assert activity.tracks or activity.laps
