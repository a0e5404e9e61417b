"""XML made to harm costs little and raises nothing foreign; what stood before damage is kept."""

from __future__ import annotations

import contextlib
import random
import time
import tracemalloc

import pytest

from stadion.core.errors import StadionError
from stadion.ingest.markup.document import root_of
from tests.ingest.real_files import only, raw, read_bytes

POINT = '<trkpt lat="52.1" lon="4.3"><time>2024-05-01T07:00:{:02d}Z</time>{}</trkpt>'
HEAD = '<?xml version="1.0"?>'
MEBIBYTE = 1 << 20


def gpx(points: str, before: str = HEAD) -> bytes:
    return f"{before}<gpx><trk><trkseg>{points}</trkseg></trk></gpx>".encode()


SOUND = POINT.format(1, "") + POINT.format(2, "")
LAUGHS = "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 10))
DOCTYPES = {
    "billion laughs": f'<!DOCTYPE gpx [<!ENTITY l0 "ha">{LAUGHS}]>',
    "quadratic": f'<!DOCTYPE gpx [<!ENTITY a "{"y" * 50_000}">]>',
    "attribute list": "<!DOCTYPE gpx [<!ATTLIST trkpt "
    + "".join(f"a{k} CDATA 'x' " for k in range(50_000))
    + ">]>",
    "outside file": '<!DOCTYPE gpx SYSTEM "file:///etc/passwd">',
    "outside entity": '<!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "parameter entity": '<!DOCTYPE gpx [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x"> %x;]>',
}
BEYOND_SENSE = {
    "nested over 64 deep": gpx("<a>" * 300_000),
    "over 64 attributes": gpx("<a " + " ".join(f'x{k}="1"' for k in range(60_000)) + "/>"),
    "a tag of over 1 MiB": gpx('<a x="' + "y" * 8_000_000 + '"/>'),
    "over 50000 different names": gpx("".join(f"<n{k:x}/>" for k in range(200_000))),
}
FLOODS = {
    "comments": gpx("<!---->" * 150_000 + SOUND),
    "processing instructions": gpx("<?a b?>" * 150_000 + SOUND),
    "empty elements": gpx("<a/>" * 250_000 + SOUND),
    "one huge text": gpx(f"<name>{'y' * MEBIBYTE}</name>" + SOUND),
    "a text in pieces": gpx(f"<name>{'&#65;' * 200_000}</name>" + SOUND),
    "character data sections": gpx("<![CDATA[x]]>" * 80_000 + SOUND),
    "white space": gpx(" " * MEBIBYTE + SOUND),
    "white space in tags": gpx(f"<a{' ' * 1000}/>" * 1000 + SOUND),
    "points of every shape": gpx(
        "".join(POINT.format(k % 60, f"<n{k % 5000}>1</n{k % 5000}>") for k in range(10_000))
    ),
    "points that never end": gpx('<trkpt lat="1" lon="2"><ele>1</ele>' * 60 + "</trkpt>" * 60),
    "points that only begin": gpx("<!--" + "<trkpt >" * 130_000 + "-->" + SOUND),
    "a new name in every point": gpx(
        "".join(POINT.format(k % 60, f"<n{k}>1</n{k}>") for k in range(10_000))
    ),
}


def seconds_of(data: bytes) -> float:
    began = time.process_time()
    with contextlib.suppress(StadionError):
        read_bytes("gpx", data)
    return time.process_time() - began


@pytest.mark.parametrize("kind", DOCTYPES)
def test_no_document_type_is_accepted(kind: str) -> None:
    text = "&l9;" if kind == "billion laughs" else "&a;" * 1000
    data = gpx(POINT.format(1, f"<name>{text}</name>"), HEAD + DOCTYPES[kind])
    began = time.process_time()
    with pytest.raises(StadionError, match="a document type"):
        read_bytes("gpx", data)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("reason", BEYOND_SENSE)
def test_what_is_beyond_all_sense_is_refused_at_once(reason: str) -> None:
    data = BEYOND_SENSE[reason]
    began = time.process_time()
    with pytest.raises(StadionError, match=reason):
        read_bytes("gpx", data)
    assert time.process_time() - began < max(1, len(data) / MEBIBYTE)


@pytest.mark.parametrize("kind", FLOODS)
def test_floods_cost_at_most_a_second_a_mebibyte(kind: str) -> None:
    assert seconds_of(FLOODS[kind]) < max(1, len(FLOODS[kind]) / MEBIBYTE)


@pytest.mark.parametrize("kind", [*FLOODS, *BEYOND_SENSE])
def test_memory_is_bounded_by_the_size(kind: str) -> None:
    data = FLOODS.get(kind) or BEYOND_SENSE[kind]
    data = data[: 2 * MEBIBYTE // 10]
    tracemalloc.start()
    try:
        seconds_of(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 128 * MEBIBYTE + 8 * len(data)


@pytest.mark.parametrize("kind", ["one huge text", "comments", "white space"])
def test_floods_do_not_hide_the_points_behind_them(kind: str) -> None:
    assert len(only(read_bytes("gpx", FLOODS[kind])).tracks[0]) == 2


@pytest.mark.parametrize(
    "ending", ["", "<", "<trkpt", "</gpx></gpx>", "<a></b>", "&nothing;", "<!--"]
)
def test_a_document_that_breaks_off_keeps_its_points_and_says_so(ending: str) -> None:
    for count in (2, 50):
        points = "".join(POINT.format(k, "<ele>1</ele>") for k in range(count))
        recording = only(read_bytes("gpx", f"<gpx><trk><trkseg>{points}{ending}".encode()))
        assert len(recording.tracks[0]) == count
        assert "breaks off at line" in recording.source.repairs[0].what


def test_a_real_document_cut_in_half_keeps_half_of_its_points() -> None:
    data = raw("gpx/sportslib__garmin.gpx")
    recording = only(read_bytes("gpx", data[: len(data) // 2]))
    assert len(recording.tracks[0]) == pytest.approx(108, abs=3)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_width_of_character_is_read(encoding: str) -> None:
    data = gpx(SOUND.replace("<time>", "<name>Zürich 高</name><time>")).decode().encode(encoding)
    assert root_of(data[:4096]) == "gpx"
    recording = only(read_bytes("gpx", data))
    assert (len(recording.tracks[0]), recording.source.repairs) == (2, ())


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "gbk", "Shift_JIS", "koi8-r"])
def test_encodings_that_are_declared_are_read(encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    name = {"gbk": "环湖", "Shift_JIS": "湖", "koi8-r": "Озеро"}.get(encoding, "Zürich")
    data = gpx(SOUND, head).decode().replace("<trk>", f"<trk><name>{name}</name>")
    recording = only(read_bytes("gpx", data.encode(encoding)))
    assert (recording.title, recording.source.repairs) == (name, ())


@pytest.mark.parametrize("encoding", ["punycode", "zlib", "unicode_escape", "x" * 30, "utf-7", "-"])
def test_encodings_that_are_none_do_no_harm(encoding: str) -> None:
    data = gpx(SOUND, f'<?xml version="1.0" encoding="{encoding}"?>')
    assert len(only(read_bytes("gpx", data)).tracks[0]) == 2


@pytest.mark.parametrize("claim", ["utf-16", "utf-32", "gb18030", "ascii", "utf-8"])
def test_a_wrong_encoding_is_mended_or_refused(claim: str) -> None:
    data = gpx(SOUND, f'<?xml version="1.0" encoding="{claim}"?>').replace(
        b"<trk>", b"<trk><name>\xff\xfe\x80</name>"
    )
    recording = only(read_bytes("gpx", data))
    assert len(recording.tracks[0]) == 2
    assert "replaced" in recording.source.repairs[0].what


def test_control_characters_and_broken_utf_8_do_not_end_the_file() -> None:
    points = POINT.format(1, "<name>\x0b\uffff</name>") + POINT.format(2, "")
    recording = only(read_bytes("gpx", gpx(points).replace(b"<name>", b"<name>Stra\xdfe")))
    assert len(recording.tracks[0]) == 2
    assert {r.what for r in recording.source.repairs} == {
        "control characters blanked",
        "bytes that are no UTF-8 replaced",
    }


def test_a_new_name_in_every_point_costs_no_more_than_one() -> None:
    points = "".join(POINT.format(k % 60, f"<n{k}>1</n{k}>") for k in range(20_000))
    assert len(only(read_bytes("gpx", gpx(points))).channels) <= 128


@pytest.mark.parametrize(
    "head", [b"<!a" * 1300, b"<!--" * 1000, b"<?" * 2000, b"<!DOCTYPE " * 400, b"<" * 4096]
)
def test_telling_the_root_takes_no_time(head: bytes) -> None:
    began = time.process_time()
    assert root_of(head) == ""
    assert time.process_time() - began < 0.05


@pytest.mark.parametrize(
    ("kind", "name"),
    [("gpx", "sportslib__garmin"), ("tcx", "tracker__2013-06-19-183041")],
)
def test_mutated_real_files_raise_nothing_foreign(kind: str, name: str) -> None:
    data = raw(f"{kind}/{name}.{kind}")[:40_000]
    chance = random.Random(5)
    saved = 0
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(chance.randrange(1, 8)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            saved += bool(read_bytes(kind, bytes(broken)))
        except StadionError:
            continue
    assert saved > 50
