"""Recordings and athletes at the faces: the command line, the control REST and Python agree."""

from __future__ import annotations

import csv
import io
import json
import math
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import ipc

from stadion.apps.recordings_shown import show_activity
from stadion.core.errors import Code, StadionError
from stadion.platform import Platform
from tests.apps.test_cli import as_json, stadion
from tests.servers import Server, running_server

START = datetime(2024, 5, 1, 6, tzinfo=UTC)
RIDES = 7
SECONDS = 900


def ride(number: int) -> str:
    """A quarter of an hour north from Lyon, each on another day."""
    rows = ["timestamp,lat,lon,altitude (m),heart_rate (bpm),power (W),speed (m/s)"]
    for second in range(SECONDS):
        moment = START + timedelta(days=3 * number, seconds=second)
        power = 200 + 10 * number + 40 * math.sin(second / 30)
        hill = 180 + 20 * math.sin(second / 200)
        rows.append(
            f"{moment.isoformat()},{45.75 + second * 7e-5:.6f},4.85,{hill:.1f},"
            f"{120 + second // 30},{power:.0f},7.8"
        )
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def rides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files") / "rides"
    folder.mkdir()
    for number in range(RIDES):
        (folder / f"ride{number}.csv").write_text(ride(number))
    (folder / "letter.txt").write_text("no recording at all")
    return folder


