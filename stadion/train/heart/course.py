"""Moments of many workouts in; a crew that has learned to tell them from their openings out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from stadion.core.arrays import FloatArray, IntArray
from stadion.train.heart.calibration import Seen
from stadion.train.heart.crew import BPM, USUAL_BPM, Crew
from stadion.train.heart.responses import MOMENTS, Asked, Responses

__all__ = ["CourseSettings", "Material", "taught"]

_PARTS = 4
"""Steps of an epoch: each takes a quarter of the workouts."""
_ROWS = 60
"""Moments of a workout in one step."""
_COPIES = 8
"""Drawings of moments and openings that the epochs go through."""
_BLANKED = 0.3
"""Share of drawings of which values were lost."""
_POPULATION, _OPENING = 0.3, 0.06
"""Weights of the population's own error, and of that in the opening, beside the heart's."""


@dataclass(frozen=True, slots=True)
class CourseSettings:
    """How a crew learns; `elsewhere` is the share of openings that lie within a workout."""

    epochs: int
    learning_rate: float
    elsewhere: float


class Material(NamedTuple):
    """What is learned from.

    Parameters
    ----------
    asked
        Raw features of n rows, and after them of the same n rows with holes.
    truth
        (n,) heart rate in bpm.
    workouts
        Rows of each workout in the order of time.
    bags
        Which of the workouts each network learns from.
    """

    asked: Asked
    truth: FloatArray
    workouts: Sequence[IntArray]
    bags: Sequence[IntArray]


class _Drawn(NamedTuple):
    """Of each workout m moments that show its heart, and k to answer; see `_drawn`."""

    opening: Tensor
    beats: Tensor
    there: Tensor
    opening_step: Tensor
    now: Tensor
    truth: Tensor
    weight: Tensor
    now_step: Tensor


def taught(
    crew: Crew,
    responses: Responses,
    material: Material,
    settings: CourseSettings,
    seed: int,
) -> None:
    """Train the crew in place, every network on drawings of its own."""
    rng = np.random.default_rng(seed)
    bank = [_drawn(material, responses, settings.elsewhere, rng) for _ in range(_COPIES)]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    drawings = _Drawn(*(torch.stack(each).to(device) for each in zip(*bank, strict=True)))
    crew.to(device)
    weights = [p for name, p in crew.named_parameters() if "calibration" not in name]
    fast = settings.learning_rate * 5.0
    optimizer = torch.optim.AdamW(
        [
            {"params": weights, "lr": settings.learning_rate, "weight_decay": 1e-2},
            {"params": list(crew.calibration.parameters()), "lr": fast, "weight_decay": 0.0},
        ]
    )
    steps = settings.epochs * _PARTS
    rates = [settings.learning_rate, fast]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps)
    crew.train()
    bags = material.bags
    least = min(len(bag) for bag in bags)
    for _ in range(settings.epochs):
        orders = np.stack([rng.permutation(bag)[:least] for bag in bags])
        for some in np.array_split(orders, min(_PARTS, least), axis=1):
            which = torch.from_numpy(some).to(device)
            copy = torch.from_numpy(rng.integers(0, _COPIES, some.shape)).to(device)
            loss = _loss(crew, _Drawn(*(each[copy, which] for each in drawings)))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if schedule.last_epoch < steps:
                schedule.step()
    crew.cpu().eval()


def _loss(crew: Crew, drawn: _Drawn) -> Tensor:
    """Sum over the networks of the Huber losses; each has drawings (networks, b, ...)."""
    networks, rows, moments, width = drawn.opening.shape
    asked = drawn.now.shape[2]
    now, ways = crew.expected(drawn.now.reshape(networks, rows * asked, width))
    then, then_ways = crew.expected(drawn.opening.reshape(networks, rows * moments, width))
    now, then = now.reshape(networks, rows, asked), then.reshape(networks, rows, moments)
    seen = Seen(
        (drawn.beats - then) * drawn.there,
        drawn.there,
        drawn.opening_step,
        then_ways.reshape(networks, rows, moments, -1),
    )
    more = crew.calibration(seen, drawn.now_step, ways.reshape(networks, rows, asked, -1))
    weight = drawn.weight / drawn.weight.sum(dim=(1, 2), keepdim=True)
    there = drawn.there / drawn.there.sum(dim=(1, 2), keepdim=True).clamp(min=1.0)
    return (
        (_huber(now + more, drawn.truth) * weight).sum()
        + _POPULATION * (_huber(now, drawn.truth) * weight).sum()
        + _OPENING * (_huber(then, drawn.beats) * there).sum()
    )


def _huber(answer: Tensor, truth: Tensor) -> Tensor:
    return functional.smooth_l1_loss(answer, truth, reduction="none")


def _drawn(
    material: Material, responses: Responses, elsewhere: float, rng: np.random.Generator
) -> _Drawn:
    """One drawing: per workout an opening, true or taken from within, and moments after it."""
    asked, n = material.asked, len(material.truth)
    truth = (material.truth - USUAL_BPM) / BPM
    parts: list[_Drawn] = []
    for rows in material.workouts:
        shift = n if rng.random() < _BLANKED else 0
        step = asked.now_step[rows].numpy()
        start = _start(step, rng) if rng.random() < elsewhere else None
        if start is None:
            first = int(rng.choice(rows)) + shift
            opening, beats = asked.opening[first], (asked.beats[first] - USUAL_BPM) / BPM
            opening_step, later = asked.opening_step[first], rows
        else:
            shown = rows[(step >= start) & (step < start + 30)]
            shown = shown[np.linspace(0, len(shown) - 1, len(MOMENTS)).round().astype(int)]
            opening, opening_step = asked.now[shown + shift], asked.now_step[shown]
            beats = torch.from_numpy(truth[shown].astype(np.float32))
            later = rows[step >= start + 30]
        chosen = np.sort(rng.permutation(later)[:_ROWS])
        padded = np.resize(chosen, _ROWS)
        weight = np.zeros(_ROWS, np.float32)
        weight[: len(chosen)] = np.sqrt(len(rows)) / len(chosen)
        there = torch.isfinite(beats).to(torch.float32)
        parts.append(
            _Drawn(
                responses.standard(opening),
                torch.nan_to_num(beats),
                there,
                opening_step,
                responses.standard(asked.now[padded + shift]),
                torch.from_numpy(truth[padded].astype(np.float32)),
                torch.from_numpy(weight),
                asked.now_step[padded],
            )
        )
    return _Drawn(*(torch.stack(each) for each in zip(*parts, strict=True)))


def _start(step: FloatArray, rng: np.random.Generator) -> float | None:
    """The step at which an opening within the workout begins, as a rule well before its end."""
    room = step[step <= step[-1] - 60]
    if len(room) < 1:
        return None
    start = float(rng.choice(room))
    shown = (step >= start) & (step < start + 30)
    return start if shown.sum() >= len(MOMENTS) // 2 else None
