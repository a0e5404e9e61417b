"""The contract of a learner, executable: each takes one learner and raises if it is broken."""

from __future__ import annotations

import dataclasses
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.model import Model
from stadion.core.names import checked_name
from stadion.core.settings import read_settings, settings_to_dict
from stadion.train._examples import (
    day_table,
    movements,
    outputs_of,
    pace_and_heart_rate,
    with_gaps,
)
from stadion.train.base import Learner, Progress, Run, silent

__all__ = [
    "check_a_channel_never_measured_does_no_harm",
    "check_a_finished_training_gives_the_same_model_again",
    "check_a_quantity_is_answered_in_its_unit",
    "check_a_row_is_answered_alike_in_any_company",
    "check_a_set_that_cannot_answer_is_refused",
    "check_a_table_is_answered_or_refused",
    "check_equal_seeds_give_equal_models",
    "check_it_says_what_it_is",
    "check_missing_values_are_answered",
    "check_progress_comes_to_its_end",
    "check_settings_are_read_from_text",
    "check_the_answer_is_what_the_signature_says",
    "check_the_graph_answers_like_the_model",
    "check_training_leaves_the_process_as_it_was",
]

_QUICK = {"epochs": 3, "trees": 10, "features": 500}
"""Settings by which learners usually say how much they work; a check needs little of it."""
_TOLERANCE = 1e-4  # scaled difference, as the export allows


def check_it_says_what_it_is(learner: Learner) -> None:
    """A safe name, one line about itself, and frozen settings of which each has a default."""
    checked_name(learner.name, "learner name")
    assert 10 <= len(learner.summary) <= 120, f"the summary is {learner.summary!r}"
    assert "\n" not in learner.summary, "the summary has more than one line"
    settings = learner.Settings()
    for name in settings_to_dict(settings):
        try:
            setattr(settings, name, None)
        except dataclasses.FrozenInstanceError:
            continue
        raise AssertionError(f"setting {name!r} can be changed after the fact")


def check_settings_are_read_from_text(learner: Learner) -> None:
    """Defaults lie within their own limits, and `--set` can give every one of them."""
    settings = learner.Settings()
    text = {name: str(value).lower() for name, value in settings_to_dict(settings).items()}
    assert read_settings(learner.Settings, text, learner.name) == settings


def check_the_answer_is_what_the_signature_says(learner: Learner) -> None:
    """Names, shapes and datatypes; probabilities lie in 0..1 and add up to 1."""
    data = _sets(learner)[0]
    model = _fitted(learner, data)
    answer = model.predict(data.inputs)
    asked = [tensor.name for tensor in data.signature.outputs]
    assert [tensor.name for tensor in model.signature.outputs][: len(asked)] == asked
    assert set(answer) == {tensor.name for tensor in model.signature.outputs}, (
        f"it answers {sorted(answer)}"
    )
    for tensor in model.signature.outputs:
        tensor.check(answer[tensor.name])
    for name in data.signature.labels:
        sums = answer[name].sum(axis=-1)
        assert np.allclose(sums, 1, atol=1e-5), f"{name}: they do not add up to 1"
        assert answer[name].min() >= 0, f"a probability of {name} is negative"


def check_a_quantity_is_answered_in_its_unit(learner: Learner) -> None:
    """One number per row, two numbers per row, and both outputs at once; none far off."""
    both = pace_and_heart_rate()
    usual = [outputs_of(both, "heart_rate"), outputs_of(both, "breaths"), both]
    for data in usual if _example(learner) is None else _sets(learner):
        answer = _fitted(learner, data).predict(data.inputs)
        for name in data.targets.keys() - data.signature.labels.keys():
            target = data.targets[name]
            data.signature.output(name).check(answer[name])
            spread = np.nanmean(np.abs(target - np.nanmean(target, axis=0)))
            error = np.nanmean(np.abs(answer[name] - target)) / spread
            assert error < 1.5, f"{name} is off by {error:.1f} times the spread of the target"


def check_missing_values_are_answered(learner: Learner) -> None:
    """A request of which nothing was measured, and one with gaps, get finite answers."""
    for data in _sets(learner):
        model = _fitted(learner, data)
        for share in (0.5, 1.0):
            for name, values in model.predict(with_gaps(data.inputs, share)).items():
                assert np.isfinite(values).all(), f"{name} is not finite with {share:.0%} missing"


def check_a_channel_never_measured_does_no_harm(learner: Learner) -> None:
    """A channel without any value in training may be asked with a value, and without."""
    data = _sets(learner)[0]
    name = next(t.name for t in reversed(data.signature.inputs) if t.missing)
    unknown = {**data.inputs, name: np.full_like(data.inputs[name], np.nan)}
    model = _fitted(learner, dataclasses.replace(data, inputs=unknown))
    for inputs in (unknown, data.inputs):
        for output, values in model.predict(inputs).items():
            assert np.isfinite(values).all(), f"{output} is not finite without {name}"


def check_a_row_is_answered_alike_in_any_company(learner: Learner) -> None:
    """Predicting twice, and row by row, gives the same; the inputs stay as they were."""
    data = _sets(learner)[0]
    model = _fitted(learner, data)
    before = {name: values.copy() for name, values in data.inputs.items()}
    together = model.predict(data.inputs)
    _same(together, model.predict(data.inputs), "predicting twice")
    for name, values in before.items():
        assert np.array_equal(values, data.inputs[name], equal_nan=True), f"it changed {name}"
    alone = [model.predict(data.take(np.array([row])).inputs) for row in range(5)]
    first = {name: np.concatenate([answer[name] for answer in alone]) for name in together}
    _same({name: values[:5] for name, values in together.items()}, first, "row by row")
    nobody = model.predict(data.take(np.arange(0)).inputs)
    assert not any(len(values) for values in nobody.values()), "no rows get an answer"


