"""Every learner keeps the contract that ships with the room, and the contract can tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stadion.core.plugins import Cupboard, checks_in
from stadion.train import checks
from stadion.train.base import Learner

LEARNERS = Cupboard[Learner]("stadion.train")


@pytest.mark.parametrize("check", checks_in(checks), ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", LEARNERS.names())
def test_a_learner_keeps_the_contract(name: str, check: Callable[[Any], None]) -> None:
    check(LEARNERS.get(name))
