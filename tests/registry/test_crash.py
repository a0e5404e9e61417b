"""Writers are killed with kill -9 at random moments; what was acknowledged is there afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.registry.crash import crash_and_check

SEED = 20
GROUPS = (1, 2, 1, 8, 1) * 4


def test_no_acknowledged_write_is_lost_and_none_is_half_there(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    outcome = crash_and_check(tmp_path, SEED, GROUPS)
    record_property("outcome", asdict(outcome))
    assert outcome.broken == []
    assert outcome.kills == sum(GROUPS)
    assert outcome.interrupted > 0, "no kill fell into a call"
    assert outcome.unfinished_files + outcome.hot_journals > 0, "no kill fell into a write"
    assert outcome.slowest_open_s < 5.0


@pytest.mark.parametrize("unsafe", ["ack first", "row first"])
def test_a_wrong_order_of_writes_is_noticed(tmp_path: Path, unsafe: str) -> None:
    outcome = crash_and_check(tmp_path, SEED, (1,) * 25, unsafe, until_broken=True)
    assert outcome.broken
