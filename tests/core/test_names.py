"""Names and references are checked at the door."""

from __future__ import annotations

import pytest

from stadion.core.errors import Code, StadionError
from stadion.core.names import ModelReference, checked_name, parse_reference


@pytest.mark.parametrize("name", ["a", "sprint-v2", "0k_m.1", "x" * 64])
def test_safe_names_pass(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "Sprint", "../etc", "a..b", "-a", "a/b", "a%2e", "a\x00", "x" * 65, "tänzer"]
)
def test_other_names_are_refused_with_the_field_and_the_value(name: str) -> None:
    with pytest.raises(StadionError, match="model is") as caught:
        checked_name(name, "model")
    assert caught.value.code is Code.INVALID


def test_references_name_a_model_a_number_or_an_alias() -> None:
    assert parse_reference("m") == ModelReference("m")
    assert parse_reference("m:12") == ModelReference("m", number=12)
    assert parse_reference("m@champion") == ModelReference("m", alias="champion")


@pytest.mark.parametrize("text", ["m:", "m:0", "m:-1", "m:1.5", "m:x", "m@", "m@A", ":1"])
def test_broken_references_are_refused(text: str) -> None:
    with pytest.raises(StadionError):
        parse_reference(text)
