"""A file, a folder or bytes in, the jobs that read all of it out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stadion.core.errors import Code, StadionError
from stadion.ingest.base import HEAD_BYTES, Index, Reader
from stadion.ingest.opening.budget import Budget
from stadion.ingest.opening.claims import Refusal, assigned
from stadion.ingest.opening.doubles import without_doubles
from stadion.ingest.opening.jobs import Job, Piece, jobs_of
from stadion.ingest.opening.names import tidy_path
from stadion.ingest.opening.places import Archives, Place
from stadion.ingest.opening.sniff import described, is_hidden, wrapping_of
from stadion.ingest.opening.streams import COMPRESSED, head_of

__all__ = ["planned_bytes", "planned_path"]

_MOST_FILES = 100_000
_PEEKED_BYTES = 2 * HEAD_BYTES
_MANY = 20_000
_SHORT_HEAD_BYTES = 1024
"""Of very many files so much is kept for the readers to tell what they are."""


def planned_path(path: Path, readers: Sequence[Reader], archives: Archives) -> list[Job]:
    """Jobs for what lies at a path; nothing but the heads of its files is read.

    Raises
    ------
    StadionError
        NOT_FOUND when there is no such file or folder; INVALID for a folder of too many files.
    """
    if not path.exists():
        raise StadionError(Code.NOT_FOUND, f"there is no file or folder {str(path)!r}")
    plan = _Plan(archives, readers)
    for name, file in _files(path):
        if is_hidden(name.partition("/")[2] if path.is_dir() else name):
            plan.refused.append(Refusal(name, _HIDDEN))
            continue
        try:
            size = file.stat().st_size
        except OSError as error:
            plan.refused.append(Refusal(name, f"cannot be read: {error.strerror}"))
            continue
        plan.add(Place.outermost(name, str(file.resolve()), size))
    return plan.jobs()


def planned_bytes(
    data: bytes, name: str, readers: Sequence[Reader], archives: Archives
) -> list[Job]:
    """Jobs for bytes at hand, which `archives` was made with."""
    plan = _Plan(archives, readers)
    plan.add(Place.outermost(tidy_path(name), "", len(data)))
    return plan.jobs()


_HIDDEN = "a hidden file of an operating system"


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """Name and place of every regular file; names start with the opened folder's."""
    if path.is_file():
        yield tidy_path(path.name), path
        return
    count = 0
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            file = Path(folder, name)
            if file.is_file():
                count += 1
                if count > _MOST_FILES:
                    raise StadionError(Code.INVALID, f"the folder holds over {_MOST_FILES} files")
                inside = file.relative_to(path).as_posix()
                yield tidy_path(f"{path.resolve().name}/{inside}"), file


@dataclass(slots=True, eq=False)
class _Plan:
    """Takes one input after the other: files that stand for themselves are claimed together."""

    archives: Archives
    readers: Sequence[Reader]
    refused: list[Refusal] = field(default_factory=list)
    loose: list[_Found] = field(default_factory=list)
    pieces: list[tuple[Piece, bytes]] = field(default_factory=list)

    def add(self, place: Place) -> None:
        look = _Look(self.archives, Budget(place.size))
        try:
            look.into(place, 0, look.loose, _kept_of(len(self.loose)))
        except StadionError as error:
            self.refused.append(Refusal(place.path, error.message))
            return
        self.loose += look.loose
        self.refused += look.refused
        for scope in look.scopes:
            self._claim(scope)

    def jobs(self) -> list[Job]:
        self._claim(self.loose)
        self.pieces.sort(key=lambda pair: pair[0].members[0].path)
        pieces, doubled = without_doubles(self.pieces, self.archives)
        indexing = {reader.name for reader in self.readers if isinstance(reader, Index)}
        indexes = [piece for piece in pieces if piece.reader in indexing]
        return jobs_of(pieces, indexes, self.refused, doubled)

    def _claim(self, scope: Sequence[_Found]) -> None:
        members = [self.archives.member(found.place, found.head) for found in scope]
        places = {id(member): found.place for member, found in zip(members, scope, strict=True)}
        for claim in assigned(members, self.readers):
            first = claim.group[0]
            if claim.reader is None:
                self.refused.append(Refusal(first.path, described(first.head)))
            else:
                group = tuple(places[id(member)] for member in claim.group)
                head = first.head if len(group) == 1 else b""
                self.pieces.append((Piece(claim.reader.name, group), head))


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    place: Place
    head: bytes


@dataclass(slots=True, eq=False)
class _Look:
    """Looks into one input, layer by layer; lets the budget's refusals through."""

    archives: Archives
    budget: Budget
    loose: list[_Found] = field(default_factory=list)
    scopes: list[list[_Found]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    def into(self, place: Place, depth: int, scope: list[_Found], kept: int = HEAD_BYTES) -> None:
        """Add a plain file to `scope`, and what an archive holds to a scope of its own."""
        try:
            head = self.archives.head(place, _PEEKED_BYTES)
        except StadionError as error:
            self.refused.append(Refusal(place.path, error.message))
            return
        except OSError as error:
            self.refused.append(Refusal(place.path, f"cannot be read: {error.strerror}"))
            return
        while (kind := wrapping_of(head)) in COMPRESSED and depth < self.budget.depth:
            place = place.unpacked(kind, self.budget.share(place.packed))
            head = head_of(head, kind, _PEEKED_BYTES)
            depth += 1
        if not kind:
            scope.append(_Found(place, head[:kept]))
        elif depth == self.budget.depth:
            self.refused.append(Refusal(place.path, f"archives nested over {depth} deep"))
        else:
            self._into_archive(place, kind, depth + 1)

    def _into_archive(self, place: Place, kind: str, depth: int) -> None:
        try:
            index = self.archives.index(place, kind)
        except StadionError as error:
            self.refused.append(Refusal(place.path, error.message))
            return
        self.budget.take_members(len(index.entries))
        self.budget.spend(index.size)
        if index.damage:
            reason = f"a {kind} archive that is damaged: {index.damage}"
            self.refused.append(Refusal(place.path, reason))
        scope: list[_Found] = []
        self.scopes.append(scope)
        kept = _kept_of(len(index.entries))
        within = sum(entry.packed for entry in index.entries) if place.is_compressed else 0
        for number, entry in enumerate(index.entries):
            inside = place.member(kind, number, entry, within)
            reason = entry.refusal or (_HIDDEN if is_hidden(tidy_path(entry.name)) else "")
            if entry.name == "[Content_Types].xml":
                reason = "an Office document, no recording"
            if reason:
                self.refused.append(Refusal(inside.path, reason))
            else:
                self.into(inside, depth, scope, kept)


def _kept_of(files: int) -> int:
    """Bytes of a head that are kept where there are so many."""
    return HEAD_BYTES if files <= _MANY else _SHORT_HEAD_BYTES
