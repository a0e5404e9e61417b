"""Plain files and readers in, values and refusals out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from stadion.core.activity import Activity, Recording, Repair, Source, Table
from stadion.core.errors import StadionError
from stadion.ingest.base import Member, Reader
from stadion.ingest.opening.sniff import described
from stadion.ingest.opening.unwrap import Refusal

__all__ = ["Claim", "Opened", "assigned", "read_claim"]


@dataclass(frozen=True, slots=True)
class Opened:
    """What came out of an input: nothing of it is lost without a reason."""

    activities: tuple[Activity, ...] = ()
    tables: tuple[Table, ...] = ()
    refused: tuple[Refusal, ...] = ()

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


def read_claim(claim: Claim, athlete: str) -> Opened:
    """The values of one claim; whatever goes wrong becomes a refusal."""
    name = claim.group[0].path
    if claim.reader is None:
        return Opened(refused=(Refusal(name, described(claim.group[0].head)),))
    try:
        values = claim.reader.read(claim.group)
    except StadionError as error:
        return Opened(refused=(Refusal(name, error.message),))
    except Exception as error:  # noqa: BLE001  # an outside reader must not take the others down
        reason = f"the reader {claim.reader.name!r} failed: {type(error).__name__}"
        return Opened(refused=(Refusal(name, reason),))
    repairs = tuple(repair for member in claim.group for repair in member.repairs)
    return Opened(
        tuple(_completed(v, repairs, athlete) for v in values if isinstance(v, Activity)),
        tuple(
            replace(v, source=_mended(v.source, repairs)) for v in values if isinstance(v, Table)
        ),
    )


def _claims(reader: Reader, members: Sequence[Member]) -> Iterator[list[Member]]:
    try:
        yield from reader.claim(members)
    except Exception:  # noqa: BLE001  # an outside reader must not take the others down
        return


def _completed(activity: Activity, repairs: tuple[Repair, ...], athlete: str) -> Activity:
    return replace(
        activity,
        athlete=activity.athlete or athlete,
        source=_mended(activity.source, repairs),
    )


def _mended(source: Source, repairs: tuple[Repair, ...]) -> Source:
    return replace(source, repairs=(*repairs, *source.repairs)) if repairs else source
