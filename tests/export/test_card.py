"""The card tells a reader what the model is for, how good it is, and where it ends."""

from __future__ import annotations

from stadion.core.package import Metrics
from stadion.core.signature import Signature, Tensor
from stadion.export.card import model_card
from tests.export.graphs import LINEAGE

SIGNATURE = Signature(
    (Tensor("speed", "FP32", (None, 3), "m/s", "speed | pace", low=0.0, high=12.0),),
    (Tensor("kind", "FP32", (None, 2), missing=False),),
    {"kind": ("run", "walk")},
)


def card(metrics: Metrics | None, groups: int = 7) -> str:
    return model_card(
        question="Run or walk?",
        reference="a paper",
        signature=SIGNATURE,
        groups=groups,
        metrics=metrics,
        lineage=LINEAGE,
    )


def test_the_metric_stands_beside_the_baseline() -> None:
    metrics = Metrics("accuracy", 0.93, {"most frequent class": 0.5}, "5 folds", 80, {"brier": 0.1})
    text = card(metrics)
    assert text.startswith("# Run or walk?\n")
    assert "Measured by 5 folds, on 80 rows." in text
    assert "| this model | 0.93 |\n| most frequent class | 0.5 |" in text
    assert "| brier | 0.1 |" in text


def test_inputs_come_with_unit_range_and_whether_they_may_be_missing() -> None:
    text = card(None)
    assert "| speed | FP32 [-1, 3] | m/s | 0 to 12 | yes | speed \\| pace |" in text
    assert "Classes of kind: run, walk." in text
    assert "Not measured." in text


def test_data_and_limits_name_the_groups() -> None:
    assert "8 rows of 7 groups" in card(None)
    assert "It knows 7 groups" in card(None)
    assert "Nothing is known of the data" in card(None, groups=0)


def test_every_line_of_a_table_has_its_cells() -> None:
    tables = [block for block in card(None).split("\n\n") if block.startswith("|")]
    assert len(tables) == 3
    for table in tables:
        bars = {line.replace("\\|", "").count("|") for line in table.splitlines()}
        assert len(bars) == 1
