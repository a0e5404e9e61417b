"""The opener unwraps, sorts and bounds whatever it is given, and loses nothing silently."""

from __future__ import annotations

import gzip
import lzma
import pickle
import random
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stadion.core.errors import Code, StadionError
from stadion.core.plugins import Cupboard
from stadion.ingest import Opened, open_bytes, open_each, open_path, plan
from stadion.ingest.base import Reader
from tests.ingest.fit_writer import activity
from tests.ingest.packing import tarred, zipped
from tests.ingest.real_files import only, reader

RIDE = b"time (s),power (W)\n0,100\n1,200\n"
RUN = activity(3).file()
READERS = Cupboard[Reader]("stadion.ingest")


def readers_of(opened: Opened) -> list[str]:
    return [recording.source.reader for recording in opened.activities]


WRAPPED = {
    "plain": RUN,
    "gzip": gzip.compress(RUN),
    "xz": lzma.compress(RUN),
    "zip": zipped({"a/run.fit": RUN}),
    "tar": tarred({"run.fit": RUN}),
    "tar.gz": tarred({"run.fit": RUN}, "w:gz"),
    "tar.xz": tarred({"run.fit": RUN}, "w:xz"),
    "zip of gzip": zipped({"run.fit.gz": gzip.compress(RUN)}),
    "zip of tar.xz": zipped({"runs.tar.xz": tarred({"run.fit": RUN}, "w:xz")}),
    "gzip of gzip": gzip.compress(gzip.compress(RUN)),
}


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_the_same_recording_has_the_same_id_however_it_is_wrapped(wrapping: str) -> None:
    opened = open_bytes(WRAPPED[wrapping], "x")
    assert not opened.refused
    assert only(opened.activities).id == only(open_bytes(RUN).activities).id
    assert only(opened.activities).source.digest == only(open_bytes(RUN).activities).source.digest


def test_content_decides_and_names_do_not() -> None:
    assert readers_of(open_bytes(RUN, "notes.txt")) == ["fit"]
    assert readers_of(open_bytes(RIDE, "ride.fit")) == ["csv"]
    html = open_bytes(b"<!doctype html><html><body>Log in</body></html>", "ride.fit")
    assert "a web page" in only(html.refused).reason


