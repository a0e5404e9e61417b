"""Tables of body landmarks per video frame in, one activity per clip out."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from stadion.core.activity import Activity, Lap, Repair, Table
from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import Code, StadionError
from stadion.ingest._clock import build_timeline
from stadion.ingest._texts import texts_of
from stadion.ingest.base import Member, activity_id, digest_of, source_of

__all__ = ["PLUGIN", "ExercisePoseReader"]

_RATE_HZ = 30.0
_CUT = 0.05  # of the image: landmarks that move farther from frame to frame are another clip
_HEAD = re.compile(rb"label,(?:[a-z_]+_x,[a-z_]+_y,[a-z_]+_z,[a-z_]+_v(?:,|\r?\n))+", re.ASCII)
_EXERCISE = re.compile(r"(squat|bicep|plank|lunge)[^/]*$")
_EXERCISES = {"squat": "squat", "bicep": "biceps_curl", "plank": "plank", "lunge": "lunge"}
_GRADES = {
    "bicep": {"C": "correct", "L": "leaning_back"},
    "plank": {"C": "correct", "H": "high_back", "L": "low_back"},
    "lunge": {"C": "correct", "L": "knee_over_toe"},
}


class ExercisePoseReader:
    """MediaPipe landmarks of people who exercise before a camera, each frame labelled by hand.

    x and y are shares of the image's width and height from its left upper corner, z is depth in
    the same measure, v how visible the landmark was. The files have no clock: frames are taken
    as 30 a second, and a jump of the whole body by more than 5 percent of the image as the cut
    to another clip.

    References
    ----------
    Files of github.com/NgoQuocBao1010/Exercise-Correction. V. Bazarevsky et al., BlazePose:
    on-device real-time body pose tracking, arXiv:2006.10204 (the landmarks).
    """

    name = "exercise_pose"
    layout = "Comma-separated frames: label, then x, y, z and v of each landmark such as left_knee."
    guesses = False

    def example(self) -> list[Member]:
        """Three frames of a squat, one landmark."""
        text = "label,nose_x,nose_y,nose_z,nose_v\ndown,0.6,0.43,-0.01,0.99\n"
        return [
            Member.of("squat_train.csv", f"{text}down,0.6,0.42,0.0,0.99\nup,0.6,0.4,0,1\n".encode())
        ]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Tables whose header is a label and quadruples of landmark coordinates."""
        return [[member] for member in members if _is_ours(member.head)]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity per clip; its frames' labels are laps of kind `execution`."""
        (member,) = group
        data = member.data
        names, labels, values, dropped = _frames(member.path, data)
        digest = digest_of([data])
        found = _EXERCISE.search(member.path.lower())
        activities: list[Activity | Table] = []
        for rows in _clips(names, values):
            clock = np.arange(len(rows)) / _RATE_HZ
            columns = {name: values[rows, k] for k, name in enumerate(names)}
            timeline = build_timeline(clock, columns, "pose")
            if timeline is None or not timeline.track.channels:
                continue
            repairs = [Repair("rows that cannot be read dropped", dropped)] if dropped else []
            exercise = found[1] if found else ""
            activities.append(
                Activity(
                    id=activity_id(digest, len(activities)),
                    athlete="",
                    sport="training",
                    start=None,
                    tracks=(timeline.track,),
                    source=source_of(self.name, member.path, digest, repairs),
                    laps=(
                        *_whole(exercise, float(clock[-1])),
                        *_runs(labels[rows], _GRADES.get(exercise, {})),
                    ),
                )
            )
        if not activities:
            raise StadionError(Code.INVALID, f"{member.path} holds no frame with a landmark")
        return activities


def _is_ours(head: bytes) -> bool:
    return _HEAD.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def _frames(path: str, data: bytes) -> tuple[list[str], Array, FloatArray, int]:
    """Names of the columns, (n,) labels, (n, columns) values, and rows that were dropped."""
    text = data.removeprefix(b"\xef\xbb\xbf")
    if _HEAD.match(text) is None:
        raise StadionError(Code.INVALID, f"{path} has no header 'label,nose_x,nose_y,...'")
    lines = text.decode("utf-8", "replace").splitlines()
    names = [name.strip() for name in lines[0].split(",")[1:]]
    if len(set(names)) < len(names):
        raise StadionError(Code.INVALID, f"{path} names a landmark twice")
    labels: list[str] = []
    rows: list[list[float]] = []
    for line in lines[1:]:
        cells = line.split(",")
        if len(cells) == len(names) + 1:
            labels.append(cells[0].strip())
            rows.append([_number(cell) for cell in cells[1:]])
    if not rows:
        raise StadionError(Code.INVALID, f"{path} holds no row as long as its header")
    dropped = len([line for line in lines[1:] if line.strip()]) - len(rows)
    return names, texts_of(labels), np.array(rows, np.float32), dropped


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if abs(value) < 1e6 else float("nan")


def _clips(names: list[str], values: FloatArray) -> list[Array]:
    """Rows of each clip."""
    places = values[:, [k for k, name in enumerate(names) if name.endswith(("_x", "_y"))]]
    with np.errstate(invalid="ignore"):
        steps = np.abs(np.diff(places, axis=0))
        moved = np.where(np.isfinite(steps), steps, 0.0).mean(axis=1)
    return np.split(np.arange(len(values)), np.flatnonzero(moved > _CUT) + 1)


def _whole(exercise: str, end_s: float) -> tuple[Lap, ...]:
    return (Lap(0.0, end_s, "activity", _EXERCISES[exercise]),) if exercise else ()


def _runs(labels: Array, grades: dict[str, str]) -> list[Lap]:
    """A lap for each run of frames with the same label."""
    ends = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    laps = []
    for run in np.split(np.arange(len(labels)), ends):
        start_s, end_s = float(run[0]) / _RATE_HZ, float(run[-1]) / _RATE_HZ
        if name := str(labels[run[0]]):
            laps.append(Lap(start_s, end_s, "execution", grades.get(name, name)))
    return laps


PLUGIN = ExercisePoseReader()
