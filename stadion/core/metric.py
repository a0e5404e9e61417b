"""Numbers with a name and labels in, the text that Prometheus reads out.

References
----------
Prometheus exposition format 0.0.4,
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

__all__ = ["CONTENT_TYPE", "Family", "exposition", "labels"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Kind = Literal["counter", "gauge", "histogram"]
Sample = tuple[str, str, float]
"""What is added to the family's name ('' or '_bucket'), the labels as text, and the value."""


class Family(msgspec.Struct):
    """All samples of one metric.

    Examples
    --------
    >>> family = Family("runs", "counter", "Runs so far.")
    >>> family.add(labels(model="hr"), 3)
    >>> print(exposition([family]).decode(), end="")
    # HELP runs Runs so far.
    # TYPE runs counter
    runs{model="hr"} 3
    """

    name: str
    kind: Kind
    help: str
    samples: list[Sample] = msgspec.field(default_factory=list)

    def add(self, label_text: str, value: float) -> None:
        """One sample of a counter or a gauge."""
        self.samples.append(("", label_text, value))


def labels(**values: str) -> str:
    """Labels as they stand between the braces; made once for all samples that share them."""
    return ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in values.items())


def exposition(families: Iterable[Family]) -> bytes:
    """The text of all families that have samples."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        name = family.name
        lines.append(f"# HELP {name} {family.help}\n# TYPE {name} {family.kind}\n")
        lines += [
            f"{name}{part}{{{text}}} {value}\n" if text else f"{name}{part} {value}\n"
            for part, text, value in family.samples
        ]
    return "".join(lines).encode()


_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
