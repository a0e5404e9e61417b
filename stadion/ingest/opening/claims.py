"""Plain files and readers in, values and refusals out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stadion.core.activity import Activity, Recording, Repair, Source, Table
from stadion.core.errors import StadionError
from stadion.ingest.base import Member, Notes, Reader
from stadion.ingest.opening.annotating import annotated
from stadion.ingest.opening.finish import finished

__all__ = ["Claim", "Doubled", "Opened", "Refusal", "assigned", "read_group"]

_PERSON = "person"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that gave nothing, and why, as a person can act on it."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Doubled:
    """A file that was not read, since another of the same input has the very same bytes."""

    name: str
    same_as: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What came out of an input: nothing of it is lost without a reason."""

    activities: tuple[Activity, ...] = ()
    tables: tuple[Table, ...] = ()
    refused: tuple[Refusal, ...] = ()
    doubled: tuple[Doubled, ...] = ()

    @property
    def recordings(self) -> list[Recording]:
        """Activities and tables."""
        return [*self.activities, *self.tables]

    @classmethod
    def joined(cls, parts: Iterable[Opened]) -> Opened:
        """All parts as one."""
        known = list(parts)
        return cls(
            tuple(activity for part in known for activity in part.activities),
            tuple(table for part in known for table in part.tables),
            tuple(refusal for part in known for refusal in part.refused),
            tuple(doubled for part in known for doubled in part.doubled),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """Files that belong together, and who reads them; None = nobody knows them."""

    reader: Reader | None
    group: tuple[Member, ...]


def assigned(members: Sequence[Member], readers: Sequence[Reader]) -> list[Claim]:
    """Each member to one reader, in the order of the paths."""
    wanted = [(reader, group) for reader in readers for group in _claims(reader, members) if group]
    wanted.sort(key=lambda want: (want[0].guesses, -len(want[1]), want[0].name))
    free = {id(member) for member in members}
    claims: list[Claim] = []
    for reader, group in wanted:
        mine = {id(member) for member in group}
        if mine <= free:
            free -= mine
            claims.append(Claim(reader, tuple(group)))
    claims += [Claim(None, (member,)) for member in members if id(member) in free]
    return sorted(claims, key=lambda claim: claim.group[0].path)


def read_group(
    reader: Reader,
    group: Sequence[Member],
    athlete: str = "",
    notes: Sequence[Notes] = (),
    finish: bool = True,
) -> Opened:
    """The values of one claimed group; whatever goes wrong becomes a refusal."""
    name = group[0].path
    try:
        values = reader.read(group)
        repairs = tuple(repair for member in group for repair in member.repairs)
        return Opened(
            tuple(
                _completed(v, repairs, athlete, notes, finish)
                for v in values
                if isinstance(v, Activity)
            ),
            tuple(
                _owned(replace(v, source=_mended(v.source, repairs)), athlete)
                for v in values
                if isinstance(v, Table)
            ),
        )
    except StadionError as error:
        damage = "".join(f"; {repair.what}" for member in group for repair in member.repairs)
        return Opened(refused=(Refusal(name, error.message + damage),))
    except OSError as error:
        return Opened(refused=(Refusal(name, f"cannot be read: {error.strerror}"),))
    except Exception as error:  # noqa: BLE001  # an outside reader must not take the others down
        reason = f"the reader {reader.name!r} failed: {type(error).__name__}"
        return Opened(refused=(Refusal(name, reason),))


def _claims(reader: Reader, members: Sequence[Member]) -> Iterator[list[Member]]:
    try:
        yield from reader.claim(members)
    except Exception:  # noqa: BLE001  # an outside reader must not take the others down
        return


def _completed(
    activity: Activity,
    repairs: tuple[Repair, ...],
    athlete: str,
    notes: Sequence[Notes],
    finish: bool,
) -> Activity:
    whole = replace(
        activity,
        athlete=activity.athlete or athlete,
        source=_mended(activity.source, repairs),
    )
    whole = annotated(whole, notes)
    return finished(whole) if finish else whole


def _owned(table: Table, athlete: str) -> Table:
    """A person's own export does not name him: its rows are the athlete's it is given for."""
    people = table.columns.get(_PERSON)
    if not athlete or people is None or people.dtype.kind != "U" or (people != "").any():
        return table
    named = np.full(len(people), athlete)
    return replace(table, columns={**table.columns, _PERSON: named})


def _mended(source: Source, repairs: tuple[Repair, ...]) -> Source:
    return replace(source, repairs=(*repairs, *source.repairs)) if repairs else source
