"""Every reader keeps the contract that ships with the room."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import stadion.ingest
from stadion.core.plugins import Cupboard, checks_in
from stadion.ingest import checks, open_bytes
from stadion.ingest.base import Member, Reader

READERS = Cupboard[Reader]("stadion.ingest")
CHECKS = checks_in(checks)


def test_the_readers_are_those_of_the_design() -> None:
    assert READERS.names() == [
        "apple_health", "barbell_metawear", "ble_heart_rate", "coachai_track2", "csv",
        "exercise_pose", "fit", "fit_csv", "fitbit_export", "fitbit_mturk", "football_odds",
        "garmin_export", "gpx", "hrm", "ibike", "intl_football", "lifesnaps", "morning_hrv",
        "nba_sportvu", "ndjson", "physical_therapy", "pmdata", "pwx", "shuttleset", "srm",
        "stadion_export", "strava_export", "swim_lengths", "tcx", "team_match", "tennis_atp",
        "tennis_odds", "ts", "wle_dumbbell",
    ]  # fmt: skip


def test_every_plugin_file_is_found_by_its_name() -> None:
    folder = Path(stadion.ingest.__file__).parent
    files = {p.stem for p in folder.glob("[a-z]*.py")} - {"base", "checks"}
    assert files == set(READERS.names())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", READERS.names())
def test_reader_keeps_the_contract(name: str, check: Callable[[Any], None]) -> None:
    check(READERS.get(name))


def test_a_reader_that_lies_about_its_units_fails_the_contract() -> None:
    example = READERS.get("csv").example()[0].data.replace(b"HR", b"latitude")

    class Lying(type(READERS.get("csv"))):  # type: ignore[misc]
        def example(self) -> list[Any]:
            return [Member.of("x.csv", example)]

    with pytest.raises(AssertionError, match="position_lat goes from 120"):
        checks.check_channels_hold_possible_values(Lying())


def test_a_reader_in_a_folder_of_ones_own_is_asked_too(tmp_path: Path) -> None:
    (tmp_path / "ingest").mkdir()
    (tmp_path / "ingest" / "beats.py").write_text(OWN_READER)
    readers = Cupboard[Reader]("stadion.ingest", tmp_path)
    activity = open_bytes(b"BEATS 60 61 62", "x.beats", readers).activities[0]
    assert activity.source.reader == "beats"
    assert activity.tracks[0].channels["heart_rate"].tolist() == [60, 61, 62]
    for check in CHECKS:
        check(readers.get("beats"))


def test_listing_and_importing_the_room_loads_no_heavy_library() -> None:
    code = (
        "import sys; import stadion.ingest; from stadion.core.plugins import Cupboard;"
        "list(Cupboard('stadion.ingest'));"
        "print([m for m in ('pyarrow', 'sqlalchemy', 'torch', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    assert done.stdout.strip() == b"[]"


OWN_READER = '''
"""Numbers after the word BEATS in, an activity out."""
import numpy as np
from stadion.core.activity import Activity, Track
from stadion.core.errors import Code, StadionError
from stadion.ingest.base import Member, activity_id, digest_of, source_of

class BeatsReader:
    name = "beats"
    layout = "The word BEATS and heart rates, one a second."
    guesses = False

    def example(self):
        return [Member.of("x.beats", b"BEATS 60 61")]

    def claim(self, members):
        return [[m] for m in members if m.head.startswith(b"BEATS")]

    def read(self, group):
        data = group[0].data
        try:
            rates = np.array(data.split()[1:], float)
            time_s = np.arange(len(rates)) / 1.0
            track = Track("", time_s, {"heart_rate": rates})
        except ValueError as error:
            raise StadionError(Code.INVALID, "no numbers after BEATS") from error
        if not np.isfinite(rates).all():
            raise StadionError(Code.INVALID, "numbers that are none")
        digest = digest_of([data])
        source = source_of(self.name, group[0].path, digest)
        return [Activity(activity_id(digest), "", "", None, (track,), source)]

PLUGIN = BeatsReader()
'''
