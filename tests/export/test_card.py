"""The card tells a reader what the model is for, how good it is, and where it ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from stadion.core.package import Lineage, Metrics
from stadion.core.signature import Signature, Tensor
from stadion.export.card import model_card
from tests.export.graphs import LINEAGE

SIGNATURE = Signature(
    (Tensor("speed", "FP32", (None, 3), "m/s", "speed | pace", low=0.0, high=12.0),),
    (Tensor("kind", "FP32", (None, 2), missing=False),),
    {"kind": ("run", "walk")},
)


FULL = Metrics(
    "accuracy",
    0.9,
    {"most frequent class": 0.5, "nearest speed": 0.7},
    "5 folds",
    80,
    spread=0.021,
    groups={"sex=female": {"rows": 120.0, "accuracy": 0.85}},
    intervals={
        "kind": {"share": 0.9, "coverage": 0.914, "width": 1.25, "coverage sex=female": 0.88}
    },
    missing={"0.5": 0.7, "0.1": 0.88, "0.3": 0.8},
)
PEOPLE = {"sex": {"male": 90, "female": 8, "": 2}}


def card(
    metrics: Metrics | None,
    groups: int = 7,
    lineage: Lineage = LINEAGE,
    strata: Mapping[str, Mapping[str, int]] | None = None,
    signature: Signature = SIGNATURE,
) -> str:
    return model_card(
        question="Run or walk?",
        reference="a paper",
        signature=signature,
        groups=groups,
        metrics=metrics,
        lineage=lineage,
        strata=strata,
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


def test_the_spread_over_the_folds_stands_beside_the_metric() -> None:
    assert "| this model | 0.9 ± 0.021 over the folds |" in card(FULL)


def test_people_are_counted_by_group_the_unknown_last() -> None:
    text = card(FULL, strata=PEOPLE)
    assert (
        "| group | value | rows | share |\n| --- | --- | --- | --- |\n"
        "| sex | female | 8 | 8% |\n| sex | male | 90 | 90% |\n| sex | unknown | 2 | 2% |"
    ) in text
    assert "Seldom in the data, so less is known of: sex = female (8 rows)." in text
    assert "Not recorded" in card(FULL)


def test_errors_and_intervals_are_told_overall_and_by_group() -> None:
    text = card(FULL)
    assert "All rows together: 0.9." in text
    assert "| sex=female | 120 | 0.85 |" in text
    assert "| kind | 90.0% | 91.4% | 1.25 |" in text
    assert "| kind | sex=female | 88.0% |" in text
    assert "Its answers come without an interval." in card(Metrics("mae", 1.0, {}, "5 folds", 9))
    assert "How good it is for whom" not in card(None)


def test_what_missing_values_cost_is_told_as_a_share_of_the_gain() -> None:
    text = card(FULL)
    assert (
        "| none | 0.9 | 0% |\n| 10% | 0.88 | 5% |\n| 30% | 0.8 | 25% |\n| 50% | 0.7 | 50% |"
    ) in text
    error = Metrics("mae", 2.0, {"mean": 6.0}, "5 folds", 80, missing={"0.3": 3.0})
    assert "| 30% | 3 | 25% |" in card(error)
    none = dataclasses.replace(error, baselines={})
    assert "| 30% | 3 | unknown |" in card(none)
    assert "was not measured" in card(None)
    needed = Signature((dataclasses.replace(SIGNATURE.inputs[0], missing=False),), ())
    assert "It needs every value of its inputs." in card(FULL, signature=needed)


def test_the_licence_and_the_energy_are_told_or_said_to_be_unknown() -> None:
    text = card(None)
    assert "Licence of the data: not stated." in text
    assert "| energy of the training | not known |" in text
    known = dataclasses.replace(LINEAGE, licence="CC BY 4.0", energy_j=812.4, energy_how="RAPL")
    text = card(None, lineage=known)
    assert "Licence of the data: CC BY 4.0." in text
    assert "| energy of the training | 812.4 J (RAPL) |" in text
    assert "0.5 kWh" in card(None, lineage=dataclasses.replace(known, energy_j=1.8e6))
    assert "Licence of the data: CC BY 4.0." in card(None, groups=0, lineage=known)


def test_every_line_of_a_table_has_its_cells() -> None:
    for text, count in ((card(None), 3), (card(FULL, strata=PEOPLE), 9)):
        tables = [block.strip() for block in text.split("\n\n") if block.startswith("|")]
        assert len(tables) == count
        for table in tables:
            bars = {line.replace("\\|", "").count("|") for line in table.splitlines()}
            assert len(bars) == 1
