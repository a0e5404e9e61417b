"""A data folder in; the licence that a file in it names out."""

from __future__ import annotations

from pathlib import Path

__all__ = ["licence_in"]

_NAMES = ("LICENSE", "LICENCE", "COPYING")  # or what begins so: LICENSE.txt, LICENSE_dataset
_LONGEST = 100
_READ = 4_096


def licence_in(place: Path) -> str:
    """First line with words of the folder's licence file; '' where there is none.

    Most licence files begin with their name: 'MIT License', 'Attribution 4.0 International'.
    """
    if not place.is_dir():
        return ""
    for path in sorted(place.iterdir()):
        if not path.name.upper().startswith(_NAMES):
            continue
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                text = file.read(_READ)
        except OSError:
            continue
        lines = (" ".join(line.split()).strip("#*=- ") for line in text.splitlines())
        if line := next((line for line in lines if any(map(str.isalpha, line))), ""):
            return line[:_LONGEST]
    return ""
