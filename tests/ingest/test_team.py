"""Matches of a dozen providers come in as tracks in metres and as one kind of event table.

The files are those that kloppy's wheel carries for its own tests; where it has none, the tests
skip.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from stadion.core.activity import Activity, Table
from stadion.core.errors import StadionError
from stadion.ingest import open_path
from stadion.ingest.base import Member
from stadion.ingest.checks import _mutated
from tests.ingest.real_files import only, reader

SPEC = find_spec("kloppy")
FILES = Path(SPEC.origin or "").parent / "tests" / "files" if SPEC else Path("missing")

TRACKING = {
    "metrica csv": (["metrica_home.csv", "metrica_away.csv"], 29),
    "metrica epts": (["epts_metrica_metadata.xml", "epts_metrica_tracking.txt"], 20),
    "tracab dat": (["tracab_meta.xml", "tracab_raw.dat"], 31),
    "tracab json": (["tracab_meta.json", "tracab_raw.json"], 31),
    "tracab opta": (["tracab_meta_3.xml", "tracab_raw.dat"], 31),
    "tracab flat": (["tracab_meta_4.xml", "tracab_raw.dat"], 31),
    "second spectrum": (["second_spectrum_fake_metadata.xml", "second_spectrum_fake_data.jsonl",
                         "second_spectrum_fake_metadata.json"], 30),
    "skillcorner": (["skillcorner_meta_data.json", "skillcorner_v3_raw_data.jsonl"], 31),
    "sportec": (["sportec_meta.xml", "sportec_positional.xml"], 4),
    "statsperform json": (["statsperform_tracking_ma1.json", "statsperform_tracking_ma25.txt"], 24),
    "statsperform xml": (["statsperform_tracking_ma1.xml", "statsperform_tracking_ma25.txt"], 24),
}  # fmt: skip
EVENTS = {
    "statsbomb": (["statsbomb_15986_event.json", "statsbomb_15986_lineup.json"], 4067),
    "wyscout v2": (["wyscout_events_v2.json"], 1835),
    "wyscout v3": (["wyscout_events_v3.json"], 1896),
    "opta": (["opta_f7.xml", "opta_f24.xml"], 39),
    "datafactory": (["datafactory_events.json"], 1027),
    "sportec": (["sportec_meta.xml", "sportec_events.xml"], 29),
    "metrica": (["epts_metrica_metadata.xml", "metrica_events.json"], 3594),
    "statsperform json": (["statsperform_event_ma1.json", "statsperform_event_ma3.json"], 1643),
    "statsperform xml": (["statsperform_event_ma1.xml", "statsperform_event_ma3.xml"], 1643),
}


def files(names: Sequence[str]) -> list[Member]:
    for name in names:
        if not (FILES / name).is_file():
            pytest.skip(f"kloppy's wheel carries no {name}")
    return [Member.of(f"match/{name}", (FILES / name).read_bytes()) for name in names]


def values(names: Sequence[str]) -> list[Activity | Table]:
    group = only(reader("team_match").claim(files(names)))
    assert len(group) == len(names)
    return reader("team_match").read(group)


def match(name: str) -> Activity:
    value = only(values(TRACKING[name][0]))
    assert isinstance(value, Activity)
    return value


def events(name: str) -> Table:
    value = only(values(EVENTS[name][0]))
    assert isinstance(value, Table)
    return value


def track(activity: Activity, subject: str) -> dict[str, float]:
    """The first place of one subject."""
    found = only([t for t in activity.tracks if t.subject == subject])
    return {name: round(float(v[0]), 3) for name, v in found.channels.items()}


@pytest.mark.parametrize("name", TRACKING)
def test_every_tracking_comes_in_with_a_track_per_player_in_metres(name: str) -> None:
    activity = match(name)
    assert len(activity.tracks) == TRACKING[name][1]
    assert activity.sport == "soccer"
    assert [lap.label for lap in activity.laps] == ["period 1", "period 2"]
    for player in activity.tracks:
        assert player.subject == "ball" or player.subject.startswith(("home ", "away "))
        assert player.time_s[0] >= 0
        for axis, most in (("position_x", 115), ("position_y", 78)):
            known = player.channels[axis]
            assert np.nanmin(known) > -10
            assert np.nanmax(known) < most


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_file_becomes_one_kind_of_table(name: str) -> None:
    table = events(name)
    assert (table.kind, len(table)) == ("events", EVENTS[name][1])
    assert set(table.columns["ground"].tolist()) <= {"home", "away", ""}
    assert "pass" in table.columns["type"].tolist()
    # Metrica's metadata here are those of another match, some seconds apart.
    assert np.nanmin(table.columns["time_s"]) >= (-4 if name == "metrica" else 0)
    for axis, most in (("x_m", 108), ("y_m", 71)):
        assert np.nanmin(table.columns[axis]) > -3
        assert np.nanmax(table.columns[axis]) < most


def test_places_agree_with_the_files_when_worked_out_by_hand() -> None:
    # Shares of the pitch, y upwards: 0.00082 * 105, 0.48238 * 68.
    assert track(match("metrica csv"), "home 11") == {"position_x": 0.086, "position_y": 32.802}
    # Centimetres from the centre: -1947 and 2020.
    assert track(match("tracab dat"), "away 19") == {"position_x": 33.03, "position_y": 54.2}
    # Metres from the upper left corner: 52.803 and 23.617.
    assert track(match("statsperform json"), "home 9") == {
        "position_x": 52.803, "position_y": 44.383,
    }  # fmt: skip


def test_the_clock_runs_on_through_the_break() -> None:
    tracab = match("tracab dat")
    # Frames 1848508 to 1916408 and 1942114 to 2017933 at 25 a second.
    assert [(lap.start_s, lap.end_s) for lap in tracab.laps] == [(0, 2716), (3744.24, 6777)]
    assert tracab.start == datetime(2023, 12, 15, 20, 32, 20, tzinfo=UTC)
    assert tracab.title == "Short Name Home - Short Name Away"
    assert match("statsperform json").start == datetime(2020, 8, 23, 11, 0, 10, tzinfo=UTC)


def test_a_dead_ball_has_no_place_and_is_counted() -> None:
    tracab = match("tracab dat")
    ball = only([t for t in tracab.tracks if t.subject == "ball"])
    repairs = {r.what: r.count for r in tracab.source.repairs}
    assert len(ball) == 7
    dead = int(np.isnan(ball.channels["position_x"]).sum())
    assert dead == repairs["frames of a dead ball without its place"] == 5


def test_events_keep_their_direction_and_ends_in_metres() -> None:
    table = events("statsbomb")
    columns = table.columns
    passes = columns["type"] == "pass"
    assert np.isfinite(columns["end_x_m"][passes]).mean() > 0.95
    assert set(columns["direction"].tolist()) == {"action-executing-team"}
    shots = columns["type"] == "shot"
    # The acting team attacks from left to right: shots are near the right goal.
    assert np.median(columns["x_m"][shots]) > 85
    assert set(columns["result"][shots].tolist()) >= {"goal", "saved"}


def test_tracking_and_events_of_one_match_are_read_together() -> None:
    names = ["epts_metrica_metadata.xml", "epts_metrica_tracking.txt", "metrica_events.json"]
    assert [type(value) for value in values(names)] == [Activity, Table]


def test_several_matches_in_a_folder_are_kept_apart(tmp_path: Path) -> None:
    for number in (1, 2):
        for member in files(TRACKING["metrica csv"][0]):
            name = member.path.rpartition("_")[2]
            (tmp_path / f"game_{number}_{name}").write_bytes(member.data + b"\n" * number)
    opened = open_path(tmp_path)
    assert len(opened.activities) == 2
    assert not opened.refused


def test_a_file_alone_says_what_is_missing() -> None:
    for name, missing in (
        ("statsbomb_15986_event.json", "statsbomb lineup"),
        ("tracab_raw.dat", "tracab metadata"),
        ("skillcorner_v3_raw_data.jsonl", "skillcorner metadata"),
        ("second_spectrum_fake_data.jsonl", "secondspectrum metadata"),
    ):
        with pytest.raises(StadionError, match=f"without the {missing} file beside it"):
            values([name])


def test_declared_entities_are_refused_before_the_library_sees_them() -> None:
    meta, raw = files(TRACKING["tracab dat"][0])
    bomb = b'<!DOCTYPE x [<!ENTITY a "b">]>' + meta.data
    group = [Member.of("match/m.xml", b"<!-- -->" + bomb), raw]
    with pytest.raises(StadionError, match="declares entities"):
        reader("team_match").read(only(reader("team_match").claim(group)))


@pytest.mark.parametrize("name", [*TRACKING, *(f"events {name}" for name in EVENTS)])
def test_damaged_files_give_values_or_a_refusal(name: str) -> None:
    names, _ = EVENTS[name[7:]] if name.startswith("events ") else TRACKING[name]
    originals = files(names)
    if sum(len(member.data) for member in originals) > 300_000:
        pytest.skip("too large to be read many times")
    chance = random.Random(5)
    read = 0
    for number in range(12):
        damage = (_mutated, with_another_number)[number % 2]
        group = [Member.of(m.path, damage(m.data, chance)) for m in originals]
        with suppress(StadionError):
            read += len(reader("team_match").read(group))
    assert read > 0, "all were refused"


def with_another_number(data: bytes, chance: random.Random) -> bytes:
    """The same document but for one number: what no parser of XML or JSON stops."""
    place = chance.choice(list(re.finditer(rb"-?\d+(?:\.\d+)?", data)))
    number = chance.choice((b"-1", b"0", b"7", b"1e3", b"99999999999999999999", b"0.5"))
    return data[: place.start()] + number + data[place.end() :]


def test_a_long_match_is_loaded_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("kloppy")
    from stadion.ingest.teamsport import loading

    whole = match("second spectrum")
    monkeypatch.setattr(loading, "_PIECE_BYTES", 100_000)
    parts = match("second spectrum")
    assert [len(t) for t in parts.tracks] == [len(t) for t in whole.tracks]
    for one, other in zip(parts.tracks, whole.tracks, strict=True):
        np.testing.assert_array_equal(one.time_s, other.time_s)
        np.testing.assert_array_equal(one.channels["position_x"], other.channels["position_x"])


def test_without_the_library_the_refusal_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    example = list(reader("team_match").example())
    monkeypatch.delitem(sys.modules, "stadion.ingest.teamsport.loading", raising=False)
    monkeypatch.setitem(sys.modules, "kloppy", None)
    with pytest.raises(StadionError, match=r"pip install 'stadion\[team\]'"):
        reader("team_match").read(example)
