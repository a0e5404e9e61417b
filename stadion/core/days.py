"""The words of tables of kind `days` and `sessions`: every column's unit, meaning and bounds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AGE_GROUPS", "DAYS", "SESSIONS", "SEXES", "Quantity", "age_group_of"]

SEXES = ("female", "male")
AGE_GROUPS = ("under 30", "30 and over")
"""As coarse as the coarsest published set, so that all sets can be looked at in one way."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column of numbers; what lies outside of `low` to `high` is an error of the recording."""

    unit: str
    meaning: str
    low: float
    high: float


_PER_DAY = 1440.0

DAYS: dict[str, Quantity] = {
    # the person, the same on all days
    "age": Quantity("1", "age in years", 5, 110),
    "height": Quantity("m", "body height", 0.9, 2.4),
    # the body and the day's sums, midnight to midnight where the person was
    "mass": Quantity("kg", "body mass", 20, 300),
    "bmi": Quantity("1", "body mass index, kg/m^2", 10, 70),
    "steps": Quantity("1", "steps", 1, 100_000),
    "distance": Quantity("m", "distance walked and run", 0, 200_000),
    "energy": Quantity("kcal", "energy spent, rest included", 300, 15_000),
    "sedentary": Quantity("min", "time without activity", 0, _PER_DAY),
    "lightly_active": Quantity("min", "time lightly active", 0, _PER_DAY),
    "moderately_active": Quantity("min", "time moderately active", 0, _PER_DAY),
    "very_active": Quantity("min", "time very active", 0, _PER_DAY),
    "below_zone_1": Quantity("min", "time with the heart rate below all zones", 0, _PER_DAY),
    "zone_1": Quantity("min", "time in the first heart rate zone (fat burn)", 0, _PER_DAY),
    "zone_2": Quantity("min", "time in the second heart rate zone (cardio)", 0, _PER_DAY),
    "zone_3": Quantity("min", "time in the third heart rate zone (peak)", 0, _PER_DAY),
    "heart_rate": Quantity("bpm", "mean heart rate", 30, 200),
    "resting_heart_rate": Quantity("bpm", "resting heart rate", 25, 120),
    # the night that ended on this day
    "sleep": Quantity("min", "time asleep in the main sleep", 30, 1_200),
    "in_bed": Quantity("min", "time in bed of the main sleep", 30, _PER_DAY),
    "awake": Quantity("min", "time awake during the main sleep", 0, 600),
    "deep_sleep": Quantity("min", "time in deep sleep", 0, 600),
    "light_sleep": Quantity("min", "time in light sleep", 0, 900),
    "rem_sleep": Quantity("min", "time in REM sleep", 0, 600),
    "naps": Quantity("min", "time asleep outside of the main sleep", 0, 900),
    "bedtime": Quantity("h", "start of the main sleep, hours after midnight (-2 = 22:00)", -24, 24),
    "sleep_efficiency": Quantity("%", "time asleep per time in bed", 1, 100),
    "sleep_score": Quantity("1", "the tracker's score of the night, 100 is best", 1, 100),
    "rmssd": Quantity("ms", "root mean square of successive beat differences at night", 3, 300),
    "sdnn": Quantity("ms", "mean standard deviation of beat intervals, of a minute each", 3, 400),
    "sleep_heart_rate": Quantity("bpm", "heart rate in non-REM sleep", 25, 130),
    "respiration_rate": Quantity("breaths/min", "breathing rate at night", 5, 40),
    "oxygen_saturation": Quantity("%", "blood oxygen at night", 70, 100),
    "skin_temperature": Quantity("degC", "skin temperature at night", 20, 42),
    "stress_score": Quantity("1", "the tracker's score, 100 is least stressed", 1, 100),
    # what the person says; in all of these more is better
    "readiness": Quantity("1", "readiness to train, 1 to 10 (10 is best)", 1, 10),
    "mood": Quantity("1", "mood, 1 to 5 (3 is normal, 5 is best)", 1, 5),
    "fatigue": Quantity("1", "freshness, 1 to 5 (1 is most tired, 3 is normal)", 1, 5),
    "sleep_quality": Quantity("1", "quality of sleep, 1 to 5 (3 is normal, 5 is best)", 1, 5),
    "soreness": Quantity("1", "absence of soreness, 1 to 5 (1 is most sore)", 1, 5),
    "stress": Quantity("1", "absence of stress, 1 to 5 (1 is most stressed)", 1, 5),
    "said_sleep": Quantity("h", "duration of sleep as the person says", 1, 20),
    "sore_areas": Quantity("1", "number of sore body parts", 0, 60),
    "injuries": Quantity("1", "number of injured body parts", 0, 60),
    "fluid": Quantity("1", "glasses drunk", 0, 40),
    "meals": Quantity("1", "number of meals", 0, 10),
    "alcohol": Quantity("1", "1 when alcohol was drunk, else 0", 0, 1),
    "felt_alert": Quantity("1", "1 when the person felt alert, else 0", 0, 1),
    "felt_happy": Quantity("1", "1 when the person felt happy, else 0", 0, 1),
    "felt_neutral": Quantity("1", "1 when the person felt neutral, else 0", 0, 1),
    "felt_rested": Quantity("1", "1 when the person felt rested or relaxed, else 0", 0, 1),
    "felt_sad": Quantity("1", "1 when the person felt sad, else 0", 0, 1),
    "felt_tense": Quantity("1", "1 when the person felt tense or anxious, else 0", 0, 1),
    "felt_tired": Quantity("1", "1 when the person felt tired, else 0", 0, 1),
    "was_home": Quantity("1", "1 when the person was at home, else 0", 0, 1),
    "was_outdoors": Quantity("1", "1 when the person was outdoors, else 0", 0, 1),
    "was_at_work": Quantity("1", "1 when the person was at work or school, else 0", 0, 1),
    "was_at_gym": Quantity("1", "1 when the person was at the gym, else 0", 0, 1),
    # training of the day
    "trainings": Quantity("1", "number of reported training sessions", 0, 20),
    "training_time": Quantity("min", "duration of the reported training sessions", 0, 1_000),
    "load": Quantity("au", "session RPE load: exertion (0 to 10) times minutes", 0, 10_000),
    "exercise_time": Quantity("min", "duration of the exercises the tracker saw", 0, _PER_DAY),
}
"""Columns of a table `days` beside the texts `person`, `sex`, `age_group` and the date `date`."""

