"""Hearts follow demand by an equation; an opening tells how this one differs."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.science.effort import exponential_means
from stadion.science.missing import blanked
from stadion.science.scores import mae
from stadion.train.base import Run
from stadion.train.heart.calibration import Calibration, Seen, solved
from stadion.train.heart.crew import BPM, USUAL_BPM
from stadion.train.heart.equation import Equation
from stadion.train.heart.example import made_up_workouts
from stadion.train.heart.reading import episodes
from stadion.train.heart.responses import MOMENTS, Responses
from stadion.train.heart_hybrid import PLUGIN as HYBRID
from stadion.train.heart_ode import PLUGIN as ODE

QUICK: dict[str, dict[str, Any]] = {
    "heart_ode": {"epochs": 15, "rows": 160, "batch": 40, "learning_rate": 0.02},
    "heart_hybrid": {"epochs": 25, "ode_epochs": 1, "trees": 60, "min_child": 5, "ode_share": 0.0},
}


def test_heart_rate_comes_to_its_goal_with_the_time_constant() -> None:
    equation = Equation()
    with torch.no_grad():
        equation.logs.copy_(torch.log(torch.tensor([60.0, 60.0, 1e-6, 1e-6])))
        rising = equation(torch.ones(1, 120), torch.zeros(1))[0]
        falling = equation(-torch.ones(1, 120), torch.zeros(1))[0]
    # after one time constant six Euler steps have gone 1 - (5/6)^6 of the way
    assert rising[5].item() == pytest.approx(1 - (5 / 6) ** 6, abs=1e-4)
    assert rising[-1].item() == pytest.approx(1.0, abs=1e-3)
    torch.testing.assert_close(falling, -rising)


def test_no_goal_drives_a_heart_beyond_what_hearts_do() -> None:
    with torch.no_grad():
        courses = Equation()(torch.tensor([[100.0] * 200, [-100.0] * 200]), torch.zeros(2))
    bpm = courses * BPM + USUAL_BPM
    assert bpm.max() < 210
    assert bpm.min() > 44


def test_elimination_solves_what_numpy_solves() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(5, 6, 6))
    matrix, right = root @ root.transpose(0, 2, 1) + np.eye(6), rng.normal(size=(5, 6, 1))
    ours = solved(torch.from_numpy(matrix), torch.from_numpy(right)).numpy()
    np.testing.assert_allclose(ours, np.linalg.solve(matrix, right), rtol=1e-6, atol=1e-9)


def test_calibration_is_the_posterior_mean_of_the_known_moments() -> None:
    rng = np.random.default_rng(1)
    calibration = Calibration(1)
    const, passing, reach, ways, noise, slow, slow_reach = np.exp(
        calibration.prior.detach().numpy()[0].astype(float)
    )
    step, ask = np.array([4.0, 9.0, 14.0]), np.array([60.0])
    phi, phi_ask = rng.normal(size=(3, 2)), rng.normal(size=(1, 2))
    residual, there = np.array([1.0, -0.5, 99.0]), np.array([1.0, 1.0, 0.0])

    def alike(a: np.ndarray, b: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
        apart = np.abs(a[:, None] - b[None, :])
        return np.asarray(const**2 + passing**2 * np.exp(-apart / reach) + ways**2 * p @ q.T)

    known = slice(0, 2)
    apart = np.abs(step[known, None] - step[None, known])
    matrix = alike(step[known], step[known], phi[known], phi[known])
    matrix = matrix + (noise**2 + 0.01) * np.eye(2) + slow**2 * np.exp(-apart / slow_reach)
    truth = alike(ask, step[known], phi_ask, phi[known]) @ np.linalg.solve(matrix, residual[known])

    def as_tensor(values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values.astype(np.float32))[None, None]

    seen = Seen(as_tensor(residual), as_tensor(there), as_tensor(step), as_tensor(phi))
    with torch.no_grad():
        ours = calibration(seen, as_tensor(ask), as_tensor(phi_ask))
    np.testing.assert_allclose(ours.numpy()[0, 0], truth, rtol=1e-4)


def test_filtered_streams_are_the_exponential_means_of_the_stream() -> None:
    data = made_up_workouts(0)
    holed = blanked(data.inputs, 0.3, 1, data.signature)
    asked = Responses(data.signature)(
        *(torch.from_numpy(holed[t.name]) for t in data.signature.inputs)
    )
    for column, steps in enumerate((2.0, 5.0, 10.0, 20.0, 40.0)):
        slow = np.array([exponential_means(row, steps)[-1] for row in holed["speed"]])
        ours = asked.now[:, column].numpy()
        both = np.isfinite(ours) & np.isfinite(slow)
        assert both.mean() > 0.5
        np.testing.assert_allclose(ours[both], slow[both], rtol=1e-3)
        last = exponential_means(holed["opening_speed"][0], steps)[MOMENTS[-1]]
        np.testing.assert_allclose(asked.opening[0, -1, column].numpy(), last, rtol=1e-3)


def test_rows_of_one_opening_are_one_workout() -> None:
    data = made_up_workouts(0)
    shuffled = data.take(np.random.default_rng(0).permutation(len(data)))
    found = episodes(shuffled)
    assert sorted(len(rows) for rows in found) == [20] * 8
    for rows in found:
        assert len(set(shuffled.groups[rows].tolist())) == 1
        assert (np.diff(shuffled.inputs["elapsed_s"][rows]) > 0).all()


@pytest.mark.parametrize("learner", [ODE, HYBRID], ids=lambda learner: str(learner.name))
def test_unseen_hearts_are_told_better_than_by_their_last_known_rate(
    learner: Any, tmp_path: Path
) -> None:
    known, asked = made_up_workouts(0, 16), made_up_workouts(1)
    settings = dataclasses.replace(learner.Settings(), **QUICK[learner.name])
    model = learner.fit(known, settings, Run(0, tmp_path))
    truth = asked.targets["heart_rate"]
    ours = mae(truth, model.predict(asked.inputs)["heart_rate"])
    held = mae(truth, asked.inputs["opening_heart_rate"][:, -1])
    usual = mae(truth, np.full(len(asked), known.targets["heart_rate"].mean()))
    assert ours < 0.8 * min(held, usual), f"{ours:.1f} against {held:.1f} and {usual:.1f}"
    _graph_answers_alike_and_at_once(model, asked, tmp_path / "model.onnx")


def _graph_answers_alike_and_at_once(model: Any, data: Dataset, path: Path) -> None:
    model.to_onnx(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session: Any = onnxruntime.InferenceSession(path.read_bytes(), options)
    for share in (0.0, 0.3, 1.0):
        inputs = blanked(data.inputs, share, 2, data.signature)
        (graph,) = session.run(["heart_rate"], inputs)
        np.testing.assert_allclose(graph, model.predict(inputs)["heart_rate"], rtol=1e-4)
    one = {name: values[:1] for name, values in data.inputs.items()}
    before = time.process_time()  # not the wall clock: others may use the machine
    for _ in range(20):
        session.run(["heart_rate"], one)
    assert (time.process_time() - before) / 20 < 0.020


@pytest.mark.parametrize("learner", [ODE, HYBRID], ids=lambda learner: str(learner.name))
def test_one_workout_is_too_few(learner: Any, tmp_path: Path) -> None:
    with pytest.raises(StadionError) as refused:
        learner.fit(made_up_workouts(0, 1), learner.Settings(), Run(0, tmp_path))
    assert refused.value.code is Code.INVALID
