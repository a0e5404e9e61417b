"""Training sessions of known people in; the mean heart rate of each from what was before out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from stadion.core.activity import Recording, Source, Table
from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.core.dataset import Dataset, Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.tasks.base import Task, one_table, tables_of

__all__ = ["PLUGIN", "SessionHeartRate", "SessionSettings"]

_KINDS = ("walk", "run", "treadmill", "bike", "spin", "swim", "weights", "workout", "sport",
          "elliptical", "hike", "other")  # fmt: skip
_RECENT = 5
_FACTS = {
    "duration": ("s", "duration of the session"),
    "steps_per_minute": ("1/min", "steps of each minute"),
    "speed": ("m/s", "mean speed"),
    "climb_per_hour": ("m/h", "height gained in an hour"),
    "rpe": ("1", "exertion as the person says, 0 to 10"),
    "hour": ("h", "time of day at the start"),
    "resting_heart_rate": ("bpm", "last resting heart rate before that day"),
    "max_heart_rate": ("bpm", "the person's highest heart rate"),
    "age": ("a", "age of the person"),
    "female": ("1", "1 for women, 0 for men"),
}
_PAST = {
    "usual": "mean of the person's earlier sessions",
    "recent": f"mean of the person's last {_RECENT} sessions",
    "usual_of_kind": "mean of the person's earlier sessions of this kind",
    "recent_of_kind": f"mean of the person's last {_RECENT} sessions of this kind",
    "last_of_kind": "that of the person's last session of this kind",
}


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Sessions shorter than `shortest_min` minutes are left out."""

    shortest_min: float = field(default=1.0, metadata={"low": 0.0, "high": 600.0})


class SessionHeartRate(Task):
    """Mean heart rate of a session by its kind, its facts and the person's own past."""

    name = "session_heart_rate"
    question = "Which mean heart rate will this session have for this person?"
    tables = ("sessions",)
    metric = "mae"
    reference = "V. Thambawita et al., PMData: a sports logging dataset, MMSys 2020"
    split = "time"
    interval = 0.9
    learners = ("boosting",)
    Settings = SessionSettings

    def dataset(self, recordings: Sequence[Recording], settings: SessionSettings) -> Dataset:
        """One row per session whose mean heart rate is known."""
        parts: list[_Rows] = []
        for table in tables_of(recordings, "sessions"):
            rows = _rows_of(table)
            keep = np.isfinite(rows.truth) & (rows.duration_s >= 60.0 * settings.shortest_min)
            if keep.any():
                parts.append(rows.take(np.flatnonzero(keep)))
        if not parts:
            raise StadionError(
                Code.INVALID,
                f"none of {len(recordings)} recordings is a table of sessions with heart_rate",
            )
        return Dataset(
            self.name,
            _SIGNATURE,
            {k: np.concatenate([p.inputs[k] for p in parts]) for k in parts[0].inputs},
            {"heart_rate": np.concatenate([p.truth for p in parts]).astype(np.float32)},
            np.concatenate([p.person for p in parts]),
            {"shortest_min": settings.shortest_min},
            times=np.concatenate([p.time_s for p in parts]),
            strata={
                "sex": np.concatenate([p.sex for p in parts]),
                "kind": np.concatenate([p.kind for p in parts]),
            },
        )

    def features(
        self, recording: Recording, signature: Signature, settings: Mapping[str, Scalar]
    ) -> dict[str, Array]:
        """A row for every session of the table; heart rates of earlier ones are its past."""
        table = one_table(recording, "sessions")
        if not len(table):
            raise StadionError(Code.INVALID, "the table holds no session")
        return _rows_of(table).inputs

    def baselines(self, train: Dataset, test: Dataset) -> dict[str, dict[str, Array]]:
        """Means known at the split: of person and kind, of the person, of everybody."""
        truth = train.targets["heart_rate"]
        by_kind = _keys(train), _keys(test)
        levels = [_means(*by_kind, truth), _means(train.groups, test.groups, truth)]
        everybody = np.full(len(test), truth.mean(), np.float32)
        person = np.where(np.isfinite(levels[1]), levels[1], everybody)
        kind = np.where(np.isfinite(levels[0]), levels[0], person)
        return {
            "person and kind mean": {"heart_rate": kind.astype(np.float32)},
            "person mean": {"heart_rate": person.astype(np.float32)},
            "global mean": {"heart_rate": everybody},
        }

    def examples(self, seed: int) -> list[Table]:
        """Forty runs and walks of each of three people with hearts of their own."""
        rng = np.random.default_rng(seed)
        people = np.repeat([f"p{index}" for index in range(3)], 40)
        kind = np.where(rng.random(120) < 0.5, "Run", "Walk")
        start = np.datetime64("2026-01-01T08:00:00") + np.tile(np.arange(40), 3) * 86_400
        level = np.repeat(rng.uniform(90, 120, 3), 40) + 40 * (kind == "Run")
        columns: dict[str, Array] = {
            "person": people,
            "start": start.astype("datetime64[s]"),
            "activity": kind,
            "sex": np.where(people == "p0", "female", "male"),
            "duration": rng.uniform(1_200, 3_600, 120),
            "heart_rate": level + rng.normal(0, 4, 120),
        }
        units = {"duration": "s", "heart_rate": "bpm"}
        digest = sha256(columns["heart_rate"].tobytes()).hexdigest()
        return [Table("sessions", columns, {n: units.get(n, "") for n in columns},
                      Source("example", digest))]  # fmt: skip


