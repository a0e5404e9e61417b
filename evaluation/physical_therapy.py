"""Sessions of the physical-therapy set in; their executions, found, labelled and counted, out.

Only one person's test sessions are marked by hand. All of them follow one plan: ten correct, ten
fast and ten low-amplitude executions with rests between. So executions are found along the main
axis (without any label), the two longest pauses part a session into its three bouts, and a bout's
place says how its executions were done. Where marks are there, their spans are the bouts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from stadion.core.activity import Activity, Lap
from stadion.core.arrays import FloatArray, IntArray
from stadion.ingest import open_path
from stadion.science.repetitions import RepetitionSettings, repetitions
from stadion.tasks.exercise_technique import acceleration_of

__all__ = [
    "EXECUTIONS",
    "GRID",
    "PER_BOUT",
    "Counted",
    "is_test",
    "marked",
    "miscounts",
    "sessions_of",
]

EXECUTIONS = ("correct", "fast", "low_amplitude")
PER_BOUT = 10
GRID = tuple(
    RepetitionSettings(cutoff_hz, prominence)
    for cutoff_hz in (0.3, 0.35, 0.4, 0.45, 0.5)
    for prominence in (0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
)
"""What a repetition may be; entries are chosen on the people of the training part."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Of one session or several: executions there were, missed ones, and false alarms."""

    truth: int
    missed: int
    false_alarms: int

    @classmethod
    def total(cls, parts: Sequence[Counted]) -> Counted:
        """Of all of them together."""
        return cls(*(sum(values) for values in zip(*map(dataclasses.astuple, parts), strict=True)))


def sessions_of(folder: Path) -> list[Activity]:
    """All sessions, of templates and tests; each person's archive is opened in turn."""
    return [a for path in sorted(folder.glob("s?.tar.xz")) for a in open_path(path).activities]


def is_test(session: Activity) -> bool:
    """True for the sessions of thirty executions, false for those of three templates."""
    return "/test" in session.source.name


def miscounts(sessions: Sequence[Activity]) -> IntArray:
    """(settings of the grid, sessions) by how many executions each is miscounted."""
    wanted = PER_BOUT * len(EXECUTIONS)
    counts = []
    for session in sessions:
        stream = acceleration_of(session)
        counts.append([len(repetitions(*stream, settings)) for settings in GRID])
    return np.asarray(np.abs(np.array(counts).T - wanted))


def marked(session: Activity, settings: RepetitionSettings) -> tuple[Activity, Counted]:
    """The session with a lap for each execution found in it, and how well they were found."""
    found = repetitions(*acceleration_of(session), settings)
    peaks = np.array([one.peak_s for one in found])
    spans = _marked_bouts(session) or _bouts(peaks)
    laps = [lap for lap in session.laps if lap.kind == "activity"]
    counts = []
    for (first_s, last_s), label in zip(spans, EXECUTIONS, strict=True):
        inside = (peaks >= first_s) & (peaks <= last_s)
        counts.append(int(inside.sum()))
        laps += [
            Lap(one.start_s, one.end_s, "execution", label)
            for one, is_inside in zip(found, inside, strict=True)
            if is_inside
        ]
    missed = sum(max(0, PER_BOUT - count) for count in counts)
    false_alarms = len(found) - sum(counts) + sum(max(0, count - PER_BOUT) for count in counts)
    counted = Counted(PER_BOUT * len(EXECUTIONS), missed, false_alarms)
    return dataclasses.replace(session, laps=tuple(laps)), counted


def _marked_bouts(session: Activity) -> list[tuple[float, float]]:
    """From the first start to the last end of each kind of execution marked by hand."""
    laps = [lap for lap in session.laps if lap.kind == "execution"]
    bouts = []
    for label in EXECUTIONS:
        ours = [lap for lap in laps if lap.label == label]
        if not ours:
            return []
        bouts.append((min(lap.start_s for lap in ours), max(lap.end_s for lap in ours)))
    return bouts


def _bouts(peaks: FloatArray) -> list[tuple[float, float]]:
    """Three stretches, parted by the two longest pauses."""
    if len(peaks) < len(EXECUTIONS):
        return [(0.0, np.inf), (np.inf, np.inf), (np.inf, np.inf)]
    cuts = np.sort(np.argsort(np.diff(peaks))[-2:])
    middles = [(peaks[cut] + peaks[cut + 1]) / 2 for cut in cuts]
    edges = [-np.inf, *middles, np.inf]
    return list(pairwise(edges))
