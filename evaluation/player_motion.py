"""Where basketball players go: the official test part of SocialVAE's rebound scenes, in feet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluation.protocol import TASKS, Answered, answer_split, summary
from evaluation.results import Result, result
from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Dataset
from stadion.core.units import UNITS
from stadion.ingest import open_path
from stadion.science.paths import best_of, headings, motion_of, turned
from stadion.tasks.player_motion import MOVING_MPS

__all__ = ["evaluate", "figures"]

LEARNER = "trajectory"
SETTINGS = {"most_steps": 2_000, "epochs": 1_000, "precision": "bfloat16"}
"""Chosen on a sixth of the matches of the training part, held out; see docs/results."""
EVERY = 2
"""Every second moment of the training part: its neighbours are nearly the same rows."""
FOOT_M = UNITS["ft"].factor
STEP_S = 0.12
_SOON, _LATE = 3, 11  # the steps 0.48 s and 1.44 s ahead
_ASKED = {
    "ADE best of 20": "ft; SocialVAE 0.72, with its final selection 0.66 (Xu et al. 2022)",
    "FDE best of 20": "ft; SocialVAE 1.37, with its final selection 1.10 (Xu et al. 2022)",
    "speed at 0.48 s": "ft/s; none published: 30% below persistence is asked for",
    "speed at 1.44 s": "ft/s; none published: 30% below persistence is asked for",
    "heading at 0.48 s": "degrees, moving above 3 ft/s; none published: 30% below persistence",
    "heading at 1.44 s": "degrees, moving above 3 ft/s; none published: 30% below persistence",
}
"""Figure -> unit and what is known of it."""


def evaluate(data: Path, seeds: Sequence[int]) -> list[Result]:
    """One line for each figure asked for; the details of the first hold all others."""
    folder = data / "E_player_tracking" / "nba_sportvu_rebound"
    task = TASKS.get("player_motion")
    train, test = _rows(folder / "train.tar.xz", EVERY), _rows(folder / "test.tar.xz", 1)
    answers, each, blanked = [], [], []
    for seed in seeds:
        answer = answer_split(task, train, test, seed, LEARNER, folds=1, settings=SETTINGS)
        each.append(figures(test, answer.outputs))
        blanked.append({s: figures(test, outputs) for s, outputs in answer.missing.items()})
        answers.append(_without_futures(answer))
    trivial = {
        name: figures(test, {**outputs, "futures": outputs["position"][:, None]})
        for name, outputs in task.baselines(train, test).items()
    }
    missing = {f"{share:g}": _means([b[share] for b in blanked]) for share in blanked[0]}
    common = summary(answers)
    details = {
        "all figures": _means(each),
        "each seed": [round(figure["ADE best of 20"], 4) for figure in each],
        "of constant velocity": trivial["constant velocity"],
    }
    return [
        result(
            common,
            task=task.name,
            data="NBA rebounds",
            protocol=f"official split, 8 steps seen and 12 asked, {len(seeds)} seeds: {name}",
            metric=name,
            value=float(np.mean([figure[name] for figure in each])),
            spread=float(np.std([figure[name] for figure in each])),
            baselines={baseline: figure[name] for baseline, figure in trivial.items()},
            anchor=known,
            test_rows=len(test),
            details={
                **(details if name == "ADE best of 20" else {}),
                "with a share of the inputs missing": {k: v[name] for k, v in missing.items()},
            },
        )
        for name, known in _ASKED.items()
    ]


def _rows(path: Path, every: int) -> Dataset:
    task = TASKS.get("player_motion")
    return task.dataset(open_path(path).activities, task.Settings(every=every))


def _without_futures(answer: Answered) -> Answered:
    """Without the largest outputs, so that several seeds fit into memory."""

    def rest(outputs: Arrays) -> dict[str, Array]:
        return {name: values for name, values in outputs.items() if name != "futures"}

    missing = {share: rest(outputs) for share, outputs in answer.missing.items()}
    return replace(answer, outputs=rest(answer.outputs), missing=missing)


def _means(figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: round(float(np.mean([f[name] for f in figures])), 4) for name in figures[0]}


def figures(test: Dataset, outputs: Mapping[str, Array]) -> dict[str, float]:
    """All figures of the question, in feet, seconds and degrees.

    Parameters
    ----------
    outputs
        As a model gives them; `futures` (n, K, 12, 2) of which the best counts.
    """
    truth, said = test.targets["position"] / FOOT_M, outputs["position"] / FOOT_M
    ade, fde = _best(outputs["futures"], test.targets["position"])
    one = np.linalg.norm(said - truth, axis=2)
    speed, true_speed = outputs["speed"] / FOOT_M, test.targets["speed"] / FOOT_M
    turn = np.degrees(np.abs(outputs["turn_rate"] - test.targets["turn_rate"]))
    growth = np.abs(outputs["acceleration"] - test.targets["acceleration"]) / FOOT_M
    found = {
        "ADE best of 20": ade / FOOT_M,
        "FDE best of 20": fde / FOOT_M,
        "mae": float(np.abs(said - truth).mean()),
        "ADE": float(one.mean()),
        "FDE": float(one[:, -1].mean()),
        "acceleration": float(growth.mean()),
        "turn rate": float(np.nanmean(turn)),
    }
    for step in (_SOON, _LATE):
        after = f"at {(step + 1) * STEP_S:.2f} s"
        found[f"speed {after}"] = float(np.abs(speed - true_speed)[:, step].mean())
        found[f"heading {after}"] = _heading_error(test, outputs["position"], step)
    return found | _violations(test.inputs["path"], outputs)


def _best(futures: Array, truth: Array) -> tuple[float, float]:
    """ADE and FDE in metres, in parts that fit into memory."""
    parts = [
        best_of(futures[at : at + 4_096], truth[at : at + 4_096])
        for at in range(0, len(truth), 4_096)
    ]
    ade, fde = (np.concatenate(values) for values in zip(*parts, strict=True))
    return float(ade.mean()), float(fde.mean())


def _heading_error(test: Dataset, said: Array, step: int) -> float:
    """Mean angle in degrees between the said and the true step, who moves now and then."""
    path = test.inputs["path"][:, -2:]
    ours = headings(np.concatenate([path[:, -1:], said], axis=1))[:, step]
    truth = headings(np.concatenate([path[:, -1:], test.targets["position"]], axis=1))[:, step]
    now = np.linalg.norm(path[:, 1] - path[:, 0], axis=1) / STEP_S
    moving = (now > MOVING_MPS) & (test.targets["speed"][:, step] > MOVING_MPS)
    return float(np.degrees(np.abs(turned(ours, truth)))[moving].mean())


def _violations(path: Array, outputs: Mapping[str, Array]) -> dict[str, float]:
    """Medians of how far speed, acceleration and turn rate are from what they are rates of."""
    motion = motion_of(
        np.concatenate([path[:, -2:], outputs["position"]], axis=1), STEP_S, MOVING_MPS
    )
    speed = np.concatenate([motion.speed[:, :1], outputs["speed"]], axis=1)
    grown = np.diff(speed, axis=1) / STEP_S
    apart = {
        "violation of speed": np.abs(outputs["speed"] - motion.speed[:, 1:]) / FOOT_M,
        "violation of acceleration": np.abs(outputs["acceleration"] - grown) / FOOT_M,
        "violation of turn rate": np.degrees(np.abs(outputs["turn_rate"] - motion.turn_rate)),
    }
    return {name: float(np.nanmedian(values)) for name, values in apart.items()}
