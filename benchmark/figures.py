"""The records of all blocks in; medians, and ratios that were taken inside each block, out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, mode
from typing import Any

from benchmark.blocks import Record
from benchmark.scaling import CASES, NAME
from benchmark.wire import BINARY, BYTES, GRPC, JSON

__all__ = ["OURS", "Claim", "Figures", "Spread", "claims", "per_cpu_s", "per_s", "spread"]

OURS = "stadion"
Key = tuple[str, str, int]
"""Model, protocol, connections."""
Rate = Callable[[Record], float]
"""Requests per second of a cell: by the clock, or of processor time."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over the blocks."""

    median: float
    low: float
    high: float
    blocks: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A ratio that should be shown, what was wanted and what came out.

    `wanted` is None for a ratio that nobody asked for; `got` is None where it was not measured.
    `by_cpu` is the same ratio of requests per second of processor time: it says what would come
    out where nobody else takes from the cores.
    """

    what: str
    wanted: float | None
    got: Spread | None
    against: str
    by_cpu: Spread | None = None


class Figures:
    """Cells by block and server; of what was measured twice, the last."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.blocks: dict[int, dict[str, dict[Key, Record]]] = {}
        self.starts: dict[str, list[Record]] = {}
        self.versions: dict[str, str] = {}
        self.errors: dict[str, str] = {}
        for record in records:
            server = record["server"]
            cells = self.blocks.setdefault(record["block"], {}).setdefault(server, {})
            cells |= {_key(server, cell): cell for cell in record.get("cells", ())}
            self.starts.setdefault(server, []).extend(record.get("starts", ()))
            if "error" in record:
                self.errors[server] = record["error"]
            else:
                self.errors.pop(server, None)
                self.versions[server] = record.get("version", "")

    @property
    def servers(self) -> list[str]:
        """Those that are peers or ours, ours first."""
        names = {name for block in self.blocks.values() for name in block} - {NAME}
        return sorted(names, key=lambda name: (name != OURS, name))

    def keys(self, server: str) -> list[Key]:
        """Everything measured of a server, in the order in which it was measured."""
        found = [key for block in self.blocks.values() for key in block.get(server, ())]
        return list(dict.fromkeys(found))

    def over(self, server: str, key: Key, value: Callable[[Record], float]) -> Spread | None:
        """A value of one cell over the blocks."""
        cells = (block.get(server, {}).get(key) for block in self.blocks.values())
        return spread(value(cell) for cell in cells if cell)

    def by_block(self, server: str, key: Key) -> dict[int, float]:
        """Requests per second in every block that has them."""
        found = ((n, block.get(server, {}).get(key)) for n, block in self.blocks.items())
        return {number: cell["per_s"] for number, cell in found if cell}

    def raw(self, model: str, figure: str) -> Spread | None:
        """Raw ONNX Runtime around all cells of a network."""
        values = [
            _around(cell, figure)
            for block in self.blocks.values()
            for server, cells in block.items()
            for cell in cells.values()
            if server != NAME and cell["model"] == model
        ]
        return spread(values)

    def against_best(self, key: Key, rate: Rate) -> tuple[Spread | None, str]:
        """Ours over the fastest of the others in the same block, and who that mostly was."""
        ratios, names = [], []
        for block in self.blocks.values():
            ours = block.get(OURS, {}).get(key)
            theirs = {
                name: rate(cells[key])
                for name, cells in block.items()
                if name not in (OURS, NAME) and key in cells
            }
            if ours and any(theirs.values()):
                best = max(theirs, key=lambda name: theirs[name])
                ratios.append(rate(ours) / theirs[best])
                names.append(best)
        return spread(ratios), mode(names) if names else ""

    def against_raw(self, server: str, key: Key, figure: str, rate: Rate) -> Spread | None:
        """A server's requests per second over what raw ONNX Runtime did around them."""
        return self.over(server, key, lambda cell: rate(cell) / _around(cell, figure))

    def two_workers(self, model: str, protocol: str) -> Spread | None:
        """Two workers on two cores over one on one."""
        ratios = []
        for block in self.blocks.values():
            cells = block.get(NAME, {})
            one, two = (cells.get((model, protocol, workers)) for workers in (1, 2))
            if one and two and one["per_s"]:
                ratios.append(two["per_s"] / one["per_s"])
        return spread(ratios)


