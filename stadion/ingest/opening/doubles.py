"""Files of one input in, those that are not the same as another out."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from stadion.core.errors import StadionError
from stadion.ingest.opening.claims import Doubled
from stadion.ingest.opening.jobs import Piece
from stadion.ingest.opening.places import Archives, Place

__all__ = ["without_doubles"]


def without_doubles(
    pieces: Sequence[tuple[Piece, bytes]], archives: Archives
) -> tuple[list[Piece], list[Doubled]]:
    """The pieces without those whose one file has the bytes of one before it.

    Parameters
    ----------
    pieces
        Each with the first bytes of its file; only files that begin alike are read whole.
    """
    kept: list[Piece] = []
    doubled: list[Doubled] = []
    seen: dict[bytes, list[Place]] = {}
    for piece, head in pieces:
        (place, *more) = piece.members
        alike = [] if more else seen.setdefault(blake2b(head, digest_size=16).digest(), [])
        same = next((other for other in alike if _are_same(place, other, archives)), None)
        if same is None:
            kept.append(piece)
            alike.append(place)
        else:
            doubled.append(Doubled(place.path, same.path))
    return kept, doubled


def _are_same(one: Place, other: Place, archives: Archives) -> bool:
    is_known = not (one.is_compressed or other.is_compressed)
    if is_known and one.size != other.size:
        return False
    try:
        return _digest(one, archives) == _digest(other, archives)
    except (StadionError, OSError):
        return False


def _digest(place: Place, archives: Archives) -> object:
    if place not in archives.kept:
        archives.kept[place] = archives.digest(place)
    return archives.kept[place]