def check_equal_seeds_give_equal_models(learner: Learner) -> None:
    """Equal seed, data and settings: equal answers."""
    data = _sets(learner)[0]
    first, second = (_fitted(learner, data).predict(data.inputs) for _ in range(2))
    _same(first, second, "training twice")


def check_a_finished_training_gives_the_same_model_again(learner: Learner) -> None:
    """What lies in the run's folder never changes the result; other data trains anew."""
    data, other = _sets(learner)[0], _sets(learner, seed=1)[0]
    with tempfile.TemporaryDirectory() as folder:
        first = _fitted(learner, data, Path(folder)).predict(data.inputs)
        between = _fitted(learner, other, Path(folder)).predict(other.inputs)
        again = _fitted(learner, data, Path(folder)).predict(data.inputs)
    _same(first, again, "training again in the same folder")
    _same(between, _fitted(learner, other).predict(other.inputs), "other data in the same folder")


def check_the_graph_answers_like_the_model(learner: Learner) -> None:
    """ONNX Runtime and the model agree on one row and on 33, with gaps and without."""
    for data in _sets(learner):
        model = _fitted(learner, data)
        ask = _graph_of(model)
        for rows in (1, 33):
            part = data.take(np.arange(rows)).inputs
            for inputs in (part, with_gaps(part, 0.3), with_gaps(part, 1.0)):
                _same(model.predict(inputs), ask(inputs), f"graph and model on {rows} rows")


def check_a_set_that_cannot_answer_is_refused(learner: Learner) -> None:
    """No rows, one class only, or another question than its own: refused in words, no crash."""
    data = movements()
    one_class = data.take(data.targets["movement"] == 0)
    own = _example(learner)
    others = [data.take(np.arange(0)), one_class]
    if own is not None:
        others = [own.take(np.arange(0)), data, pace_and_heart_rate()]
    for hopeless in others:
        try:
            _fitted(learner, hopeless)
        except StadionError as error:
            assert error.code in (Code.INVALID, Code.UNSUPPORTED), error
        else:
            raise AssertionError(f"it learned from {len(hopeless)} rows without a question")


def check_a_table_is_answered_or_refused(learner: Learner) -> None:
    """Without any time axis a learner answers all the same, or says that it cannot."""
    data = day_table()
    try:
        model = _fitted(learner, data)
    except StadionError as error:
        assert error.code in (Code.INVALID, Code.UNSUPPORTED), error
    else:
        assert _example(learner) is None, "it is made for one question and takes another"
        data.signature.output("ready").check(model.predict(data.inputs)["ready"])


def check_progress_comes_to_its_end(learner: Learner) -> None:
    """Whoever reports counts upwards, and the last report is the end."""
    seen: list[Progress] = []
    _fitted(learner, _sets(learner)[0], progress=seen.append)
    for what in {progress.what for progress in seen}:
        done = [progress.done for progress in seen if progress.what == what]
        assert done == sorted(done), f"{what} counts {done}"
    assert all(progress.done == progress.total for progress in seen[-1:]), f"it ends at {seen[-1]}"


def check_training_leaves_the_process_as_it_was(learner: Learner) -> None:
    """Chance is where it was, and nothing was written beside the run's folder."""
    random_before, numpy_before = random.getstate(), _numpy_chance()
    here = sorted(Path.cwd().iterdir())
    _fitted(learner, _sets(learner)[0])
    assert random.getstate() == random_before, "it drew from Python's own generator"
    assert _numpy_chance() == numpy_before, "it drew from numpy's global generator"
    assert sorted(Path.cwd().iterdir()) == here, "it wrote into the current folder"


def _example(learner: Learner, seed: int = 0) -> Dataset | None:
    """A set of the one question a learner is made for; None for one that takes any."""
    example = getattr(learner, "example", None)
    return None if example is None else example(seed)


def _sets(learner: Learner, seed: int = 0) -> list[Dataset]:
    """What the learner is tried on."""
    own = _example(learner, seed)
    return [own] if own is not None else [movements(seed=seed), pace_and_heart_rate(seed=seed)]


def _fitted(
    learner: Learner,
    data: Dataset,
    folder: Path | None = None,
    progress: Callable[[Progress], None] = silent,
) -> Model:
    """A model of little effort; the training must lie in the folder it was given."""
    if folder is None:
        with tempfile.TemporaryDirectory() as own:
            return _fitted(learner, data, Path(own), progress)
    fields = {field.name for field in dataclasses.fields(learner.Settings)}
    chosen = {name: value for name, value in _QUICK.items() if name in fields}
    settings = read_settings(learner.Settings, chosen, learner.name)
    return learner.fit(data, settings, Run(7, folder, progress))


def _numpy_chance() -> str:
    """Where numpy's global generator is: the one a careless library would move."""
    return repr(np.random.get_state())


def _graph_of(model: Model) -> Callable[[Arrays], dict[str, Array]]:
    """What a server would ask: the model's graph in ONNX Runtime, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        model.to_onnx(path)
        session: Any = onnxruntime.InferenceSession(path.read_bytes(), options)
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, dict(inputs)), strict=True))


def _same(first: Arrays, second: Arrays, what: str) -> None:
    assert first.keys() == second.keys(), f"{what}: {sorted(first)} against {sorted(second)}"
    for name, values in first.items():
        assert values.shape == second[name].shape, f"{what}: {name} has another shape"
        scale = max(1.0, float(np.abs(values).max(initial=0.0)))
        apart = float(np.abs(values - second[name]).max(initial=0.0)) / scale
        assert apart <= _TOLERANCE, f"{what}: {name} differs by {apart:.1e}"
