"""What clients asked and were told in; every promise that the registry then broke out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from stadion.registry import Registry

__all__ = ["Ack", "Intent", "Ledger", "Line", "State", "broken_promises", "state_of"]

Act = Literal["register", "deploy", "rollback"]


class Intent(msgspec.Struct, frozen=True, tag="intent"):
    """A call about to be made.

    `id` is its idempotency key, and the reason it gives in the log. `version` is what a
    deployment routes to.
    """

    id: str
    act: Act
    model: str
    version: int = 0


class Ack(msgspec.Struct, frozen=True, tag="ack"):
    """The answer to a call: a version's number and package digest, or a generation and what it
    routes to. A call that was refused promised nothing and has number 0."""

    id: str
    number: int
    content: str


Line = Intent | Ack


class Ledger:
    """Lines in a file outside the process under test, each flushed before the next is read."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        self.lines: list[Line] = []

    def write(self, line: Line) -> None:
        """Keep a line."""
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()
        self.lines.append(line)

    def unanswered(self) -> list[Intent]:
        """Calls whose answer never came: they may have happened or not."""
        answered = {line.id for line in self.lines if isinstance(line, Ack)}
        asked = {line.id: line for line in self.lines if isinstance(line, Intent)}
        return [intent for intent in asked.values() if intent.id not in answered]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class State:
    """What is there: (model, number) -> digest; (model, generation) -> (reason, version)."""

    versions: Mapping[tuple[str, int], str] = field(default_factory=dict)
    log: Mapping[tuple[str, int], tuple[str, str]] = field(default_factory=dict)


def state_of(registry: Registry) -> State:
    """Read everything through the front door; a version that cannot be loaded raises."""
    models = [summary.model for summary in registry.models()]
    versions = [version for model in models for version in registry.versions(model)]
    entries = [entry for model in models for entry in registry.history(model)]
    for version in versions:
        assert version.package.digest == version.digest
    return State(
        {(v.model, v.number): v.digest for v in versions},
        {(e.model, e.generation): (e.reason, str(e.routes[0].version)) for e in entries},
    )


def broken_promises(lines: Iterable[Line], before: State, after: State) -> list[str]:
    """Sentences, one for each promise not kept; none when all is well.

    Parameters
    ----------
    lines
        The whole ledger so far.
    before
        What was there after the last restart: nothing of it may be gone or changed.
    after
        What is there now.
    """
    lines = list(lines)
    intents = {line.id: line for line in lines if isinstance(line, Intent)}
    acks = [line for line in lines if isinstance(line, Ack) and line.number]
    return [
        *_unkept(intents, acks, after),
        *_twice(intents, acks, after),
        *_out_of_nowhere(intents, after),
        *_changed(before, after),
        *_gaps(after),
    ]


def _unkept(intents: Mapping[str, Intent], acks: list[Ack], after: State) -> Iterator[str]:
    for ack in acks:
        intent = intents[ack.id]
        place = (intent.model, ack.number)
        if intent.act == "register":
            kept = after.versions.get(place) == ack.content
        else:
            kept = after.log.get(place) == (ack.id, ack.content)
        if not kept:
            yield f"acknowledged {intent.act} {ack.id} is not at {place}"


def _twice(intents: Mapping[str, Intent], acks: list[Ack], after: State) -> Iterator[str]:
    digests = Counter((model, digest) for (model, _), digest in after.versions.items())
    reasons = Counter((model, reason) for (model, _), (reason, _) in after.log.items())
    for what, times in (digests + reasons).items():
        if times > 1:
            yield f"{what} is there {times} times"
    given = {(intents[a.id].act == "register", intents[a.id].model, a.number, a.id) for a in acks}
    places = Counter((is_version, model, number) for is_version, model, number, _ in given)
    for place, times in places.items():
        if times > 1:
            yield f"number {place} was given {times} times"


def _out_of_nowhere(intents: Mapping[str, Intent], after: State) -> Iterator[str]:
    for place, (reason, _) in after.log.items():
        if reason not in intents:
            yield f"log row {place} was never asked for"
    asked = Counter(intent.model for intent in intents.values() if intent.act == "register")
    there = Counter(model for model, _ in after.versions)
    for model, count in there.items():
        if count > asked[model]:
            yield f"{model} has {count} versions; {asked[model]} were asked for"


def _changed(before: State, after: State) -> Iterator[str]:
    for place, digest in before.versions.items():
        if after.versions.get(place) != digest:
            yield f"version {place} was there and is gone or another one"
    for place, row in before.log.items():
        if after.log.get(place) != row:
            yield f"log row {place} was there and is gone or another one"


def _gaps(after: State) -> Iterator[str]:
    for what, places in (("version", after.versions), ("log row", after.log)):
        highest: dict[str, int] = {}
        for model, number in places:
            highest[model] = max(highest.get(model, 0), number)
        for model, number in highest.items():
            if number != sum(1 for owner, _ in places if owner == model):
                yield f"{what} numbers of {model} have a gap below {number}"
