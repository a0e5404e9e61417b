"""A package is named by its content, and keeps its name when the layout grows."""

from __future__ import annotations

import dataclasses

import msgspec

from stadion.core.package import Lineage, Metrics, ModelFile, ModelPackage
from stadion.core.signature import Signature, Tensor
from stadion.registry.packages import package_from_json, package_to_json

FIRST_LAYOUT = "aa6d0430fb1baecb6a00f1ca185fdba7dfa7b9df80a7f5fe30f0a8be81763eff"
"""What the first layout, which had fewer fields, called this package."""


def package() -> ModelPackage:
    return ModelPackage(
        Signature(
            (Tensor("pace", "FP32", (None,), "m/s", low=0.0),),
            (Tensor("effort", "FP32", (None, 2)),),
            {"effort": ("easy", "hard"), "b": ("x",)},
        ),
        Metrics(
            "accuracy", 0.9, {"z": 0.5, "a": 0.25}, "3 folds", 12, {"mae": 1.0, "b": 2.0}
        ),
        Lineage(
            "t", {"z": 1, "a": None}, "boosting", {"trees": 5}, 0, "ab", 12, "0.1",
            {"numpy": "2", "a": "1"}, 1.5,
        ),
        {"model.onnx": ModelFile("x", "c" * 64, 3)},
        "card",
    )  # fmt: skip


def test_a_package_of_the_first_layout_keeps_its_digest() -> None:
    assert package().digest == FIRST_LAYOUT


def test_what_came_later_counts_where_it_says_something() -> None:
    metrics = package().metrics
    assert metrics is not None
    told = dataclasses.replace(metrics, spread=0.1)
    assert dataclasses.replace(package(), metrics=told).digest != FIRST_LAYOUT


def test_where_the_files_lie_does_not_count() -> None:
    moved = {"model.onnx": ModelFile("elsewhere", "c" * 64, 3)}
    assert dataclasses.replace(package(), files=moved).digest == FIRST_LAYOUT


def test_a_manifest_of_an_older_layout_is_read() -> None:
    plain = msgspec.to_builtins(package())
    for name in ("energy_j", "energy_how", "licence", "search"):
        del plain["lineage"][name]
    for name in ("spread", "groups", "intervals", "missing"):
        del plain["metrics"][name]
    read = msgspec.json.decode(msgspec.json.encode(plain), type=ModelPackage)
    assert read == package()
    assert read.digest == FIRST_LAYOUT


def test_energy_and_licence_count_where_they_are_known() -> None:
    lineage = dataclasses.replace(package().lineage, energy_j=12.5, licence="CC BY 4.0")
    assert dataclasses.replace(package(), lineage=lineage).digest != FIRST_LAYOUT


def test_limits_given_as_whole_numbers_survive_being_kept() -> None:
    signature = Signature((Tensor("age", "FP32", (None,), "years", low=0, high=120),), ())
    kept = dataclasses.replace(package(), signature=signature)
    data = package_to_json(kept)
    assert package_from_json(data, str).digest == kept.digest
