"""Compressed files and archives in, plain files out, inside a budget and without touching disk."""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

from stadion.core.activity import Repair
from stadion.core.errors import Code, StadionError
from stadion.ingest.base import Member
from stadion.ingest.opening.budget import Budget
from stadion.ingest.opening.sniff import is_hidden, wrapping_of

__all__ = ["Refusal", "Unwrapped", "decompressed", "peeled", "tidy_path", "unwrap"]

_CHUNK_BYTES = 1 << 20
_XZ_MEMORY_BYTES = 256 << 20
_SUFFIXES = {"gzip": ".gz", "xz": ".xz"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that gave nothing, and why, as a person can act on it."""

    name: str
    reason: str


@dataclass(slots=True, eq=False)
class Unwrapped:
    """Plain files, those of one archive or folder together, and what was refused."""

    scopes: list[list[Member]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def unwrap(path: str, data: bytes, budget: Budget) -> Unwrapped:
    """All plain files in `data`: itself, or what its layers of compression and archives hold.

    Of an input that unpacks to more than the budget nothing is kept.
    """
    layers = _Layers(budget)
    scope: list[Member] = []
    layers.result.scopes.append(scope)
    try:
        layers.open(Member.of(path, data), 0, scope)
    except StadionError as error:
        return Unwrapped([], [Refusal(path, error.message)])
    return layers.result


def decompressed(data: bytes, kind: str, budget: Budget) -> tuple[bytes, tuple[Repair, ...]]:
    """Bytes of a gzip or xz file, as far as they can be had.

    Raises
    ------
    StadionError
        INVALID when it unpacks to more than the budget.
    """
    parts: list[bytes] = []
    repairs: tuple[Repair, ...] = ()
    try:
        for part in _streamed(data, kind):
            budget.spend(len(part))
            parts.append(part)
    except (zlib.error, lzma.LZMAError, EOFError):
        repairs = (Repair(f"{kind} is damaged or cut short"),)
    return b"".join(parts), repairs


def peeled(path: str, kind: str) -> str:
    """The name without the suffix of its compression."""
    suffix = _SUFFIXES[kind]
    if path.lower().endswith(".tgz"):
        return path[:-4] + ".tar"
    return path[: -len(suffix)] if path.lower().endswith(suffix) else path


def tidy_path(name: str) -> str:
    """A member's name as it may be shown: no way up, no roots, no control characters."""
    shown = "".join(c if c.isprintable() else "?" for c in name.replace("\\", "/"))
    return "/".join(part for part in shown.split("/") if part not in ("", ".", ".."))[-300:]


@dataclass(slots=True, eq=False)
class _Layers:
    """Opens one layer after the other; lets the budget's refusals through."""

    budget: Budget
    result: Unwrapped = field(default_factory=Unwrapped)

    def open(self, member: Member, depth: int, scope: list[Member]) -> None:
        """Add a plain file to `scope`, and what an archive holds to a scope of its own."""
        data = member.data
        kind = wrapping_of(data[:512])
        if not kind:
            scope.append(member)
        elif depth == self.budget.depth:
            self.refuse(member.path, f"archives nested over {depth} deep")
        elif kind in _SUFFIXES:
            inner, mended = decompressed(data, kind, self.budget)
            name = peeled(member.path, kind)
            self.open(Member.of(name, inner, (*member.repairs, *mended)), depth + 1, scope)
        else:
            self.open_archive(member.path, data, kind, depth + 1)

    def open_archive(self, path: str, data: bytes, kind: str, depth: int) -> None:
        scope: list[Member] = []
        self.result.scopes.append(scope)
        try:
            for name, inner in _ARCHIVES[kind](data, self.budget):
                place = f"{path}/{tidy_path(name)}"
                if isinstance(inner, str):
                    self.refuse(place, inner)
                elif is_hidden(tidy_path(name)):
                    self.refuse(place, "a hidden file of an operating system")
                else:
                    self.open(Member.of(place, inner), depth, scope)
        except _BROKEN as error:
            self.refuse(path, f"a {kind} archive that is damaged: {type(error).__name__}")

    def refuse(self, path: str, reason: str) -> None:
        self.result.refused.append(Refusal(path, reason))


# What zipfile and tarfile raise on made-up archives, seen by feeding them mutated ones.
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
    struct.error,
    RuntimeError,
)


def _streamed(data: bytes, kind: str) -> Iterator[bytes]:
    """Decompressed pieces of all streams in a gzip or xz file, none over a mebibyte."""
    rest = data
    while wrapping_of(rest[:512]) == kind:
        if kind == "gzip":
            gzip = zlib.decompressobj(wbits=31)
            pending = rest
            while not gzip.eof:
                part = gzip.decompress(pending, _CHUNK_BYTES)
                pending = gzip.unconsumed_tail
                if not part and not pending and not gzip.eof:
                    raise EOFError
                yield part
            rest = gzip.unused_data
        else:
            xz = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)
            yield xz.decompress(rest, _CHUNK_BYTES)
            while not xz.eof:
                if xz.needs_input:
                    raise EOFError
                yield xz.decompress(b"", _CHUNK_BYTES)
            rest = xz.unused_data


def _zip_members(data: bytes, budget: Budget) -> Iterator[tuple[str, bytes | str]]:
    """(name, bytes or why it cannot be read) of the files of a zip."""
    if data.count(b"PK\x01\x02") > budget.members:
        raise StadionError(Code.INVALID, "the archive holds too many files; split it")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if "[Content_Types].xml" in archive.namelist():
            yield "", "an Office document, no recording"
            return
        for info in archive.infolist():
            if info.is_dir():
                continue
            budget.take_member()
            if info.flag_bits & 1:
                yield info.filename, "encrypted; unpack it first"
                continue
            try:
                with archive.open(info) as stream:
                    inner: bytes | str = _read(stream, budget)
            except _BROKEN as error:
                inner = f"damaged inside its zip archive: {type(error).__name__}"
            yield info.filename, inner


def _tar_members(data: bytes, budget: Budget) -> Iterator[tuple[str, bytes | str]]:
    """(name, bytes or why it is not read) of the files of a tar."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for info in archive:
            budget.take_member()
            if info.isdir():
                continue
            stream = archive.extractfile(info) if info.isreg() else None
            if stream is None:
                yield info.name, "a link or device in a tar archive"
                continue
            with stream:
                yield info.name, _read(stream, budget)


def _read(stream: IO[bytes], budget: Budget) -> bytes:
    parts: list[bytes] = []
    while part := stream.read(_CHUNK_BYTES):
        budget.spend(len(part))
        parts.append(part)
    return b"".join(parts)


_Members = Callable[[bytes, Budget], Iterator[tuple[str, bytes | str]]]
_ARCHIVES: dict[str, _Members] = {"zip": _zip_members, "tar": _tar_members}
