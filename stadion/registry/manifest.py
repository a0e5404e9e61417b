"""What a backup holds: every file by name, size and SHA-256; the last thing written to it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from stadion.core.errors import Code, StadionError

__all__ = [
    "DATABASE",
    "FORMAT",
    "MANIFEST",
    "MANIFEST_DIGEST",
    "Entry",
    "Manifest",
    "checked_member",
    "manifest_from_json",
]

FORMAT = 1
MANIFEST = "manifest.json"
MANIFEST_DIGEST = "manifest.json.sha256"
DATABASE = "registry/registry.sqlite"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a backup."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All files of a backup. `extra` names the further folders in it, also empty ones."""

    format: int
    created: datetime
    extra: tuple[str, ...]
    files: Mapping[str, Entry]

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(entry.bytes for entry in self.files.values())


def manifest_from_json(data: bytes, digest_line: bytes) -> Manifest:
    """Read a manifest and hold it against its own digest.

    Raises
    ------
    StadionError
        INVALID when it is damaged; UNSUPPORTED when a newer Stadion wrote it.
    """
    if digest_line.split()[:1] != [hashlib.sha256(data).hexdigest().encode()]:
        raise StadionError(Code.INVALID, "the backup's manifest is damaged")
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, ValueError) as error:
        raise StadionError(Code.INVALID, f"the backup's manifest cannot be read: {error}") from None
    if manifest.format != FORMAT:
        raise StadionError(
            Code.UNSUPPORTED,
            f"the backup has format {manifest.format}; this Stadion knows format {FORMAT}",
        )
    return manifest


def checked_member(name: str) -> str:
    """Return a file's name inside a backup if it can do no harm; INVALID otherwise.

    Harmless: relative, '/' between the parts, no part empty, '.' or '..', no control character.
    """
    parts = name.split("/")
    if (
        any(part in ("", ".", "..") or len(part) > 255 for part in parts)
        or len(name) > 4096
        or not name.isprintable()
    ):
        raise StadionError(Code.INVALID, f"a backup cannot hold a file named {name[:80]!r}")
    return name
