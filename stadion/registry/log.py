"""A model's deployment log in, what holds now and what a rollback brings back out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from stadion.core.deployment import Deployment, Route
from stadion.core.errors import Code, StadionError
from stadion.registry.schema import DeploymentRow
from stadion.registry.storage import live_numbers

__all__ = [
    "Kind",
    "LogEntry",
    "all_current",
    "answering",
    "current",
    "deployed_versions",
    "last_generation",
    "log_of",
    "read_entry",
    "rollback_to",
]

Kind = Literal["deploy", "rollback", "undeploy"]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One row of a model's deployment log.

    `routes` is empty for an undeployment; `returns_to` is the generation of the deployment that
    a rollback brought back, None for the other kinds.
    """

    model: str
    generation: int
    kind: Kind
    routes: tuple[Route, ...]
    created: datetime
    reason: str = ""
    returns_to: int | None = None

    @property
    def deployment(self) -> Deployment:
        """What answers since this row; not for an undeployment, after which nothing does."""
        return Deployment(self.model, self.routes, self.generation, self.created, self.reason)


def deployed_versions(session: Session, model: str) -> tuple[int, ...]:
    """Numbers of the versions that now answer or shadow for a model, rising."""
    last = _last(session, model)
    return tuple(sorted({route.version for route in last.routes})) if last else ()


_LATER = DeploymentRow.__table__.alias("later")
_IS_LAST = ~(
    select(_LATER.c.generation)
    .where(_LATER.c.model == DeploymentRow.model, _LATER.c.generation > DeploymentRow.generation)
    .exists()
)


def last_generation(session: Session, model: str) -> int:
    """Generation of the last row, of whatever kind; 0 when there is none."""
    newest = select(func.max(DeploymentRow.generation)).where(DeploymentRow.model == model)
    return session.scalar(newest) or 0


def all_current(session: Session) -> list[LogEntry]:
    """The last row of each model, by name; undeployments too."""
    rows = select(DeploymentRow).where(_IS_LAST).order_by(DeploymentRow.model)
    return [read_entry(row) for row in session.scalars(rows)]


def current(session: Session, model: str) -> LogEntry:
    """What answers for a model; NOT_FOUND when nothing does."""
    last = _last(session, model)
    if last is None or not last.routes:
        raise StadionError(Code.NOT_FOUND, f"{model} is not deployed", "deploy a version first")
    return last


def _last(session: Session, model: str) -> LogEntry | None:
    newest = DeploymentRow.generation.desc()
    rows = select(DeploymentRow).where(DeploymentRow.model == model).order_by(newest).limit(1)
    row = session.scalar(rows)
    return None if row is None else read_entry(row)


def log_of(session: Session, model: str) -> list[LogEntry]:
    """All rows of a model, oldest first."""
    rows = select(DeploymentRow).where(DeploymentRow.model == model)
    return [read_entry(row) for row in session.scalars(rows.order_by(DeploymentRow.generation))]


def rollback_to(session: Session, model: str) -> LogEntry:
    """What a rollback brings back, as `Deployments` defines it; CONFLICT when there is nothing."""
    log = log_of(session, model)
    if not log:
        raise StadionError(Code.NOT_FOUND, f"{model} was never deployed")
    alive, now = live_numbers(session, model), answering(log[-1].routes)
    for entry in reversed(_pile(log)):
        usable = entry.routes and alive.issuperset(route.version for route in entry.routes)
        if usable and answering(entry.routes) != now:
            return entry
    raise StadionError(
        Code.CONFLICT,
        f"{model} has no earlier deployment to go back to",
        "deploy the version you want",
    )


def _pile(log: Sequence[LogEntry]) -> list[LogEntry]:
    """Deployments and undeployments that still count, the one that holds now on top."""
    pile: list[LogEntry] = []
    for entry in log:
        if entry.kind != "rollback":
            pile.append(entry)
            continue
        while pile and pile[-1].generation != entry.returns_to:
            pile.pop()
    return pile


def answering(routes: Sequence[Route]) -> frozenset[Route]:
    """Routes without their order, which means nothing."""
    return frozenset(routes)


def read_entry(row: DeploymentRow) -> LogEntry:
    """A row as the rest of the house sees it."""
    return LogEntry(
        row.model,
        row.generation,
        cast(Kind, row.kind),
        msgspec.json.decode(row.routes, type=tuple[Route, ...]),
        row.created,
        row.reason,
        row.returns_to,
    )
