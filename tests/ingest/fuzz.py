"""A count in; so many mutated files of all readers read, the broken bounds printed, out.

python -m tests.ingest.fuzz 20000 [SEED]
"""

from __future__ import annotations

import gzip
import lzma
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stadion.core.plugins import Cupboard
from stadion.ingest import Opened, open_bytes
from stadion.ingest.base import Member, Reader
from stadion.ingest.opening.claims import read_group
from tests.ingest.bounded import Watch, bounded
from tests.ingest.mutating import mutated
from tests.ingest.mutating_formats import archived
from tests.places import ROOT

__all__ = ["Seed", "fuzzed", "seeds"]

_MOST_SEED_BYTES = 150_000
_HEAD_BYTES = 60_000  # of the larger files: their beginning, to its last whole line
_PER_FOLDER = 8
_MARKS_ITS_END = {"fit", "gpx", "tcx", "pwx", "apple_health"}


@dataclass(frozen=True, slots=True, eq=False)
class Seed:
    """A good input: files that one reader reads together."""

    reader: Reader
    group: tuple[Member, ...]
    samples: int


def fuzzed(count: int, chance: random.Random, known: Sequence[Seed]) -> Iterator[str]:
    """Read `count` mutated files; yields a sentence for every bound that one breaks."""
    watch = Watch()
    by_reader: dict[str, list[Seed]] = {}
    for seed in known:
        by_reader.setdefault(seed.reader.name, []).append(seed)
    names = sorted(by_reader)
    others = [seed.group[0].data for seed in known]
    for number in range(count):
        name = names[number % len(names)]
        seed = chance.choice(by_reader[name])
        place = chance.randrange(len(seed.group))
        is_cut = number % 7 == 0
        good = seed.group[place].data
        bad = good[: chance.randrange(len(good) + 1)] if is_cut else mutated(good, chance, others)
        group = [*seed.group]
        group[place] = Member.of(group[place].path, bad)
        if number % 5 == 1:
            size, opened, broken = _through_archive(group, chance, watch)
        else:
            size = sum(len(member.data) for member in group)
            opened, broken = bounded(lambda: _opened(seed.reader, group), size, watch)  # noqa: B023
        if is_cut and number % 5 != 1 and opened and not broken and name in _MARKS_ITS_END:
            broken = _unmarked(opened, seed)
        for sentence in broken:
            yield f"{name} number {number}, {seed.group[place].path}: {sentence}"


def _through_archive(
    group: Sequence[Member], chance: random.Random, watch: Watch
) -> tuple[int, Opened | None, list[str]]:
    """(bytes unpacked, what came in, broken bounds) of the files in a zip, or one in a gzip."""
    files = [(member.path or "file", member.data) for member in group]
    if len(files) == 1 and chance.random() < 0.3:
        packed, name = gzip.compress(files[0][1], 1), files[0][0] + ".gz"
        packed = packed[: chance.randrange(len(packed) // 2, len(packed) + 1)]
    else:
        packed, name = archived(files, chance), "export.zip"
        if chance.random() < 0.1:
            packed = archived([("inner.zip", packed)], chance)
    size = len(packed) + sum(len(data) for _, data in files)
    return size, *bounded(lambda: open_bytes(packed, name), size, watch)


def _opened(reader: Reader, group: list[Member]) -> Opened:
    """By the front door, and by the reader itself, which may have been left out there."""
    if len(group) == 1:
        open_bytes(group[0].data, group[0].path)
    reader.claim(group)
    return read_group(reader, group)


def _unmarked(opened: Opened, seed: Seed) -> list[str]:
    """Of a file that was cut off, less must not look like all there is."""
    samples = _samples(opened)
    if 0 < samples < seed.samples and not any(a.source.repairs for a in opened.activities):
        return [f"{samples} of {seed.samples} samples left, and nothing says so"]
    return []


def _samples(opened: Opened) -> int:
    return sum(len(track) for activity in opened.activities for track in activity.tracks)


def seeds(data: Path | None) -> list[Seed]:
    """Every reader's example, and real files of each folder of the data sets."""
    readers = Cupboard[Reader]("stadion.ingest")
    known = [_seed(reader, [*reader.example()]) for reader in readers]
    for folder in sorted({file.parent for file in data.rglob("*.*")}) if data else ():
        files = sorted((f for f in folder.iterdir() if f.is_file()), key=lambda f: f.stat().st_size)
        step = max(len(files) // _PER_FOLDER, 1)
        members = [m for m in map(_member, files[::step][:_PER_FOLDER]) if m is not None]
        for reader in readers:
            for group in reader.claim(members):
                seed = _seed(reader, group)
                if seed.samples or not reader.guesses:
                    known.append(seed)
    return known


def _seed(reader: Reader, group: Sequence[Member]) -> Seed:
    opened = read_group(reader, group)
    return Seed(reader, tuple(group), _samples(opened))


def _member(file: Path) -> Member | None:
    raw = file.read_bytes()
    name = file.name
    if name.endswith(".gz"):
        raw, name = gzip.decompress(raw), name[:-3]
    elif name.endswith(".xz"):
        raw, name = lzma.decompress(raw), name[:-3]
    if len(raw) > _MOST_SEED_BYTES:
        raw = raw[:_HEAD_BYTES]
        if b"\0" not in raw:
            raw = raw[: raw.rfind(b"\n") + 1]
    return Member.of(name, raw) if raw else None


def main(count: int, seed: int) -> int:
    """0 when no bound was broken."""
    data = ROOT.parent / "shared" / "data"
    known = seeds(data if data.is_dir() else None)
    print(f"{len(known)} seeds of {len({s.reader.name for s in known})} readers, seed {seed}")
    began = time.monotonic()
    kinds: Counter[str] = Counter()
    for sentence in fuzzed(count, random.Random(seed), known):
        kinds[sentence.partition(" ")[0]] += 1
        if kinds.total() <= 200:
            print(sentence, flush=True)
    seconds = time.monotonic() - began
    print(f"{count} mutated files in {seconds:.0f} s, {kinds.total()} broken bounds {dict(kinds)}")
    return 1 if kinds else 0


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    raise SystemExit(main(given[0] if given else 20_000, given[1] if len(given) > 1 else 0))
