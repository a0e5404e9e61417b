"""Several learners answer together, in one graph, and what mixes them saw unseen rows only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.plugins import Cupboard
from stadion.core.settings import read_settings
from stadion.core.signature import Signature
from stadion.export.verify import TOLERANCE, verify
from stadion.science.folds import grouped_folds
from stadion.science.scores import log_loss, rmse
from stadion.train._examples import movements, pace_and_heart_rate
from stadion.train.base import Learner, Run
from stadion.train.ensemble import PLUGIN, Ensemble, EnsembleModel, EnsembleSettings, members_of
from stadion.train.selection.blending import class_blend, quantity_blend
from tests.train.toys import classes_by_group, pace_to_heart_rate

QUICK = ("boosting.trees=20", "mlp.epochs=2", "rocket.features=500")


@dataclass(frozen=True)
class NoSettings:
    """Nothing to set."""


@dataclass
class Recited:
    """Answers rows it has seen with their truth, and all others with that of any row it knows."""

    signature: Signature
    known: dict[str, dict[bytes, Array]]

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        rows = [row.tobytes() for row in next(iter(inputs.values()))]
        return {
            name: np.stack([known.get(row, list(known.values())[crc32(row) % len(known)])
                            for row in rows])
            for name, known in self.known.items()
        }  # fmt: skip

    def to_onnx(self, path: Path) -> None:
        raise NotImplementedError


@dataclass
class Reciter:
    """Learns its rows by heart; remembers which groups each training held."""

    name: str = "reciter"
    summary: str = "learns rows by heart"
    Settings: type[Any] = NoSettings
    trained: list[set[str]] = field(default_factory=list)

    def fit(self, data: Dataset, settings: Any, run: Run) -> Recited:
        self.trained.append(set(data.groups.tolist()))
        rows = next(iter(data.inputs.values()))
        truth = {
            name: np.eye(len(data.signature.labels[name]), dtype=np.float32)[values]
            if name in data.signature.labels
            else values
            for name, values in data.targets.items()
        }
        known = {
            name: {row.tobytes(): value for row, value in zip(rows, values, strict=True)}
            for name, values in truth.items()
        }
        return Recited(data.signature, known)


def with_learners(**more: Any) -> Ensemble:
    return Ensemble(Cupboard("stadion.train", None, dict(more)))


def settings(members: str, mode: str = "stack", **more: Any) -> EnsembleSettings:
    options = ";".join(o for o in QUICK if o.partition(".")[0] in members.split(","))
    given = {"members": members, "options": options, "mode": mode, **more}
    return read_settings(EnsembleSettings, given, "learner ensemble")


def fitted(data: Dataset, chosen: EnsembleSettings, folder: Path) -> EnsembleModel:
    return PLUGIN.fit(data, chosen, Run(3, folder))


@pytest.mark.parametrize("mode", ["average", "stack"])
@pytest.mark.parametrize("data", [movements(), pace_and_heart_rate()], ids=lambda d: d.task)
def test_one_graph_answers_as_all_members_together(
    data: Dataset, mode: str, tmp_path: Path
) -> None:
    model = fitted(data, settings("rocket,boosting,mlp", mode, folds=2, repeats=2), tmp_path)
    model.to_onnx(tmp_path / "model.onnx")
    verified = verify(model, tmp_path / "model.onnx", model.signature, data.inputs)
    assert verified.difference <= TOLERANCE
    assert [len(models) for models in model.members.values()] == [2, 2, 2]


@pytest.mark.parametrize("members", ["baseline,boosting", "boosting,baseline"])
def test_a_stack_of_classes_beats_its_worst_member_and_the_plain_mean(
    members: str, tmp_path: Path
) -> None:
    data = classes_by_group([8] * 30, [0, 1, 2] * 10)
    fold = grouped_folds(data, 2, 0)[0]
    train, test = data.take(fold.train), data.take(fold.test)
    truth = test.targets["kind"]
    losses = {
        name: log_loss(truth, fitted(train, chosen, tmp_path).predict(test.inputs)["kind"])
        for name, chosen in {
            "worst": settings("baseline", "average"),
            "mean": settings(members, "average"),
            "stack": settings(members),
        }.items()
    }
    assert losses["stack"] < 0.7 * losses["mean"] < losses["worst"]


def test_a_stack_of_quantities_beats_its_worst_member_and_the_plain_mean(tmp_path: Path) -> None:
    data = pace_to_heart_rate()
    fold = grouped_folds(data, 2, 0)[0]
    train, test = data.take(fold.train), data.take(fold.test)
    truth = test.targets["heart_rate"]
    errors = {
        name: rmse(truth, fitted(train, chosen, tmp_path).predict(test.inputs)["heart_rate"])
        for name, chosen in {
            "worst": settings("baseline", "average"),
            "mean": settings("baseline,boosting", "average"),
            "stack": settings("baseline,boosting"),
        }.items()
    }
    assert errors["stack"] < 0.7 * errors["mean"] < errors["worst"]


@pytest.mark.parametrize("data", [movements(90), pace_to_heart_rate()], ids=lambda d: d.task)
def test_learning_by_heart_earns_no_weight(data: Dataset, tmp_path: Path) -> None:
    reciter = Reciter()
    ensemble = with_learners(reciter=reciter)
    model = ensemble.fit(data, settings("boosting,reciter", folds=3), Run(0, tmp_path))
    honest, by_heart = model.blends[data.signature.outputs[0].name].weights
    assert honest > 3 * by_heart
    *of_folds, of_all = reciter.trained
    everybody = set(data.groups.tolist())
    assert of_all == everybody
    assert len(of_folds) == 3
    held_out = [everybody - seen for seen in of_folds]
    assert set().union(*held_out) == everybody
    assert sum(map(len, held_out)) == len(everybody)


def test_rows_with_times_are_stacked_on_what_came_later(tmp_path: Path) -> None:
    data = pace_to_heart_rate(60, groups=60)
    clock = np.random.default_rng(0).permutation(60).astype(np.float64)
    reciter = Reciter()
    when = dict(zip(data.groups.tolist(), clock.tolist(), strict=True))
    with_learners(reciter=reciter).fit(
        replace(data, times=clock), settings("reciter,baseline", folds=3), Run(0, tmp_path)
    )
    ends = [max(when[group] for group in seen) for seen in reciter.trained[:-1]]
    for seen, end in zip(reciter.trained, ends, strict=False):
        assert seen == {group for group, time in when.items() if time <= end}
    assert ends == sorted(ends)
    assert ends[-1] < 59


def test_rows_whose_truth_is_unknown_do_not_count(tmp_path: Path) -> None:
    data = pace_to_heart_rate()
    holed = data.targets["heart_rate"].copy()
    holed[::3] = np.nan
    data = replace(data, targets={"heart_rate": holed})
    model = fitted(data, settings("boosting,baseline"), tmp_path)
    assert np.isfinite(model.predict(data.inputs)["heart_rate"]).all()
    assert rmse(holed, model.predict(data.inputs)["heart_rate"]) < 0.7 * np.nanstd(holed)


def test_one_group_alone_is_cut_into_stretches(tmp_path: Path) -> None:
    data = classes_by_group([10] * 9, [0, 1, 2] * 3)
    alone = replace(data, groups=np.full(len(data), "me"))
    model = fitted(alone, settings("boosting,baseline", folds=3), tmp_path)
    assert model.blends["kind"].weights[0] > model.blends["kind"].weights[1]


def test_seeds_average_out_what_chance_does(tmp_path: Path) -> None:
    data = pace_to_heart_rate(120)
    model = fitted(data, settings("boosting", "average", repeats=3), tmp_path)
    answers = [one.predict(data.inputs)["heart_rate"] for one in model.members["boosting"]]
    assert all(np.abs(answers[0] - other).max() > 0.01 for other in answers[1:])
    together = model.predict(data.inputs)["heart_rate"]
    np.testing.assert_allclose(together, np.mean(answers, axis=0), rtol=1e-6)


def test_members_get_their_own_settings_and_may_come_twice() -> None:
    chosen = EnsembleSettings(
        "boosting, boosting,mlp", "boosting.trees=7;boosting-2.leaves=3; mlp.hidden=8,4"
    )
    first, second, network = members_of(chosen, PLUGIN.learners)
    assert (first.name, first.settings.trees, first.settings.leaves) == ("boosting", 7, 15)
    assert (second.name, second.settings.trees, second.settings.leaves) == ("boosting-2", 200, 3)
    assert network.settings.hidden == "8,4"


@pytest.mark.parametrize(
    ("members", "options", "words"),
    [
        ("", "", "1 to 16"),
        ("boosting,ensemble", "", "other learners"),
        ("boosting", "trees=7", "member.setting=value"),
        ("boosting", "mlp.epochs=7", "one of boosting"),
        ("boosting", "boosting.branches=7", "branches"),
        ("magic", "", "magic"),
    ],
)
def test_what_cannot_be_is_refused_in_words(members: str, options: str, words: str) -> None:
    with pytest.raises(StadionError, match=words) as caught:
        members_of(EnsembleSettings(members, options), PLUGIN.learners)
    assert caught.value.code in (Code.INVALID, Code.NOT_FOUND)


def test_weights_are_never_negative_and_follow_the_evidence() -> None:
    chance = np.random.default_rng(0)
    truth = chance.normal(0, 1, (500, 2))
    good, wrong = truth + chance.normal(0, 0.2, truth.shape), -truth
    blend = quantity_blend(truth, np.stack([good, wrong]))
    assert blend.weights[1] == 0
    assert blend.weights[0] == pytest.approx(1 / 1.04, abs=0.05)
    labels = chance.integers(0, 3, 500)
    sure = np.eye(3)[labels] * 0.7 + 0.1
    pool = class_blend(labels, np.stack([sure, sure[::-1]]))
    assert pool.weights[0] > 1  # it was right far more often than it had dared to say
    assert 0 <= pool.weights[1] < 0.3
    assert log_loss(labels, pool(np.stack([sure, sure[::-1]]))) < log_loss(labels, sure)


def test_without_evidence_all_count_the_same() -> None:
    answers = np.stack([np.full((4, 1), 5.0), np.full((4, 1), 7.0)])
    blend = quantity_blend(np.full((4, 1), np.nan), answers)
    np.testing.assert_allclose(blend.weights, [0.5, 0.5])
    pool = class_blend(np.full(4, -1), np.full((2, 4, 3), 1 / 3))
    np.testing.assert_allclose(pool.weights, [0.5, 0.5])


def _is_a_learner(learner: Learner) -> None:
    """For the type checker: what stands in for a learner here is one."""


_is_a_learner(PLUGIN)