@pytest.fixture(scope="module")
def archive(rides: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    with running_server(home, workers=1) as running:
        report = running.client.ingest([rides], "ada")
        assert [file["outcome"] for file in report["files"]].count("added") == RIDES
        running.client.set_profile("ada", {"ftp_w": 250, "sex": "female"}, date(2024, 1, 1))
        yield running


def get(server: Server, path: str, accept: str = "") -> tuple[Any, bytes]:
    request = urllib.request.Request(f"{server.control}{path}", headers={"Accept": accept or "*/*"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return reply.headers, reply.read()


def test_a_folder_is_uploaded_whole_and_says_what_became_of_each_file(
    archive: Server, rides: Path
) -> None:
    report = archive.client.ingest([rides], "ada")
    outcomes = {f["name"].rpartition("/")[2]: f["outcome"] for f in report["files"]}
    assert outcomes == {f"ride{k}.csv": "known" for k in range(RIDES)} | {"letter.txt": "refused"}
    (refused,) = [file for file in report["files"] if file["outcome"] == "refused"]
    assert "text of a layout that no reader knows" in refused["reason"]


def test_pages_hold_every_recording_once(archive: Server) -> None:
    found: list[str] = []
    path: str | None = "/api/v1/activities?limit=3&athlete=ada&fields=id,start"
    pages = 0
    while path:
        headers, body = get(archive, path)
        views = json.loads(body)
        assert all(set(view) == {"id", "start"} for view in views)
        found += [view["id"] for view in views]
        link = headers["Link"]
        path = link[1 : link.index(">")] if link else None
        pages += 1
    assert pages == 3
    assert found == [view["id"] for view in archive.client.activities()]
    assert len(set(found)) == RIDES


def test_a_recording_is_shown_with_the_fields_one_asks_for(archive: Server) -> None:
    id = archive.client.activities(limit=1)[0]["id"]
    _, body = get(archive, f"/api/v1/activities/{id}?fields=sport,summary.power_w,zone")
    view = json.loads(body)
    assert view["zone"] == "Europe/Paris"
    assert view["summary"] == {"power_w": pytest.approx(200, abs=2)}
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(archive, f"/api/v1/activities/{id}?fields=wings")
    assert caught.value.code == 422
    assert "'wings'; expected some of id" in json.load(caught.value)["error"]


def test_streams_are_the_same_in_json_csv_and_arrow(archive: Server) -> None:
    id = archive.client.activities(limit=1)[0]["id"]
    (view,) = archive.client.streams(id, ["power", "heart_rate"])
    headers, text = get(archive, f"/api/v1/activities/{id}/streams?channels=power", "text/csv")
    assert headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(text.decode())))
    assert [float(row["power (W)"]) for row in rows] == view["channels"]["power"]
    arrow = archive.client.streams_as("arrow", id, ["power", "heart_rate"])
    table = ipc.open_stream(arrow).read_all()
    assert table.column("heart_rate").to_pylist() == view["channels"]["heart_rate"]
    assert table.schema.field("power").metadata == {b"unit": b"W"}


def test_streams_come_slower_or_thinned_out_on_request(archive: Server) -> None:
    id = archive.client.activities(limit=1)[0]["id"]
    (slow,) = archive.client.streams(id, ["power"], every_s=10)
    assert np.diff(slow["time_s"]).tolist() == [10.0] * (len(slow["time_s"]) - 1)
    (whole,) = archive.client.streams(id, ["power"])
    (thin,) = archive.client.streams(id, ["power"], points=60)
    assert len(thin["time_s"]) <= 60
    assert max(thin["channels"]["power"]) == max(whole["channels"]["power"])


def test_an_edit_is_seen_everywhere_and_kept_in_the_history(archive: Server) -> None:
    id = archive.client.activities(limit=1)[0]["id"]
    archive.client.edit(id, {"title": "First of May", "sport": "cycling"})
    assert archive.client.activity(id)["title"] == "First of May"
    assert archive.client.activities(sport="cycling")[0]["id"] == id
    fields = [change["field"] for change in archive.client.history(id)]
    assert sorted(fields) == ["sport", "title"]
    with pytest.raises(StadionError, match="sport"):
        archive.client.edit(id, {"sport": "x" * 65})


@pytest.mark.parametrize(
    ("kind", "beginning"),
    [("csv", b"time"), ("gpx", b"<?xml"), ("json", b"{"), ("parquet", b"PAR1")],
)
def test_a_recording_is_given_out_as_a_file(archive: Server, kind: str, beginning: bytes) -> None:
    id = archive.client.activities(limit=1)[0]["id"]
    assert archive.client.export(id, kind).startswith(beginning)


def test_form_and_best_efforts_follow_the_loads(archive: Server) -> None:
    for view in archive.client.activities():
        archive.client.edit(view["id"], {"sport": "cycling"})
    view = archive.client.athlete("ada", date(2024, 5, 19))
    form = view["form"]
    assert form["days"][0] == "2024-05-01"
    assert form["future_days"] == 14
    assert len(form["days"]) == 19 + 14
    assert [day for day, load in zip(form["days"], form["load"], strict=True) if load] == [
        f"2024-05-{1 + 3 * k:02d}" for k in range(RIDES)
    ]
    assert form["form"][5] == pytest.approx(form["fitness"][4] - form["fatigue"][4])
    power = next(c for c in view["curves"] if (c["sport"], c["channel"]) == ("cycling", "power"))
    best = dict(zip(power["durations_s"], power["best"], strict=True))
    assert best[60.0] == pytest.approx(260 + 37, abs=8)
    assert best[1800.0] is None
    assert view["profile"] == {"ftp_w": 250, "sex": "female"}


def test_a_profile_that_cannot_be_true_is_refused(archive: Server) -> None:
    with pytest.raises(StadionError, match=r"ftp_w is 9000.* expected 20 to 700 W"):
        archive.client.set_profile("ada", {"ftp_w": 9000})
    assert (
        archive.client.set_profile("ada", {"ftp_w": 255}, date(2030, 1, 1))["older_workouts"] >= 7
    )
    with pytest.raises(StadionError, match="there is no athlete 'nobody'") as caught:
        archive.client.athlete("nobody")
    assert caught.value.code is Code.NOT_FOUND


def test_an_archive_of_before_is_looked_through_for_twins(archive: Server) -> None:
    assert archive.client.recognise() == {"joined": 0}


def test_an_athlete_is_erased_whole(rides: Path, tmp_path: Path) -> None:
    place = Platform.open(tmp_path)
    place.ingest([rides / "ride0.csv"], "bea")
    place.ingest([rides / "ride1.csv"], "cem")
    place.set_profile("bea", {"mass_kg": 61})
    assert place.erase_athlete("bea")["entries"] == 2
    assert [row["athlete"] for row in place.athletes()] == ["cem"]
    left = b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())
    assert b"bea" not in left


