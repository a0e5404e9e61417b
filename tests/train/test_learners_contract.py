"""Every learner keeps the contract that ships with the room, and the contract can tell."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Dataset
from stadion.core.plugins import Cupboard, checks_in
from stadion.core.signature import Signature
from stadion.train import checks
from stadion.train.base import Learner, Run

LEARNERS = Cupboard[Learner]("stadion.train")


@pytest.mark.parametrize("check", checks_in(checks), ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", LEARNERS.names())
def test_a_learner_keeps_the_contract(name: str, check: Callable[[Any], None]) -> None:
    check(LEARNERS.get(name))


@dataclasses.dataclass
class Bent:
    """A model whose answers somebody bends on the way out."""

    model: Any
    bend: Callable[[Arrays, Array], Array]

    @property
    def signature(self) -> Signature:
        signature: Signature = self.model.signature
        return signature

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        return {name: self.bend(inputs, v) for name, v in self.model.predict(inputs).items()}

    def to_onnx(self, path: Path) -> None:
        self.model.to_onnx(path)


class Bending:
    """The baseline, with bent answers."""

    name = "bending"
    summary = "a learner that breaks its word"
    Settings = LEARNERS.get("baseline").Settings

    def __init__(self, bend: Callable[[Arrays, Array], Array]) -> None:
        self._bend = bend

    def fit(self, data: Dataset, settings: Any, run: Run) -> Bent:
        return Bent(LEARNERS.get("baseline").fit(data, settings, run), self._bend)


class Counting:
    """Gives another answer each time it is asked."""

    def __init__(self) -> None:
        self._asked = 0

    def __call__(self, inputs: Arrays, answer: Array) -> Array:
        self._asked += 1
        return (answer + 0.01 * self._asked).astype(np.float32)


def spoils_its_inputs(inputs: Arrays, answer: Array) -> Array:
    np.nan_to_num(next(iter(inputs.values())), copy=False)
    return answer


def depends_on_the_batch(inputs: Arrays, answer: Array) -> Array:
    return (answer + len(answer) / 100).astype(np.float32)


def nan_where_something_is_missing(inputs: Arrays, answer: Array) -> Array:
    holes = np.isnan(next(iter(inputs.values()))).reshape(len(answer), -1).any(axis=1)
    return np.where(holes.reshape(-1, *[1] * (answer.ndim - 1)), np.float32(np.nan), answer)


@pytest.mark.parametrize(
    ("bend", "check", "said"),
    [
        (lambda _, a: a * 2, checks.check_the_answer_is_what_the_signature_says, "add up to 1"),
        (lambda _, a: a - 60, checks.check_a_quantity_is_answered_in_its_unit, "is off by"),
        (nan_where_something_is_missing, checks.check_missing_values_are_answered, "not finite"),
        (Counting(), checks.check_equal_seeds_give_equal_models, "training twice"),
        (Counting(), checks.check_a_row_is_answered_alike_in_any_company, "predicting twice"),
        (depends_on_the_batch, checks.check_a_row_is_answered_alike_in_any_company, "row by row"),
        (spoils_its_inputs, checks.check_a_row_is_answered_alike_in_any_company, "it changed"),
        (lambda _, a: a * 0.9, checks.check_the_graph_answers_like_the_model, "graph and model"),
    ],
)
def test_a_learner_that_breaks_the_contract_is_found_out(
    bend: Callable[[Arrays, Array], Array], check: Callable[[Any], None], said: str
) -> None:
    with pytest.raises(AssertionError, match=said):
        check(Bending(bend))
