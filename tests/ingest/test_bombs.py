"""Archives made to harm are refused with a reason or give what is in them, at a bounded cost."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from stadion.ingest import open_bytes
from tests.ingest.fit_writer import activity
from tests.ingest.packing import tarred, zipped
from tests.ingest.real_files import only

RIDE = b"time (s),power (W)\n0,100\n1,200\n"
RUN = activity(3).file()
DULL = b"time (s),power (W)\n" + b"0,0\n" * (10 << 20)
END = struct.Struct("<4s4H2LH")


def many_small() -> bytes:
    return zipped({f"{k}.csv": RIDE + b"%d,1\n" % k for k in range(2000)})


def one_large() -> bytes:
    return zipped({"a.csv": DULL})


def gzip_of_dull() -> bytes:
    return gzip.compress(DULL, 1)


def xz_of_dull() -> bytes:
    return lzma.compress(DULL, preset=1)


def gzips_of_dull() -> bytes:
    packed = gzip.compress(DULL[: 10 << 20])
    return zipped({f"{k}.csv.gz": packed + b"%d" % k for k in range(100)})


def many_tiny_gzips() -> bytes:
    return gzip.compress(RIDE) + gzip.compress(b"2,3\n") * 50_000


def layers() -> bytes:
    data = zipped({"a.csv": DULL[: 30 << 20]})
    for _ in range(3):
        data = zipped({f"{k}.zip": data for k in range(16)})
    return data


def tar_of_dull() -> bytes:
    return tarred({f"{k}.csv": DULL for k in range(2)}, "w:gz")


def header_of_a_gigabyte() -> bytes:
    """An extended tar header that is one."""
    head = tarfile.TarInfo("././@PaxHeader")
    head.type, head.size = tarfile.XHDTYPE, 1 << 30
    unpacker = zlib.compressobj(1, wbits=31)
    parts = [unpacker.compress(head.tobuf(tarfile.USTAR_FORMAT))]
    parts += [unpacker.compress(bytes(1 << 20)) for _ in range(200)]
    return b"".join(parts) + unpacker.flush()


def overlapping() -> bytes:
    """Two thousand members that share their bytes."""
    whole = zipped({"a.csv": DULL[: 4 << 20]})
    start = whole.index(b"PK\x01\x02")
    entry = whole[start : whole.index(b"PK\x05\x06")]
    end = END.pack(b"PK\x05\x06", 0, 0, 2000, 2000, 2000 * len(entry), start, 0)
    return whole[:start] + entry * 2000 + end


def million_entries(told: int = 0xFFFF) -> bytes:
    whole = zipped({"a": b"1"})
    start = whole.index(b"PK\x01\x02")
    entry = whole[start : whole.index(b"PK\x05\x06")]
    size = 1_000_000 * len(entry)
    end64 = struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, told, told, size, start
    ) + struct.pack("<4sLQL", b"PK\x06\x07", 0, start + size, 1)
    return (
        whole[:start]
        + entry * 1_000_000
        + end64
        + END.pack(b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    )


def million_hidden_entries() -> bytes:
    return million_entries(told=1)


def huge_dictionary() -> bytes:
    """An xz file whose block asks for a dictionary of 4 GiB."""
    data = bytearray(lzma.compress(RIDE))
    size = (data[12] + 1) * 4
    at = data.index(b"\x21\x01", 12) + 2
    data[at] = 40
    data[12 + size - 4 : 12 + size] = struct.pack("<L", zlib.crc32(data[12 : 12 + size - 4]))
    return bytes(data)


def claims_terabytes() -> bytes:
    """A member of some bytes that says it is a terabyte."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo("a.csv")
        info.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(info, "w", force_zip64=True) as member:
            member.write(RIDE)
    data = bytearray(buffer.getvalue())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = b"\xff" * 4
    data[at + 30 : at + 32] = struct.pack("<H", 12)
    name = at + 46
    data[name + 5 : name + 5] = struct.pack("<2HQ", 1, 8, 1 << 40)
    end = data.index(b"PK\x05\x06")
    data[end + 12 : end + 16] = struct.pack("<L", end - at)
    return bytes(data)


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "many_small": (many_small, ""),
    "one_large": (one_large, "over 100 times its size"),
    "gzip_of_dull": (gzip_of_dull, "decompression bomb"),
    "xz_of_dull": (xz_of_dull, "decompression bomb"),
    "gzips_of_dull": (gzips_of_dull, "decompression bomb"),
    "many_tiny_gzips": (many_tiny_gzips, ""),
    "layers": (layers, "decompression bomb"),
    "tar_of_dull": (tar_of_dull, "decompression bomb"),
    "header_of_a_gigabyte": (header_of_a_gigabyte, "decompression bomb"),
    "overlapping": (overlapping, "members overlap"),
    "million_entries": (million_entries, "too many files"),
    "million_hidden_entries": (million_hidden_entries, "too many files"),
    "huge_dictionary": (huge_dictionary, "MiB of memory to unpack"),
    "claims_terabytes": (claims_terabytes, "claims more than its bytes can unpack to"),
}

