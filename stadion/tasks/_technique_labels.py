"""Rows of recordings and the laps they lie in; what each output has to learn out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stadion.core.activity import Activity, Lap
from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import Code, StadionError

__all__ = ["OUTPUTS", "UNKNOWN", "Part", "labelled_laps", "targets_of"]

OUTPUTS = {"exercise": "activity", "execution": "execution"}
"""Output -> kind of the laps that tell it."""
UNKNOWN = -1


class Part(NamedTuple):
    """The rows of one recording and where their middles lie (n,)."""

    activity: Activity
    group: str
    inputs: dict[str, Array]
    middles_s: FloatArray

    def named(self, name: str) -> Array:
        """(n,) text, the name for each row."""
        return np.full(len(self.middles_s), name)


def targets_of(parts: list[Part]) -> tuple[dict[str, Array], dict[str, tuple[str, ...]]]:
    """Class indices and labels of each output that the recordings label in two ways or more.

    What a single person's recordings label cannot be tried on anybody else, so it is no output.
    """
    targets: dict[str, Array] = {}
    labels: dict[str, tuple[str, ...]] = {}
    for output, kind in OUTPUTS.items():
        names = [_labels(part.activity, kind, part.middles_s) for part in parts]
        known = tuple(sorted({name for each in names for name in each.tolist()} - {""}))
        if len(known) > 1 and _told_by_several(parts, names):
            labels[output] = known
            targets[output] = _indices(np.concatenate(names), known)
    if not labels:
        raise StadionError(
            Code.INVALID,
            "all rows are labelled alike or there are none; expected two exercises, or two ways "
            "to do one",
        )
    return targets, labels


def labelled_laps(activity: Activity, kind: str) -> list[Lap]:
    """The laps of that kind that have a label and a length."""
    return [
        lap for lap in activity.laps if lap.kind == kind and lap.label and lap.end_s > lap.start_s
    ]


def _told_by_several(parts: list[Part], names: list[Array]) -> bool:
    """True when two labels are left whichever person is left out, or there is one person only."""
    shown: dict[str, set[str]] = {}
    for part, each in zip(parts, names, strict=True):
        shown.setdefault(part.group, set()).update({*each.tolist()} - {""})
    without = (set().union(*(shown[g] for g in shown if g != group)) for group in shown)
    return len(shown) == 1 or all(len(labels) > 1 for labels in without)


def _labels(activity: Activity, kind: str, middles_s: FloatArray) -> Array:
    """(n,) text: the label of the lap each middle lies in, '' outside of all."""
    labels = np.full(len(middles_s), "", dtype=object)
    for lap in labelled_laps(activity, kind):
        labels[(middles_s >= lap.start_s - 1e-6) & (middles_s <= lap.end_s + 1e-6)] = lap.label
    return labels


def _indices(names: Array, labels: tuple[str, ...]) -> Array:
    places = {name: index for index, name in enumerate(labels)}
    return np.array([places.get(name, UNKNOWN) for name in names.tolist()], np.int64)
