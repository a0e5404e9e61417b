"""The tallies of all workers in, what the server has done since it began out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from stadion.serve.stats import Histogram, Stats
from stadion.serve.tally import Process, Tally

__all__ = ["OLDER", "Account", "Ledger", "ServerCounts", "counts_of", "sum_of"]

Key = tuple[str, int]

OLDER = 0
"""The version under which those are summed that nobody deploys any more."""
_MOST_UNDEPLOYED = 256
_TIMES = ("queue", "input", "infer", "output", "total")
_COUNTS = (
    "success", "cancelled", "rows", "runs", "pending", "shadow_same", "shadow_different",
    "shadow_failed", "shadow_dropped", "resident_bytes",
)  # fmt: skip
_LATEST = ("load_ns", "last_ms")


class ServerCounts(msgspec.Struct):
    """What all workers have done, those that ended included.

    `workers` are the processes that run now, by place; `restarts` is how often a place was
    filled again, and `spent` what its earlier processes have used and refused.
    """

    models: dict[str, dict[int, Stats]] = {}
    workers: list[Process | None] = []
    restarts: list[int] = []
    spent: list[Process] = []


class Account:
    """What the worker in one place has said of itself.

    A tally is kept as it came and replaced by the next, so that other threads may read it.
    """

    def __init__(self) -> None:
        self.process: Process | None = None
        self.versions: dict[Key, Stats] = {}
        self.restarts = 0
        self.spent = Process()
        self.closed: list[tuple[Key, Stats]] = []

    def take(self, tally: Tally) -> None:
        """What the process has done up to now."""
        self.process = tally.process
        for model, versions in tally.models.items():
            for version, stats in versions.items():
                self.versions[model, version] = stats
        for key in tally.closed:
            if key in self.versions:
                self.closed.append((key, self.versions.pop(key)))

    def end(self) -> None:
        """The process has ended: what it has done stays counted."""
        if self.process is not None:
            self.spent = _added(self.spent, self.process)
            self.process = None
        self.restarts += 1
        self.closed += self.versions.items()
        self.versions = {}


class Ledger:
    """Adds up the accounts of all places; a counter never falls because a process ended.

    Versions that are deployed no more are summed as one when there are many, so that neither
    memory nor metrics grow with every deployment.

    Parameters
    ----------
    is_deployed
        Whether a version of a model is part of what the server should serve.
    """

    def __init__(self, is_deployed: Callable[[str, int], bool]) -> None:
        self._is_deployed = is_deployed
        self._ended: dict[Key, Stats] = {}
        self._seen: dict[Key, None] = {}

    def snapshot(
        self, accounts: Sequence[Account], model: str = "", version: int = 0
    ) -> Callable[[], ServerCounts]:
        """Take hold of everything as it is now; adding it up may happen on another thread."""
        self._close(accounts)
        parts: list[Mapping[Key, Stats]] = [dict(self._ended)]
        parts += [dict(account.versions) for account in accounts]
        keys = dict.fromkeys(key for part in parts for key in part)
        self._seen = {key: None for key in self._seen if key in keys} | keys
        seen = tuple(self._seen)  # in the order of their first appearance, which never changes
        if model:
            parts = [_only(part, model, version) for part in parts]
        processes = [account.process for account in accounts]
        restarts = [account.restarts for account in accounts]
        spent = [account.spent for account in accounts]
        return lambda: ServerCounts(_by_model(seen, parts), processes, restarts, spent)

    def _close(self, accounts: Sequence[Account]) -> None:
        """Take over what ended processes have done."""
        has_new = False
        for account in accounts:
            for key, stats in account.closed:
                has_new = has_new or key not in self._ended
                self._ended[key] = sum_of([self._ended.get(key, Stats()), _at_rest(stats)])
            account.closed.clear()
        if has_new:
            self._fold(accounts)

    def _fold(self, accounts: Sequence[Account]) -> None:
        live = {key for account in accounts for key in account.versions}
        idle = [key for key in self._ended if key not in live and not self._is_deployed(*key)]
        versions = [key for key in idle if key[1] != OLDER]
        if len(versions) > _MOST_UNDEPLOYED:
            self._move(versions, lambda key: (key[0], OLDER))
        known = {model for model, _ in live}
        gone = [key for key in self._ended if key[1] == OLDER and key[0] not in known]
        if len(gone) > _MOST_UNDEPLOYED:
            self._move(gone, lambda _key: ("", OLDER))

    def _move(self, keys: Sequence[Key], target: Callable[[Key], Key]) -> None:
        for key in keys:
            stats = self._ended.pop(key)
            into = target(key)
            self._ended[into] = sum_of([self._ended.get(into, Stats()), stats])


def counts_of(view: Mapping[str, Any]) -> ServerCounts:
    """The counts as a server's reply holds them."""
    return msgspec.convert(view["counts"], ServerCounts, str_keys=True)


def sum_of(parts: Sequence[Stats]) -> Stats:
    """All counts together, and the latest of what cannot be added."""
    if len(parts) == 1:
        return parts[0]
    total = Stats()
    for name in _COUNTS:
        setattr(total, name, sum(getattr(part, name) for part in parts))
    for name in _LATEST:
        setattr(total, name, max((getattr(part, name) for part in parts), default=0))
    for name in _TIMES:
        setattr(total, name, _histogram([getattr(part, name) for part in parts]))
    for part in parts:
        for code, n in part.failed.items():
            total.failed[code] = total.failed.get(code, 0) + n
        for rows, (runs, ns) in part.batch_sizes.items():
            before = total.batch_sizes.get(rows, (0, 0))
            total.batch_sizes[rows] = (before[0] + runs, before[1] + ns)
    return total


def _histogram(parts: Sequence[Histogram]) -> Histogram:
    filled = [part for part in parts if part.sum_ns or any(part.counts)]
    if len(filled) <= 1:
        return filled[0] if filled else Histogram()
    counts = [sum(column) for column in zip(*(part.counts for part in filled), strict=True)]
    return Histogram(counts, sum(part.sum_ns for part in filled))


def _by_model(
    keys: Sequence[Key], parts: Sequence[Mapping[Key, Stats]]
) -> dict[str, dict[int, Stats]]:
    models: dict[str, dict[int, Stats]] = {}
    for key in keys:
        found = [part[key] for part in parts if key in part]
        if found:
            models.setdefault(key[0], {})[key[1]] = sum_of(found)
    return models


def _only(part: Mapping[Key, Stats], model: str, version: int) -> dict[Key, Stats]:
    return {
        key: stats
        for key, stats in part.items()
        if key[0] == model and (not version or key[1] == version)
    }


def _at_rest(stats: Stats) -> Stats:
    """Without what ends with the process: nothing waits and nothing is in memory."""
    return msgspec.structs.replace(stats, pending=0, resident_bytes=0, load_ns=0)


def _added(a: Process, b: Process) -> Process:
    reasons = {**a.refused, **b.refused}
    refused = {reason: a.refused.get(reason, 0) + b.refused.get(reason, 0) for reason in reasons}
    return Process(
        cpu_ns=a.cpu_ns + b.cpu_ns,
        refused=refused,
        log_lines=a.log_lines + b.log_lines,
        log_dropped=a.log_dropped + b.log_dropped,
    )
