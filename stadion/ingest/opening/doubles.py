"""Files of one input in, those that are not the same as another out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
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
    alike: dict[bytes, list[Place]] = defaultdict(list)
    for piece, head in pieces:
        if len(piece.members) == 1:
            alike[blake2b(head, digest_size=16).digest()].append(piece.members[0])
    same_as = {
        double: first for places in alike.values() for double, first in _doubles(places, archives)
    }
    kept = [piece for piece, _ in pieces if piece.members[0] not in same_as]
    doubled = [Doubled(double.path, first.path) for double, first in same_as.items()]
    return kept, sorted(doubled, key=lambda each: each.name)


def _doubles(places: Sequence[Place], archives: Archives) -> Iterator[tuple[Place, Place]]:
    """Of files that begin alike, those that are the same as one before them, and that one."""
    sizes = Counter(place.size for place in places)
    is_clear = not any(place.is_compressed for place in places)
    first: dict[str, Place] = {}
    for place in places if len(places) > 1 else ():
        if is_clear and sizes[place.size] == 1:
            continue
        try:
            digest = archives.digest(place)
        except (StadionError, OSError):
            continue  # reading it says why
        if digest in first:
            yield place, first[digest]
        first.setdefault(digest, place)