CHILD = """
import json, sys, time
from pathlib import Path
from stadion.ingest import open_each

def memory():
    lines = Path("/proc/self/status").read_text().splitlines()
    return {line.split()[0]: int(line.split()[1]) << 10 for line in lines if line.startswith("Vm")}

list(open_each(Path(sys.argv[1])))
for name in sys.argv[2:]:
    Path("/proc/self/clear_refs").write_text("5")
    before, began = memory()["VmRSS:"], time.process_time()
    came, refused = 0, []
    for part in open_each(Path(name)):
        came += len(part.activities)
        refused += [refusal.reason for refusal in part.refused]
    spent = time.process_time() - began
    print(json.dumps([came, refused[:3], spent, memory()["VmHWM:"] - before]), flush=True)
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Each bomb opened in a process of its own: what came, why not, CPU seconds, bytes."""
    folder = tmp_path_factory.mktemp("bombs")
    (folder / "ride.csv").write_bytes(RIDE)
    for name, (make, _) in BOMBS.items():
        (folder / name).write_bytes(make())
    command = [sys.executable, "-c", CHILD, str(folder / "ride.csv")]
    command += [str(folder / name) for name in BOMBS]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    sizes = {name: (folder / name).stat().st_size for name in BOMBS}
    assert sorted(file.name for file in folder.iterdir()) == sorted([*BOMBS, "ride.csv"])
    return {name: (*line, sizes[name]) for name, line in zip(BOMBS, lines, strict=True)}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_for_its_reason_at_a_bounded_cost(
    name: str, measured: Mapping[str, Any]
) -> None:
    came, refused, seconds, memory, size = measured[name]
    reason = BOMBS[name][1]
    assert reason in "".join(refused)
    assert bool(came) != bool(reason)
    assert memory <= (128 << 20) + 8 * size
    assert seconds <= 1 + 2 * size / 1e6  # twice the bound: the machine may be busy


@pytest.mark.parametrize(
    "name",
    [
        "../../x.csv",
        "/etc/x.csv",
        "..\\..\\x.csv",
        "C:\\x.csv",
        "\\\\host\\share\\x.csv",
        "a/../../../x.csv",
        "x.csv\0.exe",
        "\u202ex.csv",
        "x" * 5000 + ".csv",
    ],
)
def test_no_name_leads_out_of_an_archive(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = name
        archive.writestr(info, RIDE)
    for data in (buffer.getvalue(), tarred({name.replace("\0", "_"): RIDE})):
        shown = only(open_bytes(data, "a.zip").activities).source.name
        parts = shown.split("/")
        assert shown.isprintable()
        assert not {"..", "", "C:"} & set(parts)
        assert len(shown) <= 310
    assert not list(tmp_path.iterdir())


def test_one_name_twice_gives_both_files() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", RIDE)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.csv", RIDE + b"2,3\n")
    opened = open_bytes(buffer.getvalue(), "x.zip")
    assert sorted(len(a.tracks[0]) for a in opened.activities) == [2, 3]


