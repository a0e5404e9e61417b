"""The daily table of LifeSnaps in, one table of days out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from stadion.core.activity import Activity, Table
from stadion.core.days import AGE_GROUPS
from stadion.core.errors import Code, StadionError
from stadion.ingest._days import DayRows, day_in, number_in, records_in
from stadion.ingest.base import Member, digest_of, source_of

__all__ = ["PLUGIN", "LifesnapsReader"]

_NEEDED = ("id", "date", "resting_hr", "minutesAsleep")
_COLUMNS = {
    "nightly_temperature": ("skin_temperature", 1.0),
    "nremhr": ("sleep_heart_rate", 1.0),
    "rmssd": ("rmssd", 1.0),
    "spo2": ("oxygen_saturation", 1.0),
    "full_sleep_breathing_rate": ("respiration_rate", 1.0),
    "stress_score": ("stress_score", 1.0),
    "calories": ("energy", 1.0),
    "distance": ("distance", 1.0),
    "bpm": ("heart_rate", 1.0),
    "lightly_active_minutes": ("lightly_active", 1.0),
    "moderately_active_minutes": ("moderately_active", 1.0),
    "very_active_minutes": ("very_active", 1.0),
    "sedentary_minutes": ("sedentary", 1.0),
    "resting_hr": ("resting_heart_rate", 1.0),
    "sleep_duration": ("in_bed", 1.0 / 60_000.0),
    "minutesAsleep": ("sleep", 1.0),
    "minutesAwake": ("awake", 1.0),
    "sleep_efficiency": ("sleep_efficiency", 1.0),
    "steps": ("steps", 1.0),
    "minutes_in_default_zone_1": ("zone_1", 1.0),
    "minutes_below_default_zone_1": ("below_zone_1", 1.0),
    "minutes_in_default_zone_2": ("zone_2", 1.0),
    "minutes_in_default_zone_3": ("zone_3", 1.0),
    "ALERT": ("felt_alert", 1.0),
    "HAPPY": ("felt_happy", 1.0),
    "NEUTRAL": ("felt_neutral", 1.0),
    "RESTED/RELAXED": ("felt_rested", 1.0),
    "SAD": ("felt_sad", 1.0),
    "TENSE/ANXIOUS": ("felt_tense", 1.0),
    "TIRED": ("felt_tired", 1.0),
    "GYM": ("was_at_gym", 1.0),
    "HOME": ("was_home", 1.0),
    "OUTDOORS": ("was_outdoors", 1.0),
    "WORK/SCHOOL": ("was_at_work", 1.0),
}
_AGES = {"<30": AGE_GROUPS[0], ">=30": AGE_GROUPS[1]}


class LifesnapsReader:
    """Fitbit Sense and questionnaires of people in four countries, day by day.

    Ages are told as under 30 or not, a body mass index beyond the tables' ends as its bound:
    '<19' counts as 19.

    References
    ----------
    S. Yfantidou et al., LifeSnaps, a 4-month multi-modal dataset capturing unobtrusive snapshots
    of our lives in the wild, Scientific Data 9 (2022) 663.
    """

    name = "lifesnaps"
    layout = "One CSV with columns id, date, resting_hr, rmssd, minutesAsleep, steps and moods."
    guesses = False

    def example(self) -> list[Member]:
        """Two days of one person."""
        data = (
            b",id,date,rmssd,stress_score,calories,sedentary_minutes,resting_hr,sleep_duration,"
            b"minutesAsleep,steps,age,gender,bmi,HAPPY\n"
            b"0,a1,2021-05-24,89.6,78,2351.6,713,62.07,31260000,445,8833,<30,MALE,<19,\n"
            b"1,a1,2021-05-25,94.3,0,2332.1,704,62.12,32880000,460,9727,<30,MALE,<19,1\n"
        )
        return [Member.of("daily_fitbit_sema_df_unprocessed.csv", data)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Tables whose header has the set's own columns."""
        return [[member] for member in members if _is_known(member.head)]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One table of kind `days`."""
        (member,) = group
        data = member.data
        if not _is_known(data[:4096]):
            raise StadionError(
                Code.INVALID, f"no header with the columns {', '.join(_NEEDED)} and their like"
            )
        rows = DayRows()
        for record in records_in(data):
            person, day = record.get("id", "").strip(), day_in(record.get("date"))
            if not person or day is None:
                rows.mended["rows without a person or a date"] += 1
                continue
            for name, (column, scale) in _COLUMNS.items():
                rows.put(person, day, column, number_in(record.get(name)) * scale)
            _meet(rows, person, record)
        return [rows.table(source_of(self.name, member.path, digest_of([data])))]


def _is_known(head: bytes) -> bool:
    line = head.lstrip(b"\xef\xbb\xbf").partition(b"\n")[0].decode("utf-8", "replace")
    return set(_NEEDED) <= {name.strip() for name in line.split(",")}


def _meet(rows: DayRows, person: str, record: Mapping[str, str]) -> None:
    """What is told of the person: the first row that tells it counts."""
    known = rows.people.setdefault(person, {})
    sex = record.get("gender", "").strip().lower()
    if sex in ("female", "male"):
        known.setdefault("sex", sex)
    if group := _AGES.get(record.get("age", "").strip()):
        known.setdefault("age_group", group)
    bmi = number_in(record.get("bmi"))
    if math.isfinite(bmi):
        known.setdefault("bmi", bmi)
        if not record.get("bmi", "")[:1].isdigit():
            rows.mended["body mass index told as a bound, the bound taken"] += 1


PLUGIN = LifesnapsReader()
