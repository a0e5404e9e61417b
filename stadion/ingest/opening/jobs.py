"""A piece of a large input in, what can be read out of it out: in this process or another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stadion.core.errors import StadionError
from stadion.core.plugins import Cupboard
from stadion.ingest.base import HEAD_BYTES, Index, Member, Notes, Reader
from stadion.ingest.opening.claims import Doubled, Opened, Refusal, read_group
from stadion.ingest.opening.places import Archives, Place

__all__ = ["Job", "Piece", "jobs_of"]

_MOST_MEMBERS = 32
_MOST_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """Files that belong together, and the name of their reader."""

    reader: str
    members: tuple[Place, ...]

    @property
    def size(self) -> int:
        """Bytes to read; an estimate where compression hides it."""
        return sum(place.size for place in self.members)


@dataclass(frozen=True, slots=True)
class Job:
    """A part of an input that one process reads at a time: names and numbers, no bytes.

    It may be pickled and run anywhere the same files are; the jobs of one input may run at the
    same time and in any order, each of them once.

    Parameters
    ----------
    pieces
        What to read, at most 32 files or 16 MiB unless one recording is larger.
    indexes
        Tables of the same input that know more about its recordings.
    refused, doubled
        What the look into the input told already.
    """

    pieces: tuple[Piece, ...] = ()
    indexes: tuple[Piece, ...] = ()
    refused: tuple[Refusal, ...] = ()
    doubled: tuple[Doubled, ...] = ()

    @property
    def name(self) -> str:
        """The first file, to be shown; empty for a job that only tells what was refused."""
        return self.pieces[0].members[0].path if self.pieces else ""

    @property
    def size(self) -> int:
        """Bytes to read; an estimate where compression hides it."""
        return sum(piece.size for piece in self.pieces)

    @property
    def files(self) -> int:
        """Number of files this job accounts for, those refused and doubled among them."""
        read = sum(len(piece.members) for piece in self.pieces)
        return read + len(self.refused) + len(self.doubled)

    def run(
        self,
        readers: Cupboard[Reader] | None = None,
        athlete: str = "",
        finish: bool = True,
        archives: Archives | None = None,
    ) -> Iterator[Opened]:
        """Read it, one recording (or group of files that belong together) at a time.

        Parameters
        ----------
        readers
            Those the input was planned with.
        athlete
            Pseudonym for activities whose file does not say whose they are.
        finish
            True to add what can be told from the streams: zone, quality flags, coordinates.
        archives
            Archives left open by the jobs before: whoever runs several jobs of one input makes
            one `Archives` and gives it to all of them, which saves finding the files again.
        """
        if self.refused or self.doubled:
            yield Opened(refused=self.refused, doubled=self.doubled)
        known = Cupboard[Reader]("stadion.ingest") if readers is None else readers
        with Archives() as own:
            yield from self._read(archives or own, known, athlete, finish)

    def _read(
        self, archives: Archives, readers: Cupboard[Reader], athlete: str, finish: bool
    ) -> Iterator[Opened]:
        notes = [told for index in self.indexes if (told := _notes(archives, readers, index))]
        for piece in self.pieces:
            try:
                group = _group(archives, piece)
            except StadionError as error:
                yield Opened(refused=(Refusal(piece.members[0].path, error.message),))
                continue
            yield read_group(readers.get(piece.reader), group, athlete, notes, finish)


def jobs_of(
    pieces: Sequence[Piece],
    indexes: Sequence[Piece] = (),
    refused: Sequence[Refusal] = (),
    doubled: Sequence[Doubled] = (),
) -> list[Job]:
    """The pieces in their order, few enough in each job; first what needs no reading."""
    jobs = [Job((), (), tuple(refused), tuple(doubled))] if refused or doubled else []
    batch: list[Piece] = []
    members = size = 0
    for piece in pieces:
        members += len(piece.members)
        size += piece.size
        if batch and (members > _MOST_MEMBERS or size > _MOST_BYTES):
            jobs.append(Job(tuple(batch), tuple(indexes)))
            batch, members, size = [], len(piece.members), piece.size
        batch.append(piece)
    return [*jobs, Job(tuple(batch), tuple(indexes))] if batch else jobs


def _group(archives: Archives, piece: Piece) -> list[Member]:
    """The files as members: small ones read at once, of large ones the head."""
    if piece.size > _MOST_BYTES:
        return [archives.member(place, archives.head(place, HEAD_BYTES)) for place in piece.members]
    group = []
    for place in piece.members:
        member = archives.member(place, b"")
        group.append(Member.of(place.path, member.data, member.repairs))
    return group


def _notes(archives: Archives, readers: Cupboard[Reader], piece: Piece) -> Notes | None:
    """What a table of the input notes of others; None when it cannot be read."""
    if piece not in archives.kept:
        reader = readers.get(piece.reader)
        try:
            group = _group(archives, piece)
            archives.kept[piece] = reader.notes(group) if isinstance(reader, Index) else None
        except StadionError:
            archives.kept[piece] = None  # reading it as a recording says why
    told: Notes | None = archives.kept[piece]
    return told
