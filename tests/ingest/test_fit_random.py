"""Files of random layouts: every base type, lists, both byte orders, times cut to five bits."""

from __future__ import annotations

import math
import random
import struct

import pytest

from stadion.ingest.fitfile.container import parts_of
from stadion.ingest.fitfile.crc import crc16
from stadion.ingest.fitfile.messages import Messages
from tests.ingest.fit_twins import disagreements

SIZES = {
    0x00: 1, 0x01: 1, 0x02: 1, 0x83: 2, 0x84: 2, 0x85: 4, 0x86: 4, 0x07: 1, 0x88: 4, 0x89: 8,
    0x0A: 1, 0x8B: 2, 0x8C: 4, 0x0D: 1, 0x8E: 8, 0x8F: 8, 0x90: 8, 0x1E: 1,
}  # fmt: skip
MESSAGES = (0, 18, 19, 20, 21, 78, 101, 132, 206, 999)


def random_file(chance: random.Random) -> bytes:
    """Some records of some layouts, in runs and by turns, layouts defined anew in between."""
    body = bytearray()
    sizes: dict[int, int] = {}
    for _ in range(chance.randrange(4, 30)):
        local = chance.randrange(16)
        if local not in sizes or chance.random() < 0.3:
            layout, sizes[local] = random_layout(chance, local)
            body += layout
        turns = [local, chance.choice(list(sizes))] if chance.random() < 0.5 else [local]
        for _ in range(chance.choice((1, 3, 30))):
            for each in turns:
                header = 0x80 | each << 5 | chance.randrange(32)
                body.append(header if each < 4 and chance.random() < 0.2 else each)
                body += random_record(chance, sizes[each])
    data = struct.pack("<BBHI4s", 12, 0x20, 2132, len(body), b".FIT") + bytes(body)
    return data + struct.pack("<H", crc16(data))


def random_layout(chance: random.Random, local: int) -> tuple[bytes, int]:
    order = chance.choice("<>")
    count = chance.choice((0, 1, 3, 8, 60))
    fields = [(253, 4, 0x86)] if chance.random() < 0.7 else []
    for number in chance.sample(range(253), count):
        base = chance.choice(list(SIZES))
        size = SIZES[base] * chance.choice((1, 1, 1, 1, 2, 5)) + (chance.random() < 0.05)
        fields.append((number, size, base))
    developer = [
        (number, chance.choice((1, 2, 4)), chance.randrange(3))
        for number in chance.sample(range(9), chance.choice((0, 0, 2)))
    ]
    header = 0x40 | local | (0x20 if developer else 0)
    message = chance.choice(MESSAGES)
    layout = struct.pack(f"{order}BBBHB", header, 0, order == ">", message, len(fields))
    layout += b"".join(map(bytes, fields))
    if developer:
        layout += bytes([len(developer)]) + b"".join(map(bytes, developer))
    return layout, sum(size for _, size, _ in [*fields, *developer])


def random_record(chance: random.Random, size: int) -> bytes:
    """Random bytes, now and then all those that mean missing."""
    kind = chance.random()
    return b"\xff" * size if kind < 0.1 else bytes(size) if kind < 0.2 else chance.randbytes(size)


@pytest.mark.parametrize("seed", range(40))
def test_the_fast_and_the_slow_decoder_agree(seed: int) -> None:
    data = random_file(random.Random(seed))
    assert list(disagreements(data)) == []


@pytest.mark.parametrize("seed", range(60, 66))
def test_rows_say_what_columns_say(seed: int) -> None:
    data = random_file(random.Random(seed))
    definitions = [each for part in parts_of(data) for each in part.definitions]
    for number in MESSAGES:
        messages = Messages.of(data, definitions, number)
        rows = messages.rows()
        for field in messages.numbers:
            lists = messages.lists(field).tolist()
            for row, said in zip(rows, lists, strict=True):
                told = list(row.get(field, ()))
                assert str(told + [math.nan] * (len(said) - len(told))) == str(said)
