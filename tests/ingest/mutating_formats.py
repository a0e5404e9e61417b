"""Good files in, changes that reach deep in their format out: what keeps a reader reading."""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
from collections.abc import Callable, Sequence

from stadion.ingest.fitfile.crc import crc16
from tests.ingest.damaging import DAMAGES, frames

__all__ = ["Change", "archived", "changes_for"]

Change = Callable[[bytearray, random.Random, Sequence[bytes]], None]

_SIZES = (0, 1, 2, 3, 4, 8, 16, 85, 128, 254, 255)
_COUNTS = (0, 1, 0x7FFF, 0xFFFF, 10**9, 0x7FFFFFFF, 0xFFFFFFFF)
_TEXTS = (
    "", "0", "-0", "nan", "NaN", "Infinity", "-inf", "1e400", "9" * 400, "1e9", "1000000000",
    "0x10", "2024-02-30", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1969-12-31", "24:00:00",
    "12:61", "99:99:99", "1:2:3:4", "-1:00", "2147483648", "9223372036854775808", "1/0", "\u0663",
    "1.2.3", "1,234.5", "1.234,5", "1 234", "\u2212" + "5", "5%", "true", "null", "\ud7ff",
    "a" * 5000, "=1+1", "%s%n", "../../x", "C:\\x", "\x00", "\u202e", "\U0001f3c3",
)  # fmt: skip
_VALUE = re.compile(rb'(?<=[>"=,:\[ ;\t])[^<>"=,:\[\]{};\t\r\n]{1,40}')
_TAG = re.compile(rb"<[A-Za-z][^<>]{0,200}>")
_KEY = re.compile(rb'"([^"\\\r\n]{1,60})"\s*:')


def changes_for(data: bytes | bytearray) -> Sequence[Change]:
    """Changes that know the format, which is told by how the data begin."""
    head = bytes(data[:200]).lstrip(b"\xef\xbb\xbf \r\n\t")
    if data[8:12] == b".FIT":
        return _FIT
    if head.startswith(b"<"):
        return _XML
    if head.startswith((b"{", b"[")):
        return _JSON
    return _BINARY if b"\0" in head else _TEXT


