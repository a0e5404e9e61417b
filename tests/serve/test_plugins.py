"""Every runtime and every protocol keeps the shipped contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stadion.core.plugins import Cupboard, checks_in
from stadion.serve.protocols import checks as protocol_checks
from stadion.serve.runtimes import checks as runtime_checks

PROTOCOLS: Cupboard[Any] = Cupboard("stadion.serve.protocols")
RUNTIMES: Cupboard[Any] = Cupboard("stadion.serve.runtimes")


@pytest.mark.parametrize("check", checks_in(protocol_checks), ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_a_protocol_keeps_the_contract(name: str, check: Callable[[Any], None]) -> None:
    check(PROTOCOLS.get(name))


@pytest.mark.parametrize("check", checks_in(runtime_checks), ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", RUNTIMES.names())
def test_a_runtime_keeps_the_contract(name: str, check: Callable[[Any], None]) -> None:
    check(RUNTIMES.get(name))
