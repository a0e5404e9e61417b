"""First bytes of a text in, the encoding it is written in out."""

from __future__ import annotations

import re

__all__ = ["encoding_of"]

_SEARCHED_BYTES = 1 << 16
_HIGH = re.compile(rb"[\x80-\xff]+")
# Some 3,800 common characters of GB 2312 begin with B0 to D7, its punctuation with A1 to A3;
# accented letters of Latin-1 words stand alone or are E0 and above.
_COMMON = frozenset((*range(0xA1, 0xA4), *range(0xB0, 0xD8)))


def encoding_of(data: bytes) -> str | None:
    """Python's name of the encoding; None for bytes that are no text.

    Examples
    --------
    >>> [encoding_of(t.encode(e)) for t, e in (("心率", "gbk"), ("Höhe", "cp1252"), ("a", "ascii"))]
    ['gb18030', 'cp1252', 'utf-8-sig']
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = data[:_SEARCHED_BYTES]
    if b"\0" in head:
        return _wide(head)
    try:
        # A character cut in two at the end of the head is no error.
        cut = head.rfind(b"\n") + 1 if len(data) > _SEARCHED_BYTES else 0
        head[: cut or None].decode("utf-8")
    except UnicodeDecodeError as error:
        if len(head) - error.start >= 4 or error.reason != "unexpected end of data":
            return "gb18030" if _is_chinese(head) else "cp1252"
    return "utf-8-sig"


def _wide(head: bytes) -> str | None:
    """UTF-16 without its mark: of ordinary letters every other byte is zero."""
    if len(head) < 8:
        return None
    half = len(head) // 2
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > 0.7 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 * half and odd < 0.05 * half else None


def _is_chinese(head: bytes) -> bool:
    runs = _HIGH.findall(head)
    pairs = [run[k] for run in runs if len(run) % 2 == 0 for k in range(0, len(run), 2)]
    common = sum(first in _COMMON for first in pairs)
    return 2 * common > 0.6 * sum(map(len, runs)) and any(len(run) >= 4 for run in runs)