def test_the_command_line_shows_and_draws(archive: Server, tmp_path: Path) -> None:
    where = archive.control
    id = as_json("activities", "--limit", "1", "--home", where)[0]["id"]
    for name, beginning in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml")):
        done = stadion("activities", "show", id, "--home", where, "--plot", tmp_path / name)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name).read_bytes().startswith(beginning)
    assert "quality" in done.stdout
    assert "Europe/Paris" in done.stdout
    drawing = (tmp_path / "a.svg").read_text()
    assert all(word in drawing for word in ("start", "altitude (m)", "power (W)"))
    done = stadion("athlete", "show", "ada", "--day", "2024-05-19", "--home", where,
                   "--plot", tmp_path / "b.svg")  # fmt: skip
    assert "fitness" in done.stdout
    assert "fitness, fatigue and form" in (tmp_path / "b.svg").read_text()
    done = stadion("athlete", "show", "ada", "--home", where, "--plot", tmp_path / "b.jpg")
    assert done.returncode == 2
    assert "'b.jpg'; expected a name ending in .png or .svg" in done.stderr


def test_ingest_lists_what_was_doubled_and_refused(rides: Path, tmp_path: Path) -> None:
    stadion("ingest", rides / "ride0.csv", "--home", tmp_path)
    done = stadion("ingest", rides, "--home", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("8 files: 6 new, 1 known already, 1 refused")
    assert "no reader knows" in done.stdout


def test_a_table_of_ones_own_is_guessed_shown_and_stated(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    rows = "".join(f"{t};{120 + t % 9};{'ja'}\n" for t in range(60))
    file.write_text("Zeit;Schlagzahl;Notiz\n" + rows)
    guessed = stadion("ingest", file, "--guess", "--home", tmp_path / "home").stdout
    assert "Zeit" in guessed
    assert "holds text" in guessed
    report = as_json("ingest", file, "--map", "Schlagzahl=heart_rate", "--home", tmp_path / "home")
    view = as_json("activities", "show", report["added"][0], "--home", tmp_path / "home")
    assert view["tracks"][0]["channels"] == ["heart_rate"]
    done = stadion(
        "ingest", file, "--map", "Schlagzahl=heart_rate[km]", "--home", tmp_path / "home"
    )
    assert done.returncode == 2
    assert "'Schlagzahl'" in done.stderr


def test_an_upload_leaves_nothing_but_the_recording(archive: Server, tmp_path: Path) -> None:
    client = archive.client
    home = Path(archive.process.args[archive.process.args.index("--home") + 1])  # type: ignore[union-attr, index, arg-type]
    file = tmp_path / "..%2F..%2Fescape.csv"
    file.write_text(ride(40))
    before = client.activities()
    report = client.ingest([file])
    assert len(client.activities()) == len(before) + 1
    assert list((home / "run" / "uploads").iterdir()) == []
    client.erase(report["added"][0])


def called(server: Server, method: str, path: str, body: bytes, kind: str) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{server.control}/api/v1/{path}", body, {"Content-Type": kind}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_clumsy_call_is_told_what_would_be_right(archive: Server) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n1\r\n--x--'
    status, view = called(archive, "POST", "activities", form, "multipart/form-data; boundary=x")
    assert (status, view["hint"]) == (415, "curl --data-binary @FILE sends them as they are")
    id = archive.client.activities(limit=1)[0]["id"]
    status, view = called(archive, "PATCH", f"activities/{id}", b'{"title": "x"}', "text/plain")
    assert (status, view["hint"]) == (422, "send the header Content-Type: application/json")
    with pytest.raises(StadionError, match=r"athlete is .* expected at most 64 printed"):
        archive.client.set_profile("a\tb", {"ftp_w": 200})
    with pytest.raises(StadionError, match="sport is 'up & down'; expected a word"):
        archive.client.edit(id, {"sport": "up & down"})
    done = stadion("athlete", "set", "ada", "ftp_w=much", "--home", archive.control)
    assert (done.returncode, "'much'" in done.stderr) == (2, True)
    done = stadion("ingest", "", "--home", archive.control)
    assert (done.returncode, "a path is empty" in done.stderr) == (2, True)


def test_a_day_without_a_zone_is_that_of_utc(archive: Server) -> None:
    _, body = get(archive, "/api/v1/activities?since=2024-05-10&fields=start")
    starts = [view["start"] for view in json.loads(body)]
    assert starts == sorted(starts)
    assert starts[0].startswith("2024-05-10")


def test_names_with_slashes_and_nobody_are_reached(archive: Server) -> None:
    client = archive.client
    assert client.set_profile("club/7", {"ftp_w": 210})["profile"] == {"ftp_w": 210}
    assert client.athlete("club/7")["profile"] == {"ftp_w": 210}
    assert client.erase_athlete("club/7")["erased"] == "club/7"
    id = client.activities(limit=1)[0]["id"]
    assert client.edit(id, {"athlete": "-"})["athlete"] == ""
    assert [view["id"] for view in client.activities(athlete="-")] == [id]
    client.edit(id, {"athlete": "ada"})


def test_the_description_names_files_and_streams(archive: Server) -> None:
    paths = json.loads(get(archive, "/openapi.json")[1])["paths"]
    upload = paths["/api/v1/activities"]["post"]["requestBody"]["content"]
    streams = paths["/api/v1/activities/{id}/streams"]["get"]["responses"]["200"]["content"]
    assert list(upload) == ["application/octet-stream"]
    assert {"application/json", "text/csv", "application/vnd.apache.arrow.stream"} == set(streams)


def test_a_swim_is_shown_with_parts_lengths_paces_and_named_zones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def lap(kind: str, start: float, end: float, label: str, **values: float) -> dict[str, Any]:
        return {"kind": kind, "start_s": start, "end_s": end, "label": label, "values": values}

    laps = [
        lap("session", 0, 100, "swimming", speed_mps=1.25, timer_s=100),
        lap("session", 100, 400, "cycling", speed_mps=10, timer_s=300),
        lap("lap", -0.4, 100, "", speed_mps=1.25),
        lap("length", 0, 40, "freestyle", speed_mps=1.25),
    ]
    flag = {"kind": "gps_jump", "channel": "", "start_s": 5.0, "end_s": 9.0}
    zone = {"name": "speed", "rests_on": "pace", "unit": "m/s", "bounds": [2.5, 4]}
    show_activity({
        "id": "ab", "athlete": "", "sport": "swimming", "start": None, "recordings": ["ab"],
        "summary": {"speed_mps": 1.25, "ascent_stream_m": 3.0, "ascent_m": 3.0}, "laps": laps,
        "zones": [zone | {"seconds": [9, 0, 1]}], "flags": [flag],
        "source": {"name": "a.fit", "repairs": []},
    })  # fmt: skip
    shown = " ".join(capsys.readouterr().out.split())
    assert "pace 1:20 min/100 m" in shown
    assert "ascent stream" not in shown
    assert "1 0:00:00 swimming 0:01:40 1:20 min/100 m" in shown
    assert "2 0:01:40 cycling 0:05:00 36.0 km/h" in shown
    assert "lengths length from stroke pace 1 0:00:00 freestyle" in shown
    assert "Z2 6:40 to 4:10 min/km 0:00:00" in shown
    assert "gps jump all channels 1 0:00:04" in shown