def per_s(cell: Record) -> float:
    """Requests per second by the clock."""
    return float(cell["per_s"])


def per_cpu_s(cell: Record) -> float:
    """Requests per second of the server's processor time."""
    return float(cell["per_s"] / max(cell["cpu"], _LEAST_CPU))


def spread(values: Iterable[float]) -> Spread | None:
    """Median, least and most; None of nothing."""
    found = list(values)
    return Spread(median(found), min(found), max(found), len(found)) if found else None


def claims(figures: Figures) -> list[Claim]:
    """Every ratio that must be shown, then those that are good to know."""
    got = [_best(figures, key, wanted) for key, wanted in _AGAINST_BEST.items()]
    got += [_raw(figures, *row) for row in _AGAINST_RAW]
    for model, protocol in CASES:
        what = f"{model} {protocol}, two workers on two cores"
        ratio = figures.two_workers(model, protocol)
        got.append(Claim(what, _TWO_WORKERS, ratio, "one worker on one core"))
    return got


def _best(figures: Figures, key: Key, wanted: float | None) -> Claim:
    ratio, name = figures.against_best(key, per_s)
    by_cpu, _ = figures.against_best(key, per_cpu_s)
    model, protocol, connections = key
    callers = ", one connection" if connections == 1 else ""
    what, against = f"{model} {protocol}{callers}", f"best peer ({name or 'none'})"
    return Claim(what, wanted, ratio, against, by_cpu)


def _raw(figures: Figures, key: Key, figure: str, wanted: float) -> Claim:
    model, protocol, _ = key
    ratio = figures.against_raw(OURS, key, f"{figure}_per_s", per_s)
    by_cpu = figures.against_raw(OURS, key, f"{figure}_per_cpu_s", per_cpu_s)
    return Claim(f"{model} {protocol}", wanted, ratio, _RAW_NAMES[figure], by_cpu)


def _key(server: str, cell: Record) -> Key:
    count = cell["workers"] if server == NAME else cell["connections"]
    return cell["model"], cell["protocol"], count


def _around(cell: Record, figure: str) -> float:
    """Mean of before and after."""
    value: Any = cell["raw_before"][figure] + cell["raw_after"][figure]
    return float(value) / 2


_RAW_NAMES = {
    "runs": "raw ONNX Runtime, runs of one row",
    "rows": "raw ONNX Runtime, rows in runs of 32",
}
_AGAINST_BEST: Mapping[Key, float | None] = {
    ("tabular", JSON, 32): 10.0,
    ("tabular", BINARY, 32): 10.0,
    ("tabular", JSON, 1): 6.0,
    ("lstm", BINARY, 32): 2.5,
    ("cnn", BINARY, 32): 1.3,
    ("cnn", JSON, 32): 2.5,
    ("tabular", GRPC, 32): 1.5,
    ("lstm", JSON, 32): None,
    ("lstm", GRPC, 32): None,
    ("cnn", GRPC, 32): None,
    ("tabular", BYTES, 32): None,
    ("lstm", BYTES, 32): None,
    ("cnn", BYTES, 32): None,
}
_AGAINST_RAW: Sequence[tuple[Key, str, float]] = (
    (("tabular", JSON, 32), "runs", 0.40),
    (("tabular", BINARY, 32), "runs", 0.55),
    (("lstm", BINARY, 32), "runs", 1.6),
    (("lstm", BINARY, 32), "rows", 0.85),
    (("cnn", BINARY, 32), "runs", 0.93),
)
_TWO_WORKERS = 1.7
_LEAST_CPU = 0.01
"""Of a core; processor time is counted in hundredths of a second."""
