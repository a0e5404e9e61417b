"""The examples in the docstrings of the science run and give what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re

import pytest

import stadion.science
from tests.places import ROOT

MODULES = sorted(
    found.name for found in pkgutil.walk_packages(stadion.science.__path__, "stadion.science.")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_there_are_modules_with_examples() -> None:
    assert len(MODULES) > 30


def test_the_page_of_measures_names_functions_that_exist() -> None:
    page = (ROOT / "docs" / "science.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+)\.(\w+)`", page)
    assert len(named) > 40
    for module, function in named:
        assert callable(getattr(importlib.import_module(f"stadion.science.{module}"), function))
