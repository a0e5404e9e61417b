"""A path or bytes in, activities, tables and refusals out: the front door of the room."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from stadion.core.errors import Code, StadionError
from stadion.core.plugins import Cupboard
from stadion.ingest.base import HEAD_BYTES, Member, Reader
from stadion.ingest.opening.budget import Budget
from stadion.ingest.opening.claims import Claim, Opened, assigned, read_claim
from stadion.ingest.opening.sniff import is_hidden, wrapping_of
from stadion.ingest.opening.unwrap import Refusal, decompressed, peeled, tidy_path, unwrap

__all__ = ["open_bytes", "open_each", "open_path"]

_MOST_FILES = 100_000
_PEEK_BYTES = 1 << 16


def open_path(path: Path, readers: Cupboard[Reader] | None = None, athlete: str = "") -> Opened:
    """Everything that can be read from a file, an archive or a folder.

    Parameters
    ----------
    path
        A folder is walked in sorted order. Compressed files and archives are unwrapped, one in
        another too, in memory and inside bounds (1 GiB and 200 times its size per input).
    readers
        The readers to ask; None = those of this room and its entry points.
    athlete
        Pseudonym for activities whose file does not say whose they are.

    Raises
    ------
    StadionError
        NOT_FOUND when there is no such file or folder. What cannot be read is no error: it is
        among `refused`, with a reason.
    """
    return Opened.joined(open_each(path, readers, athlete))


def open_each(
    path: Path, readers: Cupboard[Reader] | None = None, athlete: str = ""
) -> Iterator[Opened]:
    """As `open_path`, one recording at a time: for folders larger than memory."""
    if not path.exists():
        raise StadionError(Code.NOT_FOUND, f"there is no file or folder {str(path)!r}")
    asked = _asked(readers)
    loose, archives, refused = _sorted_out(path)
    yield Opened(refused=tuple(refused))
    work: list[tuple[str, Claim | Path]] = [
        (claim.group[0].path, claim) for claim in assigned(loose, asked)
    ]
    work += [(name, file) for name, file in archives]
    for name, each in sorted(work, key=lambda pair: pair[0]):
        if isinstance(each, Claim):
            yield _read_from_disk(each, athlete)
        else:
            yield _read_archive(name, each, asked, athlete)


def open_bytes(
    data: bytes, name: str = "", readers: Cupboard[Reader] | None = None, athlete: str = ""
) -> Opened:
    """As `open_path`, for bytes at hand; `name` helps where content cannot tell."""
    return _read_unwrapped(tidy_path(name), data, _asked(readers), athlete)


def _asked(readers: Cupboard[Reader] | None) -> list[Reader]:
    return list(Cupboard[Reader]("stadion.ingest") if readers is None else readers)


def _sorted_out(path: Path) -> tuple[list[Member], list[tuple[str, Path]], list[Refusal]]:
    """Files that stand for themselves, archives, and what is not even looked into."""
    loose: list[Member] = []
    archives: list[tuple[str, Path]] = []
    refused: list[Refusal] = []
    for name, file in _files(path):
        if is_hidden(name.partition("/")[2] if path.is_dir() else name):
            refused.append(Refusal(name, "a hidden file of an operating system"))
            continue
        try:
            member = _loose(name, file)
        except OSError as error:
            refused.append(Refusal(name, f"cannot be read: {error.strerror}"))
            continue
        if member is None:
            archives.append((name, file))
        else:
            loose.append(member)
    return loose, archives, refused


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


def _loose(name: str, file: Path) -> Member | None:
    """The member a file is, loaded when it is needed; None for an archive."""
    with file.open("rb") as stream:
        head = stream.read(_PEEK_BYTES)
    kind = wrapping_of(head)
    if kind in ("gzip", "xz"):
        head = decompressed(head, kind, Budget(len(head)))[0]
        name = peeled(name, kind)
        kind = wrapping_of(head)
    return None if kind else Member(name, head[:HEAD_BYTES], file.read_bytes)


def _read_from_disk(claim: Claim, athlete: str) -> Opened:
    """Load the files of a claim, now that it is their turn."""
    group: list[Member] = []
    for member in claim.group:
        try:
            data = member.data
        except OSError as error:
            return Opened(refused=(Refusal(member.path, f"cannot be read: {error.strerror}"),))
        budget = Budget(len(data))
        kind = wrapping_of(data[:512])
        try:
            budget.spend(len(data))
            data, repairs = decompressed(data, kind, budget) if kind else (data, ())
        except StadionError as error:
            return Opened(refused=(Refusal(member.path, error.message),))
        group.append(Member.of(member.path, data, repairs))
    return read_claim(Claim(claim.reader, tuple(group)), athlete)


def _read_archive(name: str, file: Path, readers: Sequence[Reader], athlete: str) -> Opened:
    try:
        if file.stat().st_size > Budget(0).total_bytes:
            return Opened(refused=(Refusal(name, "an archive of over 1 GiB; split it"),))
        data = file.read_bytes()
    except OSError as error:
        return Opened(refused=(Refusal(name, f"cannot be read: {error.strerror}"),))
    return _read_unwrapped(name, data, readers, athlete)


def _read_unwrapped(name: str, data: bytes, readers: Sequence[Reader], athlete: str) -> Opened:
    unwrapped = unwrap(name, data, Budget(len(data)))
    parts = [Opened(refused=tuple(unwrapped.refused))]
    for scope in unwrapped.scopes:
        parts += [read_claim(claim, athlete) for claim in assigned(scope, readers)]
    return Opened.joined(parts)
