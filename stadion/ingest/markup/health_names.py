"""Apple's words for quantities, units, sports and people in, the vocabulary's out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stadion.ingest._sports import sport_named

__all__ = ["QUANTITIES", "SLEEP", "STAGES", "Quantity", "scale_of", "sport_of", "sub_sport_of"]

_SCALES: dict[str, dict[str, float]] = {
    "1": {"count": 1.0, "": 1.0},
    "1/min": {"count/min": 1.0, "count/s": 60.0},
    "m": {"m": 1.0, "km": 1000.0, "mi": 1609.344, "ft": 0.3048, "yd": 0.9144, "cm": 0.01,
          "mm": 0.001, "in": 0.0254},
    "kcal": {"kcal": 1.0, "Cal": 1.0, "kJ": 1 / 4.184, "J": 1 / 4184.0, "cal": 0.001},
    "kg": {"kg": 1.0, "lb": 0.45359237, "g": 0.001, "oz": 0.028349523125, "st": 6.35029318},
    "ms": {"ms": 1.0, "s": 1000.0},
    "min": {"min": 1.0, "s": 1 / 60, "hr": 60.0, "ms": 1 / 60_000},
    "m/s": {"m/s": 1.0, "km/hr": 1 / 3.6, "km/h": 1 / 3.6, "mi/hr": 0.44704, "ft/s": 0.3048},
    "W": {"W": 1.0, "kW": 1000.0},
    "%": {"%": 1.0},
    "degC": {"degC": 1.0, "degF": 1.0, "K": 1.0},
}  # fmt: skip
"""Unit that values are kept in -> Apple's unit -> factor."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What records of one type are kept as.

    `channel` and `factor` say which stream of a workout it becomes; `is_sum` is true of what is
    counted over a stretch, such as steps.
    """

    name: str
    unit: str
    channel: str = ""
    factor: float = 1.0
    is_sum: bool = False


SLEEP = "HKCategoryTypeIdentifierSleepAnalysis"
_ID = "HKQuantityTypeIdentifier"
QUANTITIES: dict[str, Quantity] = {
    _ID + "HeartRate": Quantity("heart_rate", "1/min", "heart_rate"),
    _ID + "RestingHeartRate": Quantity("resting_heart_rate", "1/min"),
    # Apple's measure of variability is SDNN: it is never RMSSD.
    _ID + "HeartRateVariabilitySDNN": Quantity("sdnn", "ms"),
    _ID + "RespiratoryRate": Quantity("respiration_rate", "1/min", "respiration_rate"),
    _ID + "OxygenSaturation": Quantity("oxygen_saturation", "%"),
    _ID + "AppleSleepingWristTemperature": Quantity("skin_temperature", "degC"),
    _ID + "BodyMass": Quantity("mass", "kg"),
    _ID + "BodyMassIndex": Quantity("bmi", "1"),
    _ID + "Height": Quantity("height", "m"),
    _ID + "StepCount": Quantity("steps", "1", is_sum=True),
    _ID + "DistanceWalkingRunning": Quantity("distance", "m", is_sum=True),
    _ID + "DistanceCycling": Quantity("distance_cycling", "m", is_sum=True),
    _ID + "DistanceSwimming": Quantity("distance_swimming", "m", is_sum=True),
    _ID + "ActiveEnergyBurned": Quantity("active_energy", "kcal", is_sum=True),
    _ID + "BasalEnergyBurned": Quantity("basal_energy", "kcal", is_sum=True),
    _ID + "AppleExerciseTime": Quantity("exercise_time", "min", is_sum=True),
    _ID + "RunningSpeed": Quantity("running_speed", "m/s", "speed"),
    _ID + "RunningPower": Quantity("running_power", "W", "power"),
    _ID + "RunningStrideLength": Quantity("step_length", "m", "step_length", 1000.0),
    _ID + "RunningVerticalOscillation": Quantity(
        "vertical_oscillation", "m", "vertical_oscillation", 1000.0
    ),
    _ID + "RunningGroundContactTime": Quantity("stance_time", "ms", "stance_time"),
    _ID + "CyclingSpeed": Quantity("cycling_speed", "m/s", "speed"),
    _ID + "CyclingPower": Quantity("cycling_power", "W", "power"),
    _ID + "CyclingCadence": Quantity("cycling_cadence", "1/min", "cadence"),
    SLEEP: Quantity("sleep", "1"),
}
"""Apple's type -> what it is kept as. Records of other types are passed over."""

