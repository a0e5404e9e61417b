"""The house's values refuse what they cannot mean."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import numpy as np
import pytest

from stadion.core.activity import Activity, Source, Table, Track
from stadion.core.dataset import Dataset
from stadion.core.deployment import Deployment, Route
from stadion.core.errors import StadionError
from stadion.core.package import Lineage, ModelFile, ModelPackage
from stadion.core.signature import Signature, Tensor

SIGNATURE = Signature(
    inputs=(Tensor("speed", "FP32", (None, 3), "m/s", step_s=1.0), Tensor("mass", "FP32", (None,))),
    outputs=(Tensor("sport", "FP32", (None, 2)),),
    labels={"sport": ("run", "ride")},
)


def rows(n: int) -> dict[str, np.ndarray]:
    return {"speed": np.ones((n, 3), np.float32), "mass": np.ones(n, np.float32)}


def test_a_track_wants_rising_time_and_equal_lengths() -> None:
    time = np.array([0.0, 1.0, 2.0])
    assert len(Track("", time, {"speed": np.zeros(3)})) == 3
    with pytest.raises(StadionError, match="rise"):
        Track("", np.array([0.0, 1.0, 1.0]), {})
    with pytest.raises(StadionError, match="speed"):
        Track("", time, {"speed": np.zeros(2)})


def test_an_activity_starts_in_utc() -> None:
    source = Source("test", "0" * 64)
    start = datetime(2026, 5, 1, 8, tzinfo=UTC)
    assert Activity("x", "", "", start, (), source).duration_s == 0.0
    with pytest.raises(StadionError, match="UTC"):
        Activity("x", "", "", start.astimezone(timezone(timedelta(hours=2))), (), source)


def test_a_table_has_equal_columns() -> None:
    source = Source("test", "0" * 64)
    assert len(Table("days", {"a": np.zeros(4)}, {}, source)) == 4
    with pytest.raises(StadionError, match="differ"):
        Table("days", {"a": np.zeros(4), "b": np.zeros(3)}, {}, source)


def test_a_signature_counts_rows() -> None:
    assert SIGNATURE.check_inputs(rows(5)) == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"speed": np.ones((2, 4), np.float32)}, ["speed", r"\[2, 4\]", r"\[-1, 3\]"]),
        ({"speed": np.ones((2, 3))}, ["speed", "FP64", "FP32"]),
        ({"mass": np.ones(3, np.float32)}, ["mass", "3 rows", "expected 2"]),
        ({"extra": np.ones(2, np.float32)}, ["extra", "speed"]),
    ],
)
def test_a_signature_names_tensor_expected_and_received(
    change: dict[str, np.ndarray], words: list[str]
) -> None:
    for word in words:
        with pytest.raises(StadionError, match=word):
            SIGNATURE.check_inputs(rows(2) | change)


def test_a_missing_tensor_is_named() -> None:
    with pytest.raises(StadionError, match="'mass' is missing"):
        SIGNATURE.check_inputs({"speed": np.ones((2, 3), np.float32)})


def dataset(n: int = 4) -> Dataset:
    targets = {"sport": np.arange(n) % 2}
    return Dataset("t", SIGNATURE, rows(n), targets, np.array(["a", "a", "b", "c"][:n]))


def test_equal_datasets_have_equal_digests() -> None:
    assert dataset().digest == dataset().digest
    assert dataset().take(np.array([0, 1])).digest != dataset().digest


def test_a_dataset_refuses_columns_of_other_lengths() -> None:
    with pytest.raises(StadionError, match="sport"):
        Dataset("t", SIGNATURE, rows(4), {"sport": np.zeros(3)}, np.array(list("abcd")))


def package() -> ModelPackage:
    lineage = Lineage("t", {}, "mlp", {"epochs": 3}, 1, "d", 4, "0.1.0")
    files = {"model.onnx": ModelFile("here/model.onnx", "ab" * 32, 10)}
    return ModelPackage(SIGNATURE, None, lineage, files)


def test_a_package_digest_ignores_where_its_files_lie_and_sees_everything_else() -> None:
    first = package()
    moved = {"model.onnx": ModelFile("there", "ab" * 32, 10)}
    assert dataclasses.replace(first, files=moved).digest == first.digest
    changed = {"model.onnx": ModelFile("here/model.onnx", "cd" * 32, 10)}
    assert dataclasses.replace(first, files=changed).digest != first.digest
    assert dataclasses.replace(first, card="other").digest != first.digest


def test_a_package_survives_json() -> None:
    first = package()
    again = msgspec.json.decode(msgspec.json.encode(first), type=ModelPackage)
    assert again == first
    assert again.digest == first.digest


def test_a_deployment_needs_a_route_that_answers() -> None:
    deployment = Deployment("m", (Route(1, 0.1), Route(2, 0.9), Route(3, shadow=True)), 1)
    assert deployment.primary == 2
    with pytest.raises(StadionError, match="weight"):
        Deployment("m", (Route(3, shadow=True),), 1)
