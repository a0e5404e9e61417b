"""Names of files as archives and disks hold them in, names that may be shown out."""

from __future__ import annotations

import re

__all__ = ["peeled", "tidy_path"]

_SUFFIXES = {"gzip": ".gz", "xz": ".xz"}
_DRIVE = re.compile(r"[A-Za-z]:(?=/|$)")
_LONGEST = 300


def peeled(path: str, kind: str) -> str:
    """The name without the suffix of its compression.

    Examples
    --------
    >>> peeled("run.fit.gz", "gzip"), peeled("runs.tgz", "gzip"), peeled("run", "xz")
    ('run.fit', 'runs.tar', 'run')
    """
    suffix = _SUFFIXES[kind]
    if path.lower().endswith((".tgz", ".txz")):
        return path[:-4] + ".tar"
    return path[: -len(suffix)] if path.lower().endswith(suffix) else path


def tidy_path(name: str) -> str:
    r"""A member's name as it may be shown: no way up, no roots, no control characters.

    Examples
    --------
    >>> tidy_path("../../etc/x.csv"), tidy_path("C:\\runs\\a.fit"), tidy_path("a\0b")
    ('etc/x.csv', 'runs/a.fit', 'a?b')
    """
    shown = "".join(c if c.isprintable() else "?" for c in name.replace("\\", "/"))
    shown = _DRIVE.sub("", shown, count=1) if _DRIVE.match(shown) else shown
    return "/".join(part for part in shown.split("/") if part not in ("", ".", ".."))[-_LONGEST:]
