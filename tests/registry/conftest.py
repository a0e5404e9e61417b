"""An empty registry and packages for it, each test its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stadion.core.deployment import Route
from stadion.core.package import ModelPackage
from stadion.registry import Registry
from tests.registry.packages import make_package

__all__ = ["Make"]

Make = Callable[[str], ModelPackage]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with Registry.open(tmp_path / "registry") as opened:
        yield opened


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return lambda label: make_package(tmp_path / "packages", label)


@pytest.fixture
def filled(registry: Registry, make: Make) -> Registry:
    for label in "abc":
        registry.register("sprint", make(label), aliases=["champion"])
    for number in (1, 2, 3):
        registry.record_deployment("sprint", [Route(number)])
    registry.rollback("sprint", "worse")
    registry.delete("sprint", 1)
    return registry
