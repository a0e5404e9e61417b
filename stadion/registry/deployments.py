"""What should answer in, a log row out: the append-only history of every model's deployments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from stadion.core.deployment import Deployment, Route
from stadion.core.errors import Code, StadionError
from stadion.core.names import checked_name
from stadion.registry.log import (
    Kind,
    LogEntry,
    all_current,
    answering,
    current,
    last_generation,
    log_of,
    read_entry,
    rollback_to,
)
from stadion.registry.schema import DeploymentRow
from stadion.registry.storage import Storage, checked_text, live_numbers, one_version

__all__ = ["Deployments"]

_MOST_ROUTES = 64


class Deployments:
    """The deployment log. A model's generations count its rows from 1, of whatever kind.

    Rolling back works like undoing. A deployment goes on top of a pile; a rollback takes off
    what answers now and brings back what lay beneath. So a second rollback goes further back,
    and a deployment that was rolled back from never returns by a rollback. Passed over are rows
    with the same routes as now, undeployments (after one, a rollback brings back what answered
    before it) and rows with a version that was deleted since.

    `expected_generation` guards against another writer: the call fails with CONFLICT unless the
    log's last generation is that one (0 = nothing logged yet). A call repeated with its
    `idempotency_key` is answered with the row that the first one made.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def record_deployment(
        self,
        model: str,
        routes: Sequence[Route],
        reason: str = "",
        expected_generation: int | None = None,
        idempotency_key: str = "",
    ) -> Deployment:
        """Log what answers from now on; on return it outlives a crash.

        Raises
        ------
        StadionError
            INVALID for routes that cannot be; NOT_FOUND for a version that is not there;
            CONFLICT when the generation is not as expected or the key stands for another call.
        """
        chosen = _checked_routes(model, routes)
        call = _Call(model, "deploy", reason, expected_generation, idempotency_key)
        with self._storage.database.write(f"log a deployment of {model}") as session:
            if (earlier := call.earlier(session)) is not None:
                return _same_routes(earlier, chosen, idempotency_key).deployment
            for route in chosen:
                one_version(session, model, route.version)
            return call.append(session, chosen).deployment

    def rollback(
        self,
        model: str,
        reason: str = "",
        expected_generation: int | None = None,
        idempotency_key: str = "",
    ) -> Deployment:
        """Log the return to `rollback_target`; what answers from now on.

        Raises
        ------
        StadionError
            CONFLICT when there is nothing to go back to; else as `record_deployment`.
        """
        call = _Call(model, "rollback", reason, expected_generation, idempotency_key)
        with self._storage.database.write(f"log a rollback of {model}") as session:
            if (earlier := call.earlier(session)) is not None:
                return earlier.deployment
            target = rollback_to(session, model)
            return call.append(session, target.routes, target.generation).deployment

    def undeploy(
        self,
        model: str,
        reason: str = "",
        expected_generation: int | None = None,
        idempotency_key: str = "",
    ) -> LogEntry:
        """Log that nothing answers from now on; NOT_FOUND when nothing did."""
        call = _Call(model, "undeploy", reason, expected_generation, idempotency_key)
        with self._storage.database.write(f"log an undeployment of {model}") as session:
            if (earlier := call.earlier(session)) is not None:
                return earlier
            current(session, model)
            return call.append(session, ())

    def rollback_target(self, model: str) -> Deployment:
        """The earlier deployment that a rollback would bring back, with its own generation.

        Raises
        ------
        StadionError
            NOT_FOUND when the model was never deployed; CONFLICT when nothing lies beneath.
        """
        checked_name(model, "model")
        with self._storage.database.read("read the deployment log") as session:
            return rollback_to(session, model).deployment

    def deployment(self, model: str) -> Deployment:
        """What answers for a model now; NOT_FOUND when it was never deployed or is undeployed."""
        checked_name(model, "model")
        with self._storage.database.read("read the deployment log") as session:
            return current(session, model).deployment

    def deployments(self) -> list[Deployment]:
        """What answers now, of all models, by name."""
        with self._storage.database.read("read the deployment log") as session:
            return [entry.deployment for entry in all_current(session) if entry.routes]

    def history(self, model: str) -> list[LogEntry]:
        """All rows of a model's log, oldest first; NOT_FOUND when there is no such model."""
        checked_name(model, "model")
        with self._storage.database.read("read the deployment log") as session:
            entries = log_of(session, model)
            if not entries and not live_numbers(session, model):
                raise StadionError(Code.NOT_FOUND, f"there is no model {model!r}")
            return entries


@dataclass(frozen=True, slots=True)
class _Call:
    """One call that changes the log, checked at the door."""

    model: str
    kind: Kind
    reason: str
    expected: int | None
    key: str

    def __post_init__(self) -> None:
        checked_name(self.model, "model")
        checked_text(self.reason, "reason", 1000)
        checked_text(self.key, "idempotency key", 200)

    def earlier(self, session: Session) -> LogEntry | None:
        """The row the same call made before; CONFLICT when its key made a row of another kind."""
        if not self.key:
            return None
        row = session.scalar(
            select(DeploymentRow).where(
                DeploymentRow.model == self.model, DeploymentRow.idempotency_key == self.key
            )
        )
        if row is not None and row.kind != self.kind:
            raise _key_conflict(self.key, row.kind)
        return None if row is None else read_entry(row)

    def append(
        self, session: Session, routes: tuple[Route, ...], returns_to: int | None = None
    ) -> LogEntry:
        """Add the next row, unless the log moved on from what the caller expected."""
        last = last_generation(session, self.model)
        if self.expected is not None and self.expected != last:
            raise StadionError(
                Code.CONFLICT,
                f"{self.model} is at generation {last}; expected {self.expected}",
                "read the log again, then decide",
            )
        row = DeploymentRow(
            model=self.model,
            generation=last + 1,
            kind=self.kind,
            routes=msgspec.json.encode(routes).decode(),
            reason=self.reason,
            returns_to=returns_to,
            created=datetime.now(UTC),
            idempotency_key=self.key or None,
        )
        session.add(row)
        session.flush()
        return read_entry(row)


def _checked_routes(model: str, routes: Sequence[Route]) -> tuple[Route, ...]:
    chosen = tuple(routes)
    Deployment(model, chosen, 1)  # refuses routes of which none answers
    if len(chosen) > _MOST_ROUTES:
        raise StadionError(Code.INVALID, f"{len(chosen)} routes; expected at most {_MOST_ROUTES}")
    for route in chosen:
        checked_text(route.segment, "segment", 200)
        if not math.isfinite(route.weight) or route.weight < 0:
            raise StadionError(
                Code.INVALID, f"weight is {route.weight}; expected a finite number from 0"
            )
    return chosen


def _same_routes(earlier: LogEntry, routes: tuple[Route, ...], key: str) -> LogEntry:
    if answering(earlier.routes) != answering(routes):
        raise _key_conflict(key, "deploy")
    return earlier


def _key_conflict(key: str, kind: str) -> StadionError:
    return StadionError(
        Code.CONFLICT,
        f"idempotency key {key!r} was used for another call ({kind})",
        "use a new key for a new call",
    )
