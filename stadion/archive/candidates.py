"""A recording's row in, the workouts it may be a twin of out: by time alone, from indexes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from stadion.archive.rows import ActivityRow

__all__ = ["candidates", "unseen_beside"]

_US = 1_000_000
_CLOCK_US = 600 * _US
_ZONES_US = 15 * 3600 * _US
_LONGEST_US = 100_000 * _US
# As text, since they are asked for every recording that comes in.
_UNSEEN = sa.text(
    "SELECT id FROM activities WHERE source = '' AND start_us BETWEEN :first AND :last"
)
_OTHERS = (
    " FROM activities WHERE can_be_twin AND source != :source AND workout != :workout"
    " AND id NOT IN (SELECT value FROM json_each(:pending))"
    " AND (:athlete = '' OR athlete IN ('', :athlete)) AND start_us BETWEEN :first AND :last AND "
)
# Those that overlap, the nearest first; and of those that would with a clock of another zone, the
# most alike. Bounded, since a thousand may be recorded at once where many people run one race.
_CANDIDATES = (
    sa.text(
        f"SELECT id, workout{_OTHERS} start_us < :end AND end_us > :begin"
        " ORDER BY abs(start_us - :clock - :begin) + abs(end_us + :clock - :end), id LIMIT 24"
    ),
    sa.text(
        f"SELECT id, workout{_OTHERS} (start_us >= :end OR end_us <= :begin) AND end_us > :ended"
        " AND abs(end_us - start_us - :apart) <= :alike"
        " ORDER BY abs(end_us - start_us - :apart), id LIMIT 8"
    ),
)


def unseen_beside(session: orm.Session, row: ActivityRow) -> list[str]:
    """Recordings of that time of which nobody knows yet what tells twins: those of schema 1."""
    return list(session.scalars(_UNSEEN, _times(row)))


def candidates(session: orm.Session, row: ActivityRow, pending: Iterable[str]) -> list[str]:
    """Workouts that overlap in time, or would if a clock were set to another zone.

    Parameters
    ----------
    pending
        Recordings that are left out.
    """
    asked = _times(row) | {
        "source": row.source,
        "workout": row.workout,
        "athlete": row.athlete,
        "pending": json.dumps(list(pending)),
    }
    found = [each.workout for query in _CANDIDATES for each in session.execute(query, asked)]
    return list(dict.fromkeys(found))


def _times(row: ActivityRow) -> dict[str, Any]:
    assert row.start_us is not None  # noqa: S101  # only dated recordings have twins
    assert row.end_us is not None  # noqa: S101
    apart = row.end_us - row.start_us
    return {
        "first": row.start_us - _ZONES_US - _LONGEST_US,
        "last": row.end_us + _ZONES_US,
        "begin": row.start_us - _CLOCK_US,
        "end": row.end_us + _CLOCK_US,
        "clock": _CLOCK_US,
        "ended": row.start_us - _ZONES_US,
        "apart": apart,
        "alike": max(60 * _US, apart // 10),
    }
