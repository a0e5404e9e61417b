"""The part of FIT's numbering that Stadion understands: messages, fields and scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "EVENT_FIELDS",
    "EVENT_VALUES",
    "MONITORING",
    "PARTS",
    "RECORD",
    "Message",
    "Quantity",
    "quantity",
]


class Message:
    """Numbers of the messages that are read."""

    FILE_ID = 0
    USER_PROFILE = 3
    ZONES_TARGET = 7
    SPORT = 12
    SESSION = 18
    LAP = 19
    RECORD = 20
    EVENT = 21
    DEVICE_INFO = 23
    WORKOUT = 26
    COURSE = 31
    ACTIVITY = 34
    MONITORING = 55
    HRV = 78
    LENGTH = 101
    MONITORING_INFO = 103
    HR = 132
    FIELD_DESCRIPTION = 206


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a field measures: value = stored / scale - offset.

    A list becomes NAME_1, NAME_2 and on; where one number is meant the first keeps the name.
    """

    name: str
    scale: float = 1.0
    offset: float = 0.0
    is_list: bool = False

    def name_of(self, place: int) -> str:
        """What the number at that place of the field is called, counted from 0."""
        return f"{self.name}_{place + 1}" if self.is_list or place else self.name


_SCALES = {"deg": 2**31 / 180, "phase": 256 / 360}  # stored angles per degree


def quantity(words: Sequence[str]) -> Quantity:
    """Name, scale and offset as the tables here and beside this file write them.

    Examples
    --------
    >>> quantity(["avg_altitude_m", "5", "500"])
    Quantity(name='avg_altitude_m', scale=5.0, offset=500.0, is_list=False)
    """
    name, scale, offset = [*words, *("1", "0")[len(words) - 1 :]]
    number = _SCALES[scale] if scale in _SCALES else float(scale)
    return Quantity(name.removesuffix("[]"), number, float(offset), name.endswith("[]"))


def _fields(table: str) -> dict[int, Quantity]:
    entries = (entry.split() for entry in table.split(";"))
    return {int(number): quantity(words) for number, *words in entries}


# Where two fields measure the same, the better one comes first: the plain ones overflow.
RECORD: dict[int, Quantity] = _fields("""
0 position_lat deg; 1 position_long deg; 78 altitude 5 500; 2 altitude 5 500; 3 heart_rate;
4 cadence; 52 cadence 256; 5 distance 100; 73 speed 1000; 6 speed 1000; 7 power; 9 grade 100;
10 resistance; 11 time_from_course 1000; 87 cycle_length 100; 12 cycle_length 100;
13 temperature; 17 speed_1s[] 16; 19 total_cycles; 29 accumulated_power; 30 left_right_balance;
31 gps_accuracy; 32 vertical_speed 1000; 33 calories; 39 vertical_oscillation 10;
40 stance_time_percent 100; 41 stance_time 10; 42 activity_type;
43 left_torque_effectiveness 2; 44 right_torque_effectiveness 2; 45 left_pedal_smoothness 2;
46 right_pedal_smoothness 2; 47 combined_pedal_smoothness 2; 49 stroke_type; 50 zone;
51 ball_speed 100; 54 total_hemoglobin_conc 100; 55 total_hemoglobin_conc_min 100;
56 total_hemoglobin_conc_max 100; 57 saturated_hemoglobin_percent 10;
58 saturated_hemoglobin_percent_min 10; 59 saturated_hemoglobin_percent_max 10;
62 device_index; 67 left_pco; 68 right_pco; 69 left_power_phase[] phase;
70 left_power_phase_peak[] phase; 71 right_power_phase[] phase;
72 right_power_phase_peak[] phase; 81 battery_soc 2; 82 motor_power; 83 vertical_ratio 100;
84 stance_time_balance 100; 85 step_length 10; 91 absolute_pressure; 92 depth 1000;
93 next_stop_depth 1000; 94 next_stop_time; 95 time_to_surface; 96 ndl_time; 97 cns_load;
98 n2_load; 108 respiration_rate 100; 99 respiration_rate; 114 grit; 115 flow;
116 current_stress 100; 117 ebike_travel_range; 118 ebike_battery_level; 119 ebike_assist_mode;
120 ebike_assist_level_percent; 123 air_time_remaining; 124 pressure_sac 100;
125 volume_sac 100; 126 rmv 100; 127 ascent_rate 1000; 129 po2 100; 139 core_temperature 100
""")

# Parts of other quantities and of the time: `recording` puts them together.
PARTS = frozenset({8, 18, 28, 48, 53})

# Kind of event -> what its number says, for those whose number is no plain count or code.
EVENT_VALUES: dict[int, Quantity] = _fields("""
0 timer_trigger; 4 workout_step; 10 course_point; 11 battery_v 1000;
12 virtual_partner_mps 1000; 13 limit_bpm; 14 limit_bpm; 15 limit_mps 1000; 16 limit_mps 1000;
17 limit_rpm; 18 limit_rpm; 19 limit_w; 20 limit_w; 23 time_s 1000; 24 distance_m 100;
25 energy_kcal; 27 fitness_equipment_state; 33 score; 44 rider_position; 47 timeout
""")

# What an event says in fields of its own.
EVENT_FIELDS: dict[int, Quantity] = _fields("""
7 score; 8 opponent_score; 9 front_gear_num; 10 front_gear; 11 rear_gear_num; 12 rear_gear;
13 device_index; 14 activity_type; 15 start_timestamp; 21 radar_threat_level_max;
22 radar_threat_count; 23 radar_threat_avg_approach_speed 10;
24 radar_threat_max_approach_speed 10
""")

MONITORING: dict[int, Quantity] = _fields("""
1 energy; 2 distance 100; 8 distance 100; 3 cycles 2; 9 cycles 2; 4 active_time 1000;
10 active_time; 5 activity_type; 27 heart_rate; 28 intensity 10; 12 temperature 100;
19 active_energy; 29 duration 0.0166666666666666667; 30 duration; 31 ascent 1000;
32 descent 1000; 33 moderate_activity; 34 vigorous_activity
""")
