"""A backup in; its registry and folders out, verified as a whole before anything is replaced."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import permutations
from pathlib import Path
from typing import BinaryIO, cast

from stadion.core.errors import Code, StadionError
from stadion.registry.blobs import BlobStore, copied
from stadion.registry.database import Database
from stadion.registry.durable import (
    DAY_S,
    make_folder,
    sync_tree,
    temporary_beside,
    tidy,
)
from stadion.registry.exchange import put_in_place
from stadion.registry.faults import storage_faults
from stadion.registry.manifest import (
    DATABASE,
    MANIFEST,
    MANIFEST_DIGEST,
    Entry,
    Manifest,
    checked_member,
    manifest_from_json,
)
from stadion.registry.storage import Storage
from stadion.registry.verification import verify

__all__ = ["restore"]

_MOST_PAPER = 512 << 20
_BLOB = re.compile(r"registry/blobs/([0-9a-f]{2})/([0-9a-f]{62})")
_REFUSED = "nothing was changed; use another backup"


def restore(
    source: Path,
    folder: Path,
    *,
    extra: Mapping[str, Path] | None = None,
    replace: bool = False,
) -> Manifest:
    """Bring a backup back.

    Everything is unpacked beside its place and verified there: each file against the manifest,
    the database against its own rules, each version against its digests. Only then the folders
    are put in place, each by one rename or exchange, the registry last. A restore that is refused
    changes nothing; one that is killed leaves each folder old or new, never a mix, and is run
    again with `replace`. Nothing may serve from the folders meanwhile.

    Parameters
    ----------
    folder
        Where the registry goes.
    extra
        Where each further folder of the backup goes, by the name it was backed up under.
    replace
        Put the backup in the place of folders that hold something; what they held is removed.

    Raises
    ------
    StadionError
        NOT_FOUND without a file; INVALID for a damaged or hostile one, or when `extra` does not
        name what the backup holds; CONFLICT for a place that holds something; UNSUPPORTED for a
        newer Stadion's backup; UNAVAILABLE when the disk fails.
    """
    places = {f"extra/{name}": path for name, path in (extra or {}).items()}
    places["registry"] = folder  # last: what it refers to must be there before it
    if not source.is_file():
        raise StadionError(Code.NOT_FOUND, f"there is no backup {source.name[:80]!r}")
    _check_places(places, replace=replace)
    with storage_faults("restore the backup"), ExitStack() as stack:
        stages = {name: stack.enter_context(_staged(path)) for name, path in places.items()}
        manifest = _unpack(source, stages)
        _check_registry(stages["registry"])
        for name, stage in stages.items():
            sync_tree(stage)
            put_in_place(stage, places[name])
    return manifest


def _check_places(places: Mapping[str, Path], *, replace: bool) -> None:
    for (one, inner), (other, outer) in permutations(places.items(), 2):
        if inner.resolve().is_relative_to(outer.resolve()):
            raise StadionError(Code.INVALID, f"the place of {one!r} lies in that of {other!r}")
    for name, path in places.items():
        if path.exists() and not path.is_dir():
            raise StadionError(Code.INVALID, f"the place of {name!r} is no folder")
        if not replace and path.is_dir() and any(path.iterdir()):
            raise StadionError(
                Code.CONFLICT, f"the place of {name!r} is not empty", "allow it to be replaced"
            )


@contextmanager
def _staged(place: Path) -> Iterator[Path]:
    """An empty folder beside `place`; whatever is in it at the end is removed."""
    make_folder(place.absolute().parent)
    tidy(place.absolute().parent, DAY_S)
    stage = temporary_beside(place.absolute())
    stage.mkdir(mode=0o700)
    try:
        yield stage
    finally:
        if stage.exists():
            shutil.rmtree(stage)


def _unpack(source: Path, stages: Mapping[str, Path]) -> Manifest:
    found: dict[str, Entry] = {}
    papers: dict[str, bytes] = {}
    with source.open("rb") as file, _tar_faults():
        for name, data in _members(file):
            if name in found or name in papers:
                raise _refusal(f"holds {name[:80]!r} twice")
            if name in (MANIFEST, MANIFEST_DIGEST):
                papers[name] = data.read(_MOST_PAPER)
            else:
                found[name] = _written(data, _target(name, stages))
    manifest = manifest_from_json(papers.get(MANIFEST, b""), papers.get(MANIFEST_DIGEST, b""))
    _check_manifest(manifest, found, stages)
    return manifest


@contextmanager
def _tar_faults() -> Iterator[None]:
    try:
        yield
    except (OSError, StadionError):
        raise
    except Exception as error:  # a hostile header makes tarfile raise all sorts
        raise _refusal(f"is damaged ({type(error).__name__})") from error


def _members(file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    """Name and bytes of each member; INVALID for whatever is no plain file in a plain tar."""
    with tarfile.open(fileobj=file, mode="r:") as tar:
        end = -1
        while (member := tar.next()) is not None:
            data = tar.extractfile(member) if _is_plain(member) else None
            if data is None or tar.offset <= end:  # a size below 0 would lead back for ever
                raise _refusal(f"holds {member.name[:80]!r}, which is no plain file")
            end = tar.offset
            yield checked_member(member.name), cast(BinaryIO, data)


def _is_plain(member: tarfile.TarInfo) -> bool:
    return member.type == tarfile.REGTYPE and not member.issparse() and member.size >= 0


def _target(name: str, stages: Mapping[str, Path]) -> Path:
    if name.startswith("registry/") and name != DATABASE and not _BLOB.fullmatch(name):
        raise _refusal(f"holds {name[:80]!r}, which belongs to no registry")
    for place, stage in stages.items():
        if name.startswith(f"{place}/"):
            return stage / name.removeprefix(f"{place}/")
    raise _refusal(f"holds {name[:80]!r}; no place was named for it")


def _written(data: BinaryIO, target: Path) -> Entry:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        sha256, size = copied(data, file)
        file.flush()
        os.fsync(file.fileno())
    return Entry(size, sha256)


def _check_manifest(
    manifest: Manifest, found: Mapping[str, Entry], stages: Mapping[str, Path]
) -> None:
    if found != manifest.files:
        differing = sorted(
            name
            for name in {*found, *manifest.files}
            if found.get(name) != manifest.files.get(name)
        )
        raise _refusal(f"is damaged: {differing[0][:80]!r} is not what its manifest says")
    if {f"extra/{name}" for name in manifest.extra} | {"registry"} != set(stages):
        raise StadionError(
            Code.INVALID,
            f"the backup holds the extra folders {sorted(manifest.extra)}; "
            f"places were named for {sorted(set(stages) - {'registry'})}",
            "name a place for each of them and no other",
        )


def _check_registry(folder: Path) -> None:
    """Refuse what a registry of ours never holds, however well its manifest agrees."""
    for path in folder.glob("blobs/*/*"):
        path.chmod(0o444)
    if not (folder / Path(DATABASE).name).is_file():
        raise _refusal("holds no registry")
    try:
        report = verify(
            Storage(Database(folder / Path(DATABASE).name), BlobStore(folder / "blobs"))
        )
    except StadionError as error:
        raise _refusal(f"holds a registry that cannot be used: {error.message}") from error
    if not report.is_sound:
        first = next(iter((*report.problems, *report.database)))
        raise _refusal(f"holds a damaged registry: {first}")


def _refusal(why: str) -> StadionError:
    return StadionError(Code.INVALID, f"the backup {why}", _REFUSED)
