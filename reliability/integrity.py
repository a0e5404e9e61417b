"""Very many different questions at once, in every protocol, in; the answers that were wrong out."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import uvloop

from reliability.asking import Asked, ask_grpc, ask_http, ask_stream, run_threads
from reliability.homes import with_models
from reliability.models import linear, ramp, slow, wide
from reliability.proof import Report, Scene, exactly
from reliability.server import Server, serving
from reliability.tongues import HTTP, Question, Tongue, question
from stadion.core.deployment import Mode

__all__ = ["RED", "SHORT", "Settings", "run"]

FACTORS = {"ramp": 1.0, "wide": 2.0, "looped": 4.0, "linear": 8.0}
_NAMES = tuple(FACTORS)
_LOOP_ROUNDS = 2_000
_ROWS = (1, 1, 1, 2, 3, 8)
_SPACING = max(_ROWS)
_PLANTED = 10
_WRONG, _SWAPPED = "wrong answers", "answers with another question's id"
_FAILED, _MISSED = "questions without an answer", "questions that nobody asked"
_MODES = "ways to run that no model was given"


@dataclass(frozen=True, slots=True)
class Settings:
    """How much of it; `grpc` and `streams` are how many channels ask beside the connections."""

    calls: int = 100_000
    connections: int = 48
    grpc: int = 4
    streams: int = 2
    workers: int = 2


SHORT: Mapping[str, Any] = {"calls": 1_200, "connections": 16, "grpc": 2, "streams": 1}
RED = (_WRONG, _SWAPPED)


@dataclass(slots=True)
class Deck:
    """Hands out each question once, to whoever asks next; the models are drawn by chance."""

    calls: int
    seed: int
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def draw(self) -> Question | None:
        """The next question; None when all have been asked."""
        with self._lock:
            number = next(self._numbers)
        if number >= self.calls:
            return None
        chance = random.Random((self.seed << 32) + number)  # noqa: S311  # lots, no secret
        model = chance.choice(_NAMES)
        rows = chance.choice(_ROWS)
        return question(number * _SPACING, rows, model, FACTORS[model], self.seed)


def run(scene: Scene, settings: Settings, sabotaged: bool) -> Report:
    """All at once; in the control some questions want the answer and the id of another."""
    folder = scene.folder
    packages = [
        ("ramp", ramp(folder / "ramp", FACTORS["ramp"])),
        ("wide", wide(folder / "wide", FACTORS["wide"])),
        ("looped", slow(folder / "looped", FACTORS["looped"], _LOOP_ROUNDS)),
        ("linear", linear(folder / "linear", FACTORS["linear"])),
    ]
    home = with_models(folder / "home", packages)
    options = ["--grpc", "127.0.0.1:0"] if settings.grpc or settings.streams else []
    with serving(home, settings.workers, options) as server:
        for name, _ in packages:  # measured on this machine: written into the deployment
            server.client.deploy(f"{name}:1")
        modes = _modes(server)
        scene.say(f"{settings.calls:,} questions; the models run as {modes}")
        deck = Deck(settings.calls, scene.seed)
        asked = _ask_all(server, settings, deck)
    return _judge(_planted(asked) if sabotaged else asked, settings, modes, sabotaged)


def _ask_all(server: Server, settings: Settings, deck: Deck) -> list[Asked]:
    target = server.grpc.rpartition("/")[2]
    work: list[Callable[[], list[Asked]]] = []
    work += [lambda: ask_grpc(target, deck.draw)] * settings.grpc
    work += [lambda: ask_stream(target, deck.draw)] * settings.streams
    wait = run_threads(work)
    turns = itertools.cycle(HTTP)

    def next_one() -> tuple[Question, Tongue] | None:
        it = deck.draw()
        return None if it is None else (it, next(turns))

    async def connections() -> list[list[Asked]]:
        tasks = (ask_http(server.port, next_one) for _ in range(settings.connections))
        return await asyncio.gather(*tasks)

    found = uvloop.run(connections())
    return [asked for part in found for asked in part] + wait()


def _modes(server: Server) -> dict[str, str]:
    """How the server chose to run each model."""
    models = server.plane.status()["models"]
    found = {}
    for name in FACTORS:
        plan = models[name]["routes"][0].get("plan") or {}
        found[name] = str(plan.get("mode", "?"))
    return found


def _planted(asked: list[Asked]) -> list[Asked]:
    """Some questions with another's answer wanted, some with another's id."""
    for i in range(_PLANTED):
        it = asked[i].question
        asked[i] = replace(asked[i], question=replace(it, wanted=it.wanted + 1))
    with_ids = [i for i, one in enumerate(asked) if one.id]
    for i in with_ids[-_PLANTED:]:
        asked[i] = replace(asked[i], question=replace(asked[i].question, id="q-1"))
    return asked


def _judge(
    asked: list[Asked], settings: Settings, modes: dict[str, str], sabotaged: bool
) -> Report:
    failed = [one for one in asked if one.numbers is None]
    answered = [one for one in asked if one.numbers is not None]
    wrong = [one for one in answered if not one.is_right]
    swapped = [one for one in answered if one.id is not None and one.id != one.question.id]
    reasons = Counter(f"{one.tongue}: {one.failure[:120]}" for one in failed)
    return Report(
        injected={"planted": _PLANTED if sabotaged else 0, "models run as": modes},
        observed={
            "by protocol": dict(Counter(one.tongue for one in answered)),
            "by model": dict(Counter(one.question.model for one in answered)),
            "by rows": dict(sorted(Counter(len(one.question.rows) for one in answered).items())),
            "failures": dict(reasons.most_common(10)),
            "wrong": dict(Counter(f"{one.tongue}, {one.question.model}" for one in wrong)),
        },
        figures={"answers": len(answered)},
        verdicts=[
            exactly(_WRONG, len(wrong), 0),
            exactly(_SWAPPED, len(swapped), 0),
            exactly(_FAILED, len(failed), 0),
            exactly(_MISSED, settings.calls - len(asked), 0),
            exactly(_MODES, len(set(get_args(Mode)) - set(modes.values())), 0),
        ],
    )
