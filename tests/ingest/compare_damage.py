"""Damages FIT files of the corpus in many ways and counts what four decoders save of them.

`python -m tests.ingest.compare_damage [COUNT [SEED]]`: a table, kind of damage by decoder, of the
share of records that come out as they were, and of records that come out otherwise.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.ingest.damaging import DAMAGES
from tests.ingest.fit_decoders import DECODERS, Children, Rows, by_fitdecode, by_stadion
from tests.ingest.real_files import index, raw, read_bytes

__all__ = ["Score", "Truth", "compared", "healthy", "table"]

_MOST_BYTES = 62_000

Truth = Mapping[float, Sequence[Mapping[str, float]]]
"""Time -> the values of the records of that moment in the undamaged file."""


@dataclass
class Score:
    """Records as they were, records as they never were, and how many there are in all."""

    good: int = 0
    false: int = 0
    all: int = 0
    damaged: str = field(default="", compare=False)

    def add(self, other: Score) -> None:
        """Count the other's as well."""
        self.good += other.good
        self.false += other.false
        self.all += other.all


def truth_of(rows: Rows) -> Truth:
    """Rows by their time."""
    found: dict[float, list[dict[str, float]]] = {}
    for time, values in rows:
        found.setdefault(time, []).append(values)
    return found


def score(rows: Rows, truth: Truth) -> Score:
    """A record counts once per moment. It is good when no value is wrong and at least half of
    them are there; one wrong value makes it false."""
    good: set[float] = set()
    false = 0
    for time, values in rows:
        right = [row for row in truth.get(time, ()) if _is_part(values, row)]
        if any(2 * len(values) >= len(row) for row in right):
            good.add(time)
        false += not right
    return Score(len(good), false, len(truth))


def _is_part(values: Mapping[str, float], row: Mapping[str, float]) -> bool:
    """True when nothing is wrong, though something may be missing."""
    return all(
        name in row and abs(value - row[name]) <= 1e-6 * abs(row[name])
        for name, value in values.items()
    )


def healthy() -> list[str]:
    """Names of files that come in whole, without a repair; not those that count on from record to
    record (compressed distances), where one loss changes all that follows."""
    found: list[str] = []
    for name, row in index().items():
        is_read = name.startswith("fit/") and row["reader_status"] == "ok"
        is_small = 2000 < int(row["bytes"]) < _MOST_BYTES and int(row["n_records"] or 0) > 30
        if is_read and is_small and "compressed" not in name and not has_strap(name):
            activities = read_bytes("fit", raw(name))
            if not any(a.source.repairs for a in activities) and by_stadion(raw(name)):
                found.append(name)
    return found


def has_strap(name: str) -> bool:
    """True when beats of a strap fill the records' heart rate, so that one loss tells in others."""
    own, other = (
        sum("heart_rate" in values for _, values in rows(raw(name)))
        for rows in (by_stadion, by_fitdecode)
    )
    return own != other


def compared(
    names: Sequence[str], count: int, seed: int, kinds: Sequence[str], decoders: Sequence[str]
) -> Iterator[tuple[str, str, bytes, dict[str, Score]]]:
    """(file, kind of damage, damaged bytes, decoder -> score) of each of `count` damaged files."""
    chance = random.Random(seed)
    children = Children()
    truths: dict[tuple[str, str], Truth] = {}
    try:
        for number in range(count):
            kind = kinds[number % len(kinds)]
            name = chance.choice(names)
            data = bytearray(raw(name))
            DAMAGES[kind](data, chance)
            scores = {}
            for decoder in decoders:
                key = (name, decoder)
                if key not in truths:
                    truths[key] = truth_of(children.rows(decoder, raw(name)))
                scores[decoder] = score(children.rows(decoder, bytes(data)), truths[key])
            yield name, kind, bytes(data), scores
    finally:
        children.close()


def table(totals: Mapping[str, Mapping[str, Score]], behind: Mapping[str, int]) -> str:
    """One line for each kind of damage."""
    names = list(DECODERS)
    lines = [f"{'share of good records, false ones':34}" + "".join(f"{n:>16}" for n in names)]
    for kind, scores in totals.items():
        cells = (
            f"{s.good / max(s.all, 1):8.2%} {s.false:6d} " for s in map(scores.get, names) if s
        )
        lines.append(f"{kind:34}" + "".join(cells) + f"  behind in {behind.get(kind, 0)}")
    return "\n".join(lines)


def main(count: int, seed: int) -> int:
    """0 when no other decoder saved more of any file."""
    totals = {kind: {name: Score() for name in DECODERS} for kind in [*DAMAGES, "all"]}
    behind: dict[str, int] = {}
    for name, kind, _, scores in compared(healthy(), count, seed, [*DAMAGES], [*DECODERS]):
        for decoder, one in scores.items():
            totals[kind][decoder].add(one)
            totals["all"][decoder].add(one)
        best = max(scores, key=lambda decoder: scores[decoder].good)
        if scores[best].good > scores["stadion"].good:
            behind[kind] = behind.get(kind, 0) + 1
            print(f"{kind}, {name}: {best} {scores[best]}, stadion {scores['stadion']}", flush=True)
    print(table(totals, behind))
    return 1 if behind else 0


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    raise SystemExit(main(given[0] if given else 500, given[1] if len(given) > 1 else 0))
