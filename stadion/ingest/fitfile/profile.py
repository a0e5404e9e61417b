"""The part of FIT's numbering that Stadion understands: messages, fields, scales, words."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "EVENTS",
    "EVENT_TYPES",
    "FILE_TYPES",
    "LAP_VALUES",
    "LENGTH_VALUES",
    "NOT_STREAMS",
    "RECORD",
    "SESSION_VALUES",
    "STROKES",
    "Message",
    "Quantity",
]


class Message:
    """Numbers of the messages that are read."""

    FILE_ID = 0
    SPORT = 12
    SESSION = 18
    LAP = 19
    RECORD = 20
    EVENT = 21
    HRV = 78
    LENGTH = 101
    HR = 132
    FIELD_DESCRIPTION = 206


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a field measures: value = stored / scale - offset, in the unit of its name."""

    name: str
    scale: float = 1.0
    offset: float = 0.0


_SEMICIRCLES = 2**31 / 180  # stored angles per degree

# Where two fields measure the same, the better one comes first: the plain ones overflow.
RECORD: dict[int, Quantity] = {
    0: Quantity("position_lat", _SEMICIRCLES),
    1: Quantity("position_long", _SEMICIRCLES),
    78: Quantity("altitude", 5, 500),
    2: Quantity("altitude", 5, 500),
    3: Quantity("heart_rate"),
    4: Quantity("cadence"),
    5: Quantity("distance", 100),
    73: Quantity("speed", 1000),
    6: Quantity("speed", 1000),
    7: Quantity("power"),
    9: Quantity("grade", 100),
    10: Quantity("resistance"),
    11: Quantity("time_from_course", 1000),
    87: Quantity("cycle_length", 100),
    12: Quantity("cycle_length", 100),
    13: Quantity("temperature"),
    19: Quantity("total_cycles"),
    29: Quantity("accumulated_power"),
    30: Quantity("left_right_balance"),
    31: Quantity("gps_accuracy"),
    32: Quantity("vertical_speed", 1000),
    33: Quantity("calories"),
    39: Quantity("vertical_oscillation", 10),
    40: Quantity("stance_time_percent", 100),
    41: Quantity("stance_time", 10),
    43: Quantity("left_torque_effectiveness", 2),
    44: Quantity("right_torque_effectiveness", 2),
    45: Quantity("left_pedal_smoothness", 2),
    46: Quantity("right_pedal_smoothness", 2),
    47: Quantity("combined_pedal_smoothness", 2),
    51: Quantity("ball_speed", 100),
    54: Quantity("total_hemoglobin_conc", 100),
    57: Quantity("saturated_hemoglobin_percent", 10),
    67: Quantity("left_pco"),
    68: Quantity("right_pco"),
    81: Quantity("battery_soc", 2),
    82: Quantity("motor_power"),
    83: Quantity("vertical_ratio", 100),
    84: Quantity("stance_time_balance", 100),
    85: Quantity("step_length", 10),
    91: Quantity("absolute_pressure"),
    92: Quantity("depth", 1000),
    108: Quantity("respiration_rate", 100),
    99: Quantity("respiration_rate"),
    139: Quantity("core_temperature", 100),
}

# Enumerations, indices, parts of other fields and parts of the time: no streams of numbers.
NOT_STREAMS = frozenset({8, 17, 18, 28, 42, 48, 49, 50, 52, 53, 62})

SESSION_VALUES: dict[int, Quantity] = {
    7: Quantity("elapsed_s", 1000),
    8: Quantity("timer_s", 1000),
    9: Quantity("distance_m", 100),
    11: Quantity("energy_kcal"),
    124: Quantity("speed_mps", 1000),
    14: Quantity("speed_mps", 1000),
    125: Quantity("speed_max_mps", 1000),
    15: Quantity("speed_max_mps", 1000),
    16: Quantity("heart_rate_bpm"),
    17: Quantity("heart_rate_max_bpm"),
    18: Quantity("cadence_rpm"),
    19: Quantity("cadence_max_rpm"),
    20: Quantity("power_w"),
    21: Quantity("power_max_w"),
    22: Quantity("ascent_m"),
    23: Quantity("descent_m"),
}
LAP_VALUES: dict[int, Quantity] = {
    7: Quantity("elapsed_s", 1000),
    8: Quantity("timer_s", 1000),
    9: Quantity("distance_m", 100),
    11: Quantity("energy_kcal"),
    110: Quantity("speed_mps", 1000),
    13: Quantity("speed_mps", 1000),
    111: Quantity("speed_max_mps", 1000),
    14: Quantity("speed_max_mps", 1000),
    15: Quantity("heart_rate_bpm"),
    16: Quantity("heart_rate_max_bpm"),
    17: Quantity("cadence_rpm"),
    18: Quantity("cadence_max_rpm"),
    19: Quantity("power_w"),
    20: Quantity("power_max_w"),
    21: Quantity("ascent_m"),
    22: Quantity("descent_m"),
}
LENGTH_VALUES: dict[int, Quantity] = {
    3: Quantity("elapsed_s", 1000),
    4: Quantity("timer_s", 1000),
    5: Quantity("strokes"),
    6: Quantity("speed_mps", 1000),
    9: Quantity("cadence_rpm"),
    11: Quantity("energy_kcal"),
}

FILE_TYPES: dict[int, str] = {
    1: "device", 2: "settings", 3: "sport settings", 5: "workout plan", 6: "course",
    7: "schedule", 9: "weight", 10: "totals", 11: "goals", 14: "blood pressure",
    15: "monitoring", 28: "daily monitoring", 32: "monitoring", 34: "segment",
    35: "segment list",
}  # fmt: skip
STROKES: dict[int, str] = {
    0: "freestyle", 1: "backstroke", 2: "breaststroke", 3: "butterfly", 4: "drill", 5: "mixed",
    6: "individual_medley",
}  # fmt: skip
EVENTS: dict[int, str] = {
    0: "timer", 3: "workout", 4: "workout_step", 5: "power_down", 6: "power_up",
    7: "off_course", 8: "session", 9: "lap", 10: "course_point", 11: "battery",
    12: "virtual_partner_pace", 13: "heart_rate_high", 14: "heart_rate_low", 15: "speed_high",
    16: "speed_low", 17: "cadence_high", 18: "cadence_low", 19: "power_high", 20: "power_low",
    21: "recovery_heart_rate", 22: "battery_low", 23: "time_alert", 24: "distance_alert",
    25: "calorie_alert", 26: "activity", 27: "fitness_equipment", 28: "length",
    32: "user_marker", 33: "sport_point", 36: "calibration", 42: "front_gear", 43: "rear_gear",
    44: "rider_position", 45: "elevation_high", 46: "elevation_low",
}  # fmt: skip
EVENT_TYPES: dict[int, str] = {
    0: "start", 1: "stop", 3: "marker", 4: "stop_all", 8: "stop_disable", 9: "stop_disable_all",
}  # fmt: skip