STAGES: dict[str, float] = {
    "HKCategoryValueSleepAnalysisInBed": 0.0,
    "HKCategoryValueSleepAnalysisAsleep": 1.0,
    "HKCategoryValueSleepAnalysisAsleepUnspecified": 1.0,
    "HKCategoryValueSleepAnalysisAwake": 2.0,
    "HKCategoryValueSleepAnalysisAsleepCore": 3.0,
    "HKCategoryValueSleepAnalysisAsleepDeep": 4.0,
    "HKCategoryValueSleepAnalysisAsleepREM": 5.0,
}
"""Values of records of sleep -> their numbers in HealthKit."""

_SPORTS = {
    "swim_bike_run": "multisport",
    "traditional_strength_training": "training", "functional_strength_training": "training",
    "core_training": "training", "cross_training": "training", "flexibility": "training",
    "yoga": "training", "pilates": "training", "barre": "training", "cooldown": "training",
    "mixed_cardio": "training", "mixed_metabolic_cardio_training": "training",
    "preparation_and_recovery": "training", "mind_and_body": "meditation", "tai_chi": "training",
    "jump_rope": "jump_rope", "step_training": "fitness_equipment",
    "high_intensity_interval_training": "hiit", "elliptical": "fitness_equipment",
    "stair_climbing": "fitness_equipment", "stairs": "fitness_equipment",
    "hand_cycling": "cycling", "wheelchair_run_pace": "wheelchair_push_run",
    "wheelchair_walk_pace": "wheelchair_push_walk", "paddle_sports": "paddling",
    "downhill_skiing": "alpine_skiing",
    "skating_sports": "ice_skating", "climbing": "rock_climbing", "surfing_sports": "surfing",
    "equestrian_sports": "horseback_riding", "table_tennis": "racket",
    "badminton": "racket", "squash": "racket", "racquetball": "racket", "pickleball": "racket",
    "kickboxing": "boxing", "underwater_diving": "diving",
    "cardio_dance": "dance", "social_dance": "dance", "disc_sports": "disc_golf",
    "martial_arts": "mixed_martial_arts",
}  # fmt: skip
_SUB_SPORTS = {
    "traditional_strength_training": "strength_training", "elliptical": "elliptical",
    "functional_strength_training": "strength_training", "core_training": "strength_training",
    "flexibility": "flexibility_training", "yoga": "yoga", "pilates": "pilates",
    "mixed_cardio": "cardio_training", "mixed_metabolic_cardio_training": "cardio_training",
    "stair_climbing": "stair_climbing", "stairs": "stair_climbing", "hand_cycling": "hand_cycling",
    "table_tennis": "table_tennis", "badminton": "badminton", "squash": "squash",
    "racquetball": "racquetball", "pickleball": "pickleball",
}  # fmt: skip
_SOUND = re.compile(r"[a-z][a-z_]{1,39}")
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def scale_of(unit: str, told: str) -> tuple[float, float] | None:
    """(factor, offset) from Apple's unit to the one kept; None when it is unknown.

    Examples
    --------
    >>> scale_of("m", "mi"), scale_of("m", "furlong")
    ((1609.344, 0.0), None)
    """
    if told == "degF":
        return (1 / 1.8, -32 / 1.8) if unit == "degC" else None
    factor = _SCALES[unit].get(told)
    if factor is None:
        return None
    return factor, -273.15 if told == "K" else 0.0


def sport_of(activity_type: str) -> str:
    """FIT's word for Apple's type of workout; Apple's own where FIT has none; empty = unknown.

    Examples
    --------
    >>> sport_of("HKWorkoutActivityTypeRunning"), sport_of("HKWorkoutActivityTypeTaiChi")
    ('running', 'training')
    """
    word = _word(activity_type)
    own = word if _SOUND.fullmatch(word) and word != "other" else ""
    return _SPORTS.get(word) or sport_named(word) or own


def sub_sport_of(
    activity_type: str, sport: str, is_indoor: bool, is_open_water: bool | None
) -> str:
    """FIT's word for the kind of sport; empty when it is not told."""
    if sport == "running" and is_indoor:
        return "treadmill"
    if sport == "cycling" and is_indoor:
        return "indoor_cycling"
    if sport == "rowing" and is_indoor:
        return "indoor_rowing"
    if sport == "swimming" and is_open_water is not None:
        return "open_water" if is_open_water else "lap_swimming"
    return _SUB_SPORTS.get(_word(activity_type), "")


def _word(activity_type: str) -> str:
    name = activity_type.rpartition("ActivityType")[2][:60]
    return _WORD.sub("_", name).lower()