def test_a_folder_is_walked_in_order_and_every_file_ends_somewhere(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "run.fit.gz").write_bytes(gzip.compress(RUN))
    (tmp_path / "a.csv").write_bytes(RIDE)
    (tmp_path / "c.zip").write_bytes(zipped({"x.csv": RIDE.replace(b"200", b"201"), "y.md": b"#"}))
    (tmp_path / "README.txt").write_bytes(b"Some words about the files.")
    (tmp_path / "manual.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (tmp_path / "empty.gpx").write_bytes(b"")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "._run.fit").write_bytes(b"\0\5\x16\7")
    opened = open_path(tmp_path)
    top = tmp_path.name
    assert [a.source.name for a in opened.activities] == [
        f"{top}/a.csv",
        f"{top}/b/run.fit",
        f"{top}/c.zip/x.csv",
    ]
    assert {r.name.removeprefix(f"{top}/"): r.reason for r in opened.refused} == {
        ".DS_Store": "a hidden file of an operating system",
        "README.txt": "text of a layout that no reader knows",
        "__MACOSX/._run.fit": "a hidden file of an operating system",
        "c.zip/y.md": "text of a layout that no reader knows",
        "empty.gpx": "an empty file",
        "manual.pdf": "a PDF document, no recording",
    }


def test_a_layout_of_several_files_is_recognised_in_a_folder_as_in_an_archive(
    tmp_path: Path,
) -> None:
    header = b"time index;acc_x;acc_y;acc_z;gyr_x;gyr_y;gyr_z;mag_x;mag_y;mag_z\n"
    files = {
        f"s3/e2/u{k}/test.txt": header + b"%d" % k + b";1;2;3;4;5;6;7;8;9\n" for k in range(1, 6)
    }
    files["s3/e2/test_times.csv"] = b'"rep.number","execution.type","start","end"\n1,2,1,1\n'
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    from_folder = open_path(tmp_path)
    from_archive = open_bytes(tarred(files, "w:xz"), "s3.tar.xz")
    assert not from_folder.refused
    assert not from_archive.refused
    one, other = only(from_folder.activities), only(from_archive.activities)
    assert one.id == other.id
    assert one.athlete == other.athlete == "s3"
    assert [track.subject for track in one.tracks] == ["u1", "u2", "u3", "u4", "u5"]


def test_an_athlete_is_given_only_where_the_file_does_not_say() -> None:
    named = RIDE.replace(b"power (W)", b"athlete").replace(b"100", b"anna").replace(b"200", b"anna")
    named = named.replace(b"athlete\n", b"athlete,hr\n").replace(b"anna\n", b"anna,120\n")
    assert only(open_bytes(RIDE, athlete="a7").activities).athlete == "a7"
    assert only(open_bytes(named, athlete="a7").activities).athlete == "anna"


def test_large_folders_can_be_taken_one_recording_at_a_time(tmp_path: Path) -> None:
    for k in range(5):
        (tmp_path / f"{k}.csv").write_bytes(RIDE.replace(b"200", b"20%d" % k))
    sizes = [len(opened.activities) for opened in open_each(tmp_path)]
    assert max(sizes) == 1
    assert sum(sizes) == 5


def test_a_path_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(StadionError) as caught:
        open_path(tmp_path / "missing")
    assert caught.value.code is Code.NOT_FOUND


@pytest.mark.parametrize("lost", [1, 8, 20])
@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_compressed_file_cut_short_gives_what_is_there(pack: object, lost: int) -> None:
    chance = random.Random(2)
    rows = "".join(f"{k},{chance.randrange(400)}\n" for k in range(40_000))
    packed = pack(b"time (s),power (W)\n" + rows.encode())  # type: ignore[operator]
    recording = only(open_bytes(packed[:-lost], "ride.csv.gz").activities)
    assert len(recording.tracks[0]) > 20_000
    assert "is damaged or cut short" in recording.source.repairs[0].what


def test_a_damaged_archive_keeps_the_members_before_the_damage() -> None:
    whole = tarred({"a.csv": RIDE, "b.fit": RUN * 20})
    opened = open_bytes(whole[:1700], "x.tar")
    assert readers_of(opened) == ["csv"]
    assert "damaged" in opened.refused[0].reason


def test_members_that_cannot_be_read_do_not_take_the_others_with_them() -> None:
    data = bytearray(zipped({"a.csv": RIDE, "b.csv": RIDE.replace(b"200", b"250")}))
    data[data.index(b"b.csv") + 10] ^= 0xFF
    opened = open_bytes(bytes(data), "x.zip")
    assert readers_of(opened) == ["csv"]
    assert "damaged inside its zip" in only(opened.refused).reason


def test_names_in_archives_cannot_lead_out_of_them(tmp_path: Path) -> None:
    opened = open_bytes(zipped({"../../etc/x.csv": RIDE, "/abs\x07.csv": RIDE + b"2,3\n"}), "a.zip")
    assert {a.source.name for a in opened.activities} == {"a.zip/etc/x.csv", "a.zip/abs?.csv"}
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(RIDE)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(RIDE))
    (tmp_path / "c.zip").write_bytes(zipped({"d.csv": RIDE, "e.csv": RIDE + b"2,3\n"}))
    opened = open_path(tmp_path)
    top = tmp_path.name
    assert [a.source.name for a in opened.activities] == [f"{top}/a.csv", f"{top}/c.zip/e.csv"]
    assert [(d.name, d.same_as) for d in opened.doubled] == [
        (f"{top}/b.csv", f"{top}/a.csv"),
        (f"{top}/c.zip/d.csv", f"{top}/a.csv"),
    ]


def test_an_input_is_split_into_jobs_that_any_process_can_run(tmp_path: Path) -> None:
    rides = {f"{k:03}.csv": RIDE.replace(b"200", b"%d" % (200 + k)) for k in range(100)}
    inner = zipped({f"in/{name}": data + b"2,3\n" for name, data in rides.items()})
    (tmp_path / "export.zip").write_bytes(zipped(rides | {"part.zip": inner, "note.txt": b"hm"}))
    jobs = plan(tmp_path / "export.zip")
    assert max(job.files for job in jobs) <= 32
    assert sum(job.files for job in jobs) == 201
    assert all(len(pickle.dumps(job)) < 10_000 for job in jobs)
    there = [pickle.loads(pickle.dumps(job)) for job in reversed(jobs)]
    parts = Opened.joined(part for job in there for part in job.run())
    whole = open_path(tmp_path / "export.zip")
    assert {a.id for a in parts.activities} == {a.id for a in whole.activities}
    assert len(parts.activities) == 200
    assert parts.refused == whole.refused


