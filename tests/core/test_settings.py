"""Settings come as text and leave as checked values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from stadion.core.errors import StadionError
from stadion.core.settings import Home, read_settings


@dataclass(frozen=True)
class Settings:
    epochs: int = field(default=10, metadata={"low": 1, "high": 100})
    rate: float = 0.1
    shuffle: bool = True
    optimizer: Literal["sgd", "adam"] = "sgd"
    limit_s: float | None = None
    hidden: str = "64"


def test_text_and_typed_values_are_read_alike() -> None:
    text = {"epochs": "20", "rate": "1e-3", "shuffle": "false", "optimizer": "adam", "limit_s": "5"}
    typed = {"epochs": 20, "rate": 1e-3, "shuffle": False, "optimizer": "adam", "limit_s": 5.0}
    assert read_settings(Settings, text, "x") == read_settings(Settings, typed, "x")
    assert read_settings(Settings, {"limit_s": "none"}, "x").limit_s is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"epoch": 1}, "no setting 'epoch'.*epochs, rate"),
        ({"epochs": "many"}, "epochs is 'many'; expected a whole number"),
        ({"epochs": "2.5"}, "whole number"),
        ({"epochs": True}, "whole number"),
        ({"epochs": 0}, "epochs is 0; expected 1 to 100"),
        ({"rate": "nan"}, "expected a number"),
        ({"shuffle": "perhaps"}, "true or false"),
        ({"optimizer": "lion"}, "expected one of sgd, adam"),
    ],
)
def test_a_wrong_setting_is_named_with_value_and_expectation(
    given: dict[str, Any], words: str
) -> None:
    with pytest.raises(StadionError, match=words):
        read_settings(Settings, given, "learner x")


def test_the_home_is_given_or_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STADION_HOME", str(tmp_path / "env"))
    assert Home.find(tmp_path / "given").path == tmp_path / "given"
    assert Home.find().path == tmp_path / "env"
    monkeypatch.delenv("STADION_HOME")
    assert Home.find().path.name == ".stadion"