def test_zip64_is_read_and_wrong_sizes_are_reported() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo("a.csv")
        info.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(info, "w", force_zip64=True) as member:
            member.write(RIDE)
    assert len(only(open_bytes(buffer.getvalue()).activities).tracks[0]) == 2
    data = bytearray(zipped({"a.csv": RIDE}))
    at = data.index(b"PK\x01\x02") + 24
    for size, rows in ((len(RIDE) - 6, 1), (len(RIDE) + 9, 2)):
        data[at : at + 4] = struct.pack("<L", size)
        ride = only(open_bytes(bytes(data)).activities)
        assert len(ride.tracks[0]) == rows
        assert [r.what for r in ride.source.repairs] == ["damaged inside its zip archive"]


def test_a_wrong_checksum_is_a_repair_and_what_is_left_of_a_member_is_read() -> None:
    data = bytearray(zipped({"a.csv": RIDE}))
    data[data.index(b"PK\x01\x02") + 16] ^= 0xFF
    ride = only(open_bytes(bytes(data)).activities)
    assert ride.source.is_partial
    rows = b"".join(b"%d,%d\n" % (k, k * 7919 % 400) for k in range(20_000))
    cut = bytearray(zipped({"a.csv": RIDE[:19] + rows}))
    cut[len(cut) // 2 : len(cut) // 2 + 300] = bytes(300)
    ride = only(open_bytes(bytes(cut)).activities)
    assert len(ride.tracks[0]) > 1000
    assert "damaged inside its zip archive" in [r.what for r in ride.source.repairs]


@pytest.mark.parametrize("follows", [False, True])
def test_a_zip_whose_download_broke_off_gives_the_files_before(follows: bool) -> None:
    class Pipe(io.BytesIO):
        """Where sizes cannot be written before the bytes, as servers send exports."""

        def seekable(self) -> bool:
            return not follows

        def tell(self) -> int:
            if follows:
                raise OSError
            return super().tell()

    buffer = Pipe()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for k in range(5):
            archive.writestr(f"{k}.csv", RIDE + b"%d,1\n" % (k + 5))
    data = buffer.getvalue()
    whole = open_bytes(data, "x.zip")
    cut = open_bytes(data[: data.index(b"PK\x01\x02") - 3], "x.zip")
    assert len(whole.activities) == len(cut.activities) == 5
    assert "directory is lost" in only(cut.refused).reason


def test_links_devices_and_files_with_holes_are_not_followed() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number, kind in enumerate([tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE]):
            info = tarfile.TarInfo(f"{number}.csv")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        holes = tarfile.TarInfo("holes.csv")
        holes.type = tarfile.GNUTYPE_SPARSE
        archive.addfile(holes)
    reasons = [refusal.reason for refusal in open_bytes(buffer.getvalue(), "x.tar").refused]
    assert reasons == ["a link or device in a tar archive"] * 3 + [
        "a file with holes in a tar archive; pack it without --sparse"
    ]
    link = zipfile.ZipInfo("a.csv")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    zipped_link = io.BytesIO()
    with zipfile.ZipFile(zipped_link, "w") as packed:
        packed.writestr(link, "/etc/passwd")
    assert "a link in a zip" in only(open_bytes(zipped_link.getvalue()).refused).reason


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tars_of_all_kinds_and_long_names_are_read(kind: int) -> None:
    names = ["a.csv", "/".join(["folder"] * 20) + "/b.csv"]
    if kind != tarfile.USTAR_FORMAT:
        names.append("ж" * 120 + ".csv")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
        for number, name in enumerate(names):
            info = tarfile.TarInfo(name)
            data = RIDE + b"%d,1\n" % (number + 5)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    opened = open_bytes(buffer.getvalue(), "x")
    assert sorted(a.source.name for a in opened.activities) == sorted(f"x/{n}" for n in names)
