"""A ModelPackage in, the JSON that is kept of it out, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from stadion.core.errors import Code, StadionError
from stadion.core.package import GRAPH, ModelFile, ModelPackage
from stadion.registry.blobs import checked_digest

__all__ = ["package_from_json", "package_to_json"]

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*(/[A-Za-z0-9_][A-Za-z0-9_.\-]*)*")
_MOST_FILES = 10_000
_MOST_BYTES = 16 << 20


def package_to_json(package: ModelPackage) -> bytes:
    """The package with each file's path replaced by its name; equal packages, equal bytes.

    Raises
    ------
    StadionError
        INVALID when a file's name, digest or size cannot be, the graph is missing, or the
        values do not survive JSON (NaN, infinity, a type JSON has no word for).
    """
    _check_files(package.files)
    named = {name: replace(file, path=name) for name, file in package.files.items()}
    try:
        data = msgspec.json.encode(replace(package, files=named), order="deterministic")
        survives = package_from_json(data, str).digest == package.digest
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
        raise StadionError(Code.INVALID, f"package cannot be written as JSON: {error}") from error
    if not survives:
        raise StadionError(
            Code.INVALID,
            "package changes when it is written as JSON",
            "give finite floats, not whole numbers, where floats are declared",
        )
    if len(data) > _MOST_BYTES:
        raise StadionError(
            Code.INVALID, f"package without its files has {len(data)} bytes; limit {_MOST_BYTES}"
        )
    return data


def package_from_json(data: bytes, place: Callable[[str], Path | str]) -> ModelPackage:
    """The package, each file's path set to `place(its SHA-256)`."""
    package = msgspec.json.decode(data, type=ModelPackage)
    files = {
        name: replace(file, path=str(place(file.sha256))) for name, file in package.files.items()
    }
    return replace(package, files=files)


def _check_files(files: Mapping[str, ModelFile]) -> None:
    if GRAPH not in files or len(files) > _MOST_FILES:
        raise StadionError(
            Code.INVALID,
            f"package has the files {sorted(files)[:10]}; "
            f"expected {GRAPH!r} and at most {_MOST_FILES} files",
        )
    for name, file in files.items():
        if not _FILE.fullmatch(name) or len(name) > 200:
            raise StadionError(
                Code.INVALID,
                f"package file is named {name[:80]!r}; expected at most 200 letters, digits, "
                "'-', '_', '.', with '/' between folders",
            )
        checked_digest(file.sha256, f"digest of file {name!r}")
        if file.bytes < 0:
            raise StadionError(Code.INVALID, f"file {name!r} claims {file.bytes} bytes")
