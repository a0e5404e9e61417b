"""Files of one export in, their entries and the digest of all of them out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from stadion.core.errors import Code, StadionError
from stadion.ingest.base import Member, combined_digest, digest_of

__all__ = ["entries_in", "read_each"]

T = TypeVar("T")


def entries_in(data: bytes, kind: type[T]) -> list[T]:
    """The list of entries that a JSON document is; of each only the fields of `kind` are kept.

    Raises
    ------
    StadionError
        INVALID for what is no such list, or is damaged.
    """
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=list[kind])  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        raise StadionError(Code.INVALID, f"JSON of another layout: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StadionError(Code.INVALID, "JSON that is damaged or cut short") from error


def read_each(
    group: Sequence[Member], read: Callable[[str, bytes], Any], mended: Counter[str]
) -> str:
    """Give each file's path and bytes to `read`, one in memory at a time, by their paths.

    A file that `read` refuses is left out and counted in `mended`.

    Returns
    -------
    The digest of the whole group.
    """
    digests: list[str] = []
    for member in sorted(group, key=lambda member: member.path):
        data = member.data
        digests.append(digest_of([data]))
        try:
            read(member.path, data)
        except StadionError as error:
            mended[f"{member.path.rpartition('/')[2]} left out: {error.message}"] += 1
    return combined_digest(digests)