class _Rows(NamedTuple):
    """Inputs by name and (n,) of the rest; `truth` in bpm, NaN = unknown."""

    inputs: dict[str, Array]
    truth: FloatArray
    duration_s: FloatArray
    time_s: FloatArray
    person: Array
    sex: Array
    kind: Array

    def take(self, rows: IntArray) -> _Rows:
        inputs = {name: values[rows] for name, values in self.inputs.items()}
        return _Rows(inputs, *(each[rows] for each in self[1:]))


def _rows_of(table: Table) -> _Rows:
    size, columns = len(table), table.columns

    def number(name: str) -> FloatArray:
        return np.asarray(columns.get(name, np.full(size, np.nan)), np.float64)

    def text(name: str) -> Array:
        return np.asarray(columns.get(name, np.full(size, "")), "U")

    start = np.asarray(columns["start"], "datetime64[s]")
    person, kind, truth = text("person"), _kinds(text("activity")), number("heart_rate")
    sex, minutes = text("sex"), number("duration") / 60.0
    facts = {
        "steps_per_minute": number("steps") / minutes,
        "climb_per_hour": 60.0 * number("climb") / minutes,
        "hour": (start - start.astype("datetime64[D]")) / np.timedelta64(1, "h"),
        "female": np.select([sex == "female", sex == "male"], [1.0, 0.0], np.nan),
    }
    facts |= {name: number(name) for name in _FACTS.keys() - facts.keys()}
    time_s = start.astype(np.int64).astype(np.float64)
    facts |= _past(person, kind, np.where(np.isnat(start), np.nan, time_s), truth)
    inputs = {t.name: facts[t.name] for t in _SIGNATURE.inputs if t.name != "kind"}
    inputs["kind"] = (kind[:, None] == np.array(_KINDS)).astype(np.float64)
    ready = {name: np.asarray(values, np.float32) for name, values in inputs.items()}
    return _Rows(ready, truth, 60.0 * minutes, time_s, person, sex, kind)


def _kinds(activity: Array) -> Array:
    """The first word of `_KINDS` that is in the name of the activity."""
    names = np.char.lower(activity)
    found = np.full(len(names), "other", "U10")
    for word in reversed(_KINDS[:-1]):
        found[np.char.find(names, word) >= 0] = word
    return found


def _past(person: Array, kind: Array, time_s: FloatArray, truth: FloatArray) -> dict[str, Array]:
    """What each session's person did before; sessions that begin at once do not know each other."""
    past = {name: np.full(len(truth), np.nan) for name in _PAST}
    for name in np.unique(person):
        rows = np.flatnonzero((person == name) & np.isfinite(time_s))
        rows = rows[np.argsort(time_s[rows], kind="stable")]
        for row in rows:
            before = rows[(time_s[rows] < time_s[row]) & np.isfinite(truth[rows])]
            alike = before[kind[before] == kind[row]]
            for suffix, some in (("", before), ("_of_kind", alike)):
                if len(some):
                    past[f"usual{suffix}"][row] = truth[some].mean()
                    past[f"recent{suffix}"][row] = truth[some[-_RECENT:]].mean()
            if len(alike):
                past["last_of_kind"][row] = truth[alike[-1]]
    return past


def _keys(data: Dataset) -> Array:
    kinds = np.array(_KINDS)[data.inputs["kind"].argmax(axis=1)]
    return np.char.add(np.char.add(data.groups.astype("U"), "|"), kinds)


def _means(known: Array, asked: Array, truth: FloatArray) -> FloatArray:
    """(m,) mean truth of the rows with the same key; NaN where there are none."""
    means = {key: truth[known == key].mean() for key in np.unique(known)}
    return np.array([means.get(key, np.nan) for key in asked.tolist()])


_SIGNATURE = Signature(
    inputs=(
        Tensor("kind", "FP32", (None, len(_KINDS)), "1", "1 for the kind of session, else 0",
               _KINDS, low=0.0, high=1.0),
        *(Tensor(name, "FP32", (None,), unit, meaning) for name, (unit, meaning) in _FACTS.items()),
        *(
            Tensor(name, "FP32", (None,), "bpm", f"heart rate, {meaning}", low=30.0, high=230.0)
            for name, meaning in _PAST.items()
        ),
    ),
    outputs=(
        Tensor("heart_rate", "FP32", (None,), "bpm", "mean heart rate of the session",
               low=30.0, high=230.0, missing=False),
    ),
)  # fmt: skip

PLUGIN = SessionHeartRate()