SESSIONS: dict[str, Quantity] = {
    "age": DAYS["age"],
    "height": DAYS["height"],
    "max_heart_rate": Quantity("bpm", "the person's highest heart rate", 120, 230),
    "duration": Quantity("s", "duration of the session", 1, 86_400),
    "active_duration": Quantity("s", "duration without pauses", 1, 86_400),
    "heart_rate": Quantity("bpm", "mean heart rate of the session", 35, 220),
    "energy": Quantity("kcal", "energy spent in the session", 1, 10_000),
    "steps": Quantity("1", "steps of the session", 0, 100_000),
    "distance": Quantity("m", "distance of the session", 1, 500_000),
    "speed": Quantity("m/s", "mean speed of the session", 0.1, 30),
    "climb": Quantity("m", "height gained", 0, 10_000),
    "below_zone_1": Quantity("min", "time with the heart rate below all zones", 0, _PER_DAY),
    "zone_1": Quantity("min", "time in the first heart rate zone (fat burn)", 0, _PER_DAY),
    "zone_2": Quantity("min", "time in the second heart rate zone (cardio)", 0, _PER_DAY),
    "zone_3": Quantity("min", "time in the third heart rate zone (peak)", 0, _PER_DAY),
    "sedentary": Quantity("min", "time without activity", 0, _PER_DAY),
    "lightly_active": Quantity("min", "time lightly active", 0, _PER_DAY),
    "moderately_active": Quantity("min", "time moderately active", 0, _PER_DAY),
    "very_active": Quantity("min", "time very active", 0, _PER_DAY),
    "rpe": Quantity("1", "exertion as the person says, 0 to 10 (10 is hardest)", 0, 10),
    "resting_heart_rate": Quantity("bpm", "last resting heart rate before that day", 25, 120),
}
"""Columns of a table `sessions` beside the texts `person`, `sex`, `activity` and `source` (what
recorded it: `tracker` or `report`) and the moment `start`, a `datetime64[s]` in local time."""


def age_group_of(age: float) -> str:
    """The group of an age in years; empty when it is unknown.

    Examples
    --------
    >>> age_group_of(29.0), age_group_of(30.0), age_group_of(float("nan"))
    ('under 30', '30 and over', '')
    """
    if not age > 0:
        return ""
    return AGE_GROUPS[int(age >= 30)]
