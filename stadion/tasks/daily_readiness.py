"""A person's past days in; tomorrow's readiness, resting heart rate, steps, sleep and mood out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stadion.core.activity import Recording, Table
from stadion.core.arrays import Array
from stadion.core.dataset import Dataset, Scalar
from stadion.core.days import DAYS
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.science.daily import LEVELS
from stadion.tasks._days import Person, example_days, people_in, person_inputs
from stadion.tasks.base import Task, one_table, tables_of

__all__ = ["CHANNELS", "OUTPUTS", "PLUGIN", "DailyReadiness", "DaySettings"]

OUTPUTS = (
    "readiness", "resting_heart_rate", "steps", "sleep", "mood", "fatigue", "sleep_quality",
    "stress", "stress_score", "rmssd",
)  # fmt: skip
"""What can be asked of tomorrow; a data set asks for those that its people told or wore."""
CHANNELS = (
    *OUTPUTS,
    "energy", "sedentary", "lightly_active", "moderately_active", "very_active",
    "zone_1", "zone_2", "zone_3", "heart_rate",
    "awake", "deep_sleep", "rem_sleep", "naps", "bedtime", "sleep_efficiency", "sleep_score",
    "sleep_heart_rate", "respiration_rate", "skin_temperature",
    "soreness", "sore_areas", "said_sleep", "fluid", "alcohol",
    "felt_alert", "felt_happy", "felt_neutral", "felt_rested", "felt_sad", "felt_tense",
    "felt_tired",
    "load", "exercise_time",
)  # fmt: skip
"""What is handed over day by day, where the recordings have it."""
_ABOUT = ("age", "height", "mass", "bmi")
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class DaySettings:
    """What the model may look back on, and which outputs it learns.

    `window_days` are handed over day by day; personal levels reach back to the first day. An
    output with fewer than `fewest` known days is left out.
    """

    window_days: int = field(default=28, metadata={"low": 7, "high": 90})
    fewest: int = field(default=20, metadata={"low": 1, "high": 10_000})


class DailyReadiness(Task):
    """Tomorrow, told from what is known tonight.

    A row is a day of one person that has at least one of the outputs. Its inputs are of the days
    before only: every quantity of the last `window_days`, each output's personal levels so far
    (`usual_...`), and what is known of the person. A missing target is NaN: an output is learned
    and measured on the days that have it.

    `times` is how much of a person's own record lies before the day, 0 to 1: whoever splits by it
    trains on the earlier days of everybody and asks about the later ones, though people were
    recorded in different years. For unseen people the rows are split by `groups`.
    """

    name = "daily_readiness"
    question = "How ready, rested and active will I be tomorrow?"
    tables = ("days",)
    metric = "mae"
    split = "time"
    interval = 0.9
    learners = ("personal",)
    reference = (
        "V. Thambawita et al., PMData, MMSys 2020; S. Yfantidou et al., LifeSnaps, Sci Data 2022"
    )
    Settings = DaySettings

    def dataset(self, recordings: Sequence[Recording], settings: DaySettings) -> Dataset:
        """One row for every day with an output and a day before it."""
        people = [p for table in tables_of(recordings, "days") for p in people_in(table)]
        outputs = [name for name in OUTPUTS if _days_asked(people, name) >= settings.fewest]
        if not outputs:
            raise StadionError(
                Code.INVALID,
                f"none of {len(recordings)} recordings is a table of days with {settings.fewest} "
                f"or more of {', '.join(OUTPUTS)}",
            )
        channels = [name for name in CHANNELS if _is_known(people, name)]
        signature = _signature(outputs, channels, settings.window_days)
        parts = [_Rows(person, outputs) for person in people]
        inputs = [person_inputs(part.person, part.at, signature) for part in parts]
        return Dataset(
            self.name,
            signature,
            {name: np.concatenate([each[name] for each in inputs]) for name in inputs[0]},
            {
                name: np.concatenate([part.person.column(name)[part.at] for part in parts]).astype(
                    np.float32
                )
                for name in outputs
            },
            _repeated(parts, "name"),
            {"window_days": settings.window_days, "fewest": settings.fewest},
            np.concatenate([part.at / max(len(part.person.calendar) - 1, 1) for part in parts]),
            {"sex": _repeated(parts, "sex"), "age_group": _repeated(parts, "age_group")},
        )

    def features(
        self, recording: Recording, signature: Signature, settings: Mapping[str, Scalar]
    ) -> dict[str, Array]:
        """One row per person of the table, by name: the day after their last one."""
        people = people_in(one_table(recording, "days"))
        if not people:
            raise StadionError(Code.INVALID, "the table holds no day; expected one at least")
        rows = [person_inputs(p, np.array([len(p.calendar)]), signature) for p in people]
        return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}

    def baselines(self, train: Dataset, test: Dataset) -> dict[str, dict[str, Array]]:
        """What the person's own past says; the training part's median where there is none."""
        levels = {
            "mean of the last 7": "week",
            "mean so far": "mean",
            "last value": "last",
            "exponential mean": "recent",
            "median so far": "median",
        }
        return {
            words: {
                tensor.name: _level(train, test, tensor.name, level)
                for tensor in test.signature.outputs
            }
            for words, level in levels.items()
        }

    def examples(self, seed: int) -> list[Table]:
        """A table of four people, forty days each, who recover slowly from what they do."""
        return [example_days(seed)]


class _Rows:
    """A person and the days (k,) asked of them."""

    def __init__(self, person: Person, outputs: Sequence[str]) -> None:
        told = np.isfinite(np.stack([person.column(name)[1:] for name in outputs]))
        self.person = person
        self.at = np.flatnonzero(told.any(axis=0)) + 1


def _repeated(parts: Sequence[_Rows], name: str) -> Array:
    texts: Array = np.concatenate([np.full(len(p.at), getattr(p.person, name)) for p in parts])
    return texts.astype("U")


def _days_asked(people: Sequence[Person], name: str) -> int:
    return sum(int(np.isfinite(person.column(name)[1:]).sum()) for person in people)


def _is_known(people: Sequence[Person], name: str) -> bool:
    return any(np.isfinite(person.column(name)).any() for person in people)


def _level(train: Dataset, test: Dataset, output: str, level: str) -> Array:
    values = test.inputs[f"usual_{output}"][:, LEVELS.index(level)]
    usual = np.float32(np.nanmedian(train.targets[output]))
    found: Array = np.where(np.isfinite(values), values, usual)
    return found


def _signature(outputs: Sequence[str], channels: Sequence[str], window_days: int) -> Signature:
    return Signature(
        (
            *(_window(name, window_days) for name in channels),
            *(_usual(name) for name in outputs),
            *(
                Tensor(f"own_{name}", "FP32", (None,), DAYS[name].unit, DAYS[name].meaning,
                       low=DAYS[name].low, high=DAYS[name].high)
                for name in _ABOUT
            ),
            Tensor("is_female", "FP32", (None,), "1", "1 for women, 0 for men", low=0.0, high=1.0),
            Tensor("is_30_or_over", "FP32", (None,), "1", "1 from the age of 30 on, else 0",
                   low=0.0, high=1.0),
            Tensor("is_weekend", "FP32", (None,), "1", "1 for a Saturday or Sunday, else 0",
                   low=0.0, high=1.0),
            Tensor("weekday", "FP32", (None, 7), "1", "1 for the weekday of the day asked",
                   ("mon", "tue", "wed", "thu", "fri", "sat", "sun"), low=0.0, high=1.0),
        ),
        tuple(
            Tensor(name, "FP32", (None,), DAYS[name].unit, f"{DAYS[name].meaning}, tomorrow",
                   low=DAYS[name].low, high=DAYS[name].high, missing=False)
            for name in outputs
        ),
    )  # fmt: skip


def _window(name: str, window_days: int) -> Tensor:
    words = DAYS[name]
    return Tensor(
        f"past_{name}", "FP32", (None, window_days), words.unit, f"{words.meaning}, up to today",
        step_s=_DAY_S, low=words.low, high=words.high,
    )  # fmt: skip


def _usual(name: str) -> Tensor:
    words = DAYS[name]
    return Tensor(
        f"usual_{name}", "FP32", (None, len(LEVELS)), words.unit,
        f"{words.meaning}: the person's own levels so far, and on how many days it is known",
        LEVELS,
    )  # fmt: skip


PLUGIN = DailyReadiness()