def _damaged_fit(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    try:
        chance.choice([*DAMAGES.values()])(data, chance)
    except (IndexError, ValueError, KeyError):  # it was no whole file any more
        return


def _fit_definition(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    """Another size, type, number or message, under a checksum that is right."""
    try:
        found = [frame for frame in frames(data) if frame.is_definition]
    except (IndexError, KeyError):
        return
    if not found:
        return
    frame = chance.choice(found)
    for _each in range(chance.choice((1, 1, 2, 5))):
        fields = (frame.end - frame.start - 6) // 3
        at = frame.start + 6 + 3 * chance.randrange(max(fields, 1))
        place = chance.randrange(3)
        choices = (
            (253, 254, 0, 1, 3, 5, 7, 8, 18, 48, 73, 78, chance.randrange(256)),
            _SIZES,
            (0, 1, 2, 7, 0x0A, 0x0D, 0x83, 0x84, 0x85, 0x86, 0x88, 0x89, 0x8E, 0x90, 0x1F),
        )
        if at + place < len(data):
            data[at + place] = chance.choice(choices[place])
    if chance.random() < 0.4 and frame.start + 5 < len(data):
        message = chance.choice((0, 18, 19, 20, 21, 23, 55, 78, 101, 132, 206, 207))
        data[frame.start + 3 : frame.start + 5] = struct.pack("<H", message)
    _sign(data)


def _fit_records(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    """Extreme numbers in records, under a checksum that is right."""
    for _each in range(chance.choice((1, 5, 200))):
        size = chance.choice((1, 2, 4, 8))
        at = chance.randrange(14, max(len(data) - size - 2, 15))
        fill = chance.choice((b"\xff", b"\x7f", b"\0", b"\x80", chance.randbytes(1)))
        data[at : at + size] = fill * size
    _sign(data)


def _sign(data: bytearray) -> None:
    if len(data) > 16:
        data[4:8] = struct.pack("<I", len(data) - data[0] - 2)
        data[-2:] = struct.pack("<H", crc16(memoryview(bytes(data))[:-2]))


def _value(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    """Values of a text, one or a whole run of them, made extreme."""
    start = chance.randrange(len(data))
    for _each in range(chance.choice((1, 1, 3, 40))):
        found = _VALUE.search(bytes(data[start : start + 3000]))
        if not found:
            return
        text = chance.choice(_TEXTS).encode("utf-8", "surrogatepass")
        data[start + found.start() : start + found.end()] = text
        start += found.start() + len(text)
        if start >= len(data):
            return


def _tag(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    """One element swallowed, doubled, nested, swapped or swollen."""
    start = chance.randrange(len(data))
    tags = list(_TAG.finditer(bytes(data[start : start + 20_000])))
    if not tags:
        return
    tag = chance.choice(tags)
    at, end = start + tag.start(), start + tag.end()
    whole = bytes(data[at:end])
    name = whole[1:-1].split()[0].rstrip(b"/")
    other = chance.choice(tags).group()
    changed = (
        b"", whole * 2, whole * 300, other, b"</" + name + b">", whole[:-1] + b"/>",
        whole[:-1] + b' x="' + b"y" * 60_000 + b'">', whole + b"<![CDATA[" + other + b"]]>",
        whole + b"<!--", b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + whole, whole + b"&a;&#x0;",
        whole[:-1] + b' xmlns="' + name + b'">', b"<?xml encoding='utf-16'?>" + whole,
        whole + b"<" + name + b">" * chance.choice((1, 2, 100)), whole.upper(), whole + b"\xff\xfe",
    )  # fmt: skip
    data[at:end] = chance.choice(changed)


def _nest(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    at = chance.randrange(len(data))
    depth = chance.choice((5, 200, 100_000))
    data[at:at] = chance.choice((b"[", b'{"a":', b"[{", b"{}", b"[],")) * depth


def _key(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    """A key renamed, doubled, or given a value of another kind."""
    start = chance.randrange(len(data))
    keys = list(_KEY.finditer(bytes(data[start : start + 20_000])))
    if not keys:
        return
    key, other = chance.choice(keys), chance.choice(keys)
    values = (b"null", b"[]", b"{}", b'""', b"true", b"1e400", b"-1", b"[[[]]]", b'"\\ud800"',
              b"9" * 40, b'{"value": null}', b"[1,2", b'["a"]')  # fmt: skip
    at, end = start + key.start(), start + key.end()
    if chance.random() < 0.5:
        data[end:end] = b" " + chance.choice(values) + b", " + key.group()
    else:
        data[at:end] = other.group()


def _line(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    """A line doubled, dropped, moved, lengthened or repeated; the head of a table first."""
    lines = bytes(data).split(b"\n")
    place = 0 if chance.random() < 0.4 else chance.randrange(len(lines))
    line = lines[place]
    mark = max((b",", b";", b"\t", b"|"), key=line.count)
    cells = line.split(mark)
    chance.shuffle(cells)
    lines[place : place + 1] = chance.choice(
        (
            [], [line] * 2, [line] * 2000, [mark.join(cells)], [mark.join(cells[:1] * len(cells))],
            [line + mark + line], [line, b""], [mark * 3000], [b'"' + line],
            [line.replace(mark, b";")], [line.replace(b".", b",")], [b""] * 500, [line[:5]],
            [lines[-1]], [b"\xff" + line],
            [mark.join(b"" for _ in cells)], [line.decode("latin-1").encode("utf-16")],
        )
    )  # fmt: skip
    data[:] = b"\n".join(lines)


def _encoding(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    text = bytes(data[:100_000]).decode("utf-8", "replace")
    code = chance.choice(("utf-16", "utf-16-be", "utf-32", "gb18030", "utf-7", "utf-8-sig"))
    data[:] = text.encode(code, "replace")


def _claim(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    """A count or a size near the start that claims far too much."""
    at = chance.randrange(min(len(data), 200))
    data[at : at + 4] = struct.pack(chance.choice(("<I", ">I")), chance.choice(_COUNTS))
    del data[max(len(data), 1) :]


_FIT: tuple[Change, ...] = (_damaged_fit, _damaged_fit, _fit_definition, _fit_records)
_XML: tuple[Change, ...] = (_value, _value, _tag, _tag, _encoding)
_JSON: tuple[Change, ...] = (_value, _value, _key, _key, _nest, _encoding)
_TEXT: tuple[Change, ...] = (_value, _value, _line, _line, _encoding)
_BINARY: tuple[Change, ...] = (_claim,)


def archived(files: Sequence[tuple[str, bytes]], chance: random.Random) -> bytes:
    """A zip of those files, now and then with a damaged member, name, directory or size."""
    packed = io.BytesIO()
    method = chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, data in files:
            odd = ("../" + name, "/" + name, name + "/", "a/" * 60 + name, "__MACOSX/._" + name)
            archive.writestr(chance.choice(odd) if chance.random() < 0.1 else name, data)
    whole = bytearray(packed.getvalue())
    for _ in range(chance.choice((0, 0, 1, 3))):
        marks = [m.start() for m in re.finditer(rb"PK(\x01\x02|\x03\x04|\x05\x06)", whole)]
        at = chance.choice(marks) + chance.randrange(4, 46) if marks else 0
        size = chance.choice((1, 2, 4))
        value = chance.choice((b"\0", b"\xff", b"\x7f", chance.randbytes(1)))
        whole[at : at + size] = value * size
    if chance.random() < 0.2:
        del whole[chance.randrange(len(whole)) :]
    return bytes(whole)
