"""Writes small FIT files, healthy and odd ones: the counterpart of the reader under test."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["ENUM", "FLOAT32", "SINT8", "SINT32", "TEXT", "UINT8", "UINT16", "UINT32", "FitWriter"]

ENUM, SINT8, UINT8, TEXT = 0x00, 0x01, 0x02, 0x07
UINT16, SINT32, UINT32, FLOAT32, BYTE = 0x84, 0x85, 0x86, 0x88, 0x0D
_PACKED = {
    ENUM: "B", SINT8: "b", UINT8: "B", UINT16: "H", SINT32: "i", UINT32: "I", FLOAT32: "f",
    BYTE: "B",
}  # fmt: skip
T0 = 1_000_000_000  # a moment on FIT's clock: 2021-09-08 01:46:40 UTC

FieldSpec = tuple[int, ...]  # number, base type, and the size of texts and lists
Value = int | float | bytes


def checksum(data: bytes) -> int:
    """The protocol's own way: a nibble at a time, by its table of sixteen."""
    table = [0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401]
    table += [0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400]
    crc = 0
    for byte in data:
        for nibble in (byte & 0xF, byte >> 4):
            crc = (crc >> 4) & 0x0FFF ^ table[crc & 0xF] ^ table[nibble]
    return crc


@dataclass
class FitWriter:
    """Collects definitions and records; `file` closes them into a FIT file."""

    body: bytearray = field(default_factory=bytearray)
    layouts: dict[int, tuple[str, list[int], str]] = field(default_factory=dict)

    def define(
        self,
        local: int,
        message: int,
        fields: Sequence[FieldSpec],
        developer: Sequence[tuple[int, int, int, int]] = (),
        big_endian: bool = False,
    ) -> FitWriter:
        """`fields`: (number, base type[, size]); `developer`: (number, base, index, size)."""
        order = ">" if big_endian else "<"
        header = 0x40 | local | (0x20 if developer else 0)
        self.body += struct.pack(f"{order}BBBHB", header, 0, big_endian, message, len(fields))
        pattern = ""
        for each in fields:
            base = each[1]
            size = each[2] if len(each) == 3 else struct.calcsize("<" + _PACKED[base])
            self.body += bytes((each[0], size, base))
            pattern += f"{size}s" if len(each) == 3 else _PACKED[base]
        if developer:
            self.body.append(len(developer))
        for number, base, index, size in developer:
            self.body += bytes((number, size, index))
            pattern += f"{size}s" if base in (TEXT, BYTE) else _PACKED[base]
        self.layouts[local] = (order, [f[1] for f in fields], pattern)
        return self

    def record(self, local: int, *values: Value) -> FitWriter:
        """A record of a defined local message type."""
        order, _, pattern = self.layouts[local]
        self.body += bytes((local,)) + struct.pack(order + pattern, *values)
        return self

    def compressed(self, local: int, offset: int, *values: Value) -> FitWriter:
        """A record whose header holds the low five bits of its time."""
        order, _, pattern = self.layouts[local]
        self.body += bytes((0x80 | local << 5 | offset & 0x1F,))
        self.body += struct.pack(order + pattern, *values)
        return self

    def raw(self, data: bytes) -> FitWriter:
        """Bytes that are no record."""
        self.body += data
        return self

    def file(self, crc: int | None = None, size: int | None = None, header_size: int = 14) -> bytes:
        """The whole file; `crc` and `size` put a wrong checksum or size into it."""
        declared = len(self.body) if size is None else size
        header = struct.pack("<BBHI4s", header_size, 0x20, 2132, declared, b".FIT")
        if header_size == 14:
            header += struct.pack("<H", checksum(header))
        data = header + bytes(self.body)
        return data + struct.pack("<H", checksum(data) if crc is None else crc)


def activity(seconds: int = 3, **options: int) -> FitWriter:
    """A run of some seconds: time and heart rate 120, 121, ...; local type 0 is the record."""
    writer = FitWriter().define(1, 0, [(0, ENUM)]).record(1, 4)
    writer.define(0, 20, [(253, UINT32), (3, UINT8)])
    for k in range(seconds):
        writer.record(0, T0 + k, 120 + k)
    return writer
