"""Every task keeps the shipped contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stadion.core.plugins import Cupboard, checks_in
from stadion.tasks import checks
from stadion.tasks.base import Task

TASKS: Cupboard[Task] = Cupboard("stadion.tasks")


@pytest.mark.parametrize("check", checks_in(checks), ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", TASKS.names())
def test_the_contract_holds(name: str, check: Callable[[Any], None]) -> None:
    check(TASKS.get(name))