def test_a_large_member_is_streamed_and_only_that(tmp_path: Path) -> None:
    (tmp_path / "ingest").mkdir()
    (tmp_path / "ingest" / "counting.py").write_text(COUNTING_READER)
    readers = Cupboard[Reader]("stadion.ingest", tmp_path)
    line = random.Random(3).randbytes(1 << 20)
    file = tmp_path / "x.zip"
    with zipfile.ZipFile(file, "w") as archive, archive.open("big.count", "w") as member:
        for _ in range(300):
            member.write(b"COUNT" + line)
    with peak_of_memory() as peak:
        counted = only(open_path(file, readers).activities)
    assert peak() < 64 << 20
    assert counted.tracks[0].channels["power"][0] == 300 * (len(line) + 5) / 1e6
    with zipfile.ZipFile(file, "a") as archive, archive.open("big.fit", "w") as member:
        member.write(RUN)
        for _ in range(300):
            member.write(line)
    refusal = only(open_path(file, readers).refused)
    assert "over 256 MiB, which its reader can only read whole" in refusal.reason


@contextmanager
def peak_of_memory() -> Iterator[Callable[[], int]]:
    """Bytes that this process grew by at most while the block ran."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the system does not tell the peak of memory")
    Path("/proc/self/clear_refs").write_text("5")
    before = memory_now("VmRSS:")
    yield lambda: memory_now("VmHWM:") - before


def memory_now(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))


COUNTING_READER = """
import numpy as np
from stadion.core.activity import Activity, Track
from stadion.ingest.base import activity_id, source_of

class Counting:
    name = "counting"
    layout = "The word COUNT and what one likes."
    guesses = False

    def claim(self, members):
        return [[m] for m in members if m.head.startswith(b"COUNT")]

    def read(self, group):
        size = 0
        with group[0].stream() as stream:
            while data := stream.read(1 << 20):
                size += len(data)
        track = Track("", np.zeros(1), {"power": np.array([size / 1e6])})
        source = source_of(self.name, group[0].path, "00")
        return [Activity(activity_id("00"), "", "", None, (track,), source)]

PLUGIN = Counting()
"""


def test_archives_nested_too_deep_are_refused() -> None:
    data = RIDE
    for _ in range(6):
        data = zipped({"x.zip": data})
    assert "nested over 4 deep" in only(open_bytes(data).refused).reason


def test_encrypted_members_office_documents_and_foreign_archives_are_named() -> None:
    secret = bytearray(zipped({"a.csv": RIDE}))
    secret[6] |= 1
    secret[secret.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in only(open_bytes(bytes(secret)).refused).reason
    office = zipped({"[Content_Types].xml": b"<x/>", "sheet.xml": b"<y/>"})
    assert "Office document" in only(open_bytes(office).refused).reason
    assert "RAR" in only(open_bytes(b"Rar!\x1a\x07\x00").refused).reason


@pytest.mark.parametrize("wrapping", ["gzip", "xz", "zip", "tar.gz", "tar", "zip of tar.xz"])
def test_mutated_archives_raise_nothing(wrapping: str) -> None:
    chance = random.Random(wrapping)
    for _ in range(120):
        broken = bytearray(WRAPPED[wrapping])
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        opened = open_bytes(bytes(broken[: chance.randrange(1, len(broken) + 1)]), "x", READERS)
        assert opened.activities or opened.refused or wrapping.startswith(("tar", "zip"))


def test_a_reader_that_fails_takes_only_its_own_file_with_it(tmp_path: Path) -> None:
    (tmp_path / "ingest").mkdir()
    (tmp_path / "ingest" / "bad.py").write_text(
        "class Bad:\n    name = 'bad'\n    layout = 'x.'\n    guesses = False\n"
        "    def claim(self, members):\n"
        "        return [[m] for m in members if m.head.startswith(b'BAD')]\n"
        "    def read(self, group):\n        return [1 / 0]\n"
        "PLUGIN = Bad()\n"
    )
    readers = Cupboard[Reader]("stadion.ingest", tmp_path)
    opened = open_bytes(zipped({"a.bad": b"BAD", "b.csv": RIDE}), "x.zip", readers)
    assert readers_of(opened) == ["csv"]
    assert "'bad' failed: ZeroDivisionError" in only(opened.refused).reason


def test_rows_of_ones_own_export_are_of_the_athlete_it_is_given_for() -> None:
    export = reader("apple_health").example()[0]
    for athlete in ("ada", ""):
        (table,) = open_bytes(export.data, export.path, athlete=athlete).tables
        assert set(table.columns["person"]) == {athlete}


def test_compressed_files_have_their_whole_share_of_a_compressed_archive() -> None:
    dull = b"140.000000000000000,3.00000000000000000,200.0000000000000000\n"
    rows = b"".join(b"%d," % second + dull for second in range(40_000))
    ride = gzip.compress(b"time,heart_rate,speed,power\n" + rows)
    photo = random.Random(4).randbytes(2 << 20)
    assert len(rows) > 1 << 20
    opened = open_bytes(tarred({"a.csv.gz": ride, "b.jpg": photo}, "w:gz"), "months.tar.gz")
    assert [len(activity.tracks[0]) for activity in opened.activities] == [40_000]
