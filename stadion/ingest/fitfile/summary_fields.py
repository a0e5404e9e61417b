"""What the fields of FIT's sessions, laps and pool lengths are called and how they are scaled."""

from __future__ import annotations

from stadion.ingest.fitfile.profile import Quantity, quantity

__all__ = ["LAP_VALUES", "LENGTH_VALUES", "SESSION_VALUES"]

# Number in a session, a lap and a length (- = not there), name, scale and offset: FIT's own
# name with its unit, but for the words that all readers share. Of two fields with one name the
# better one comes first. A name with [] is a list, whose numbers become NAME_1, NAME_2 and on.
_TABLE = """
124 110 - speed_mps 1000; 125 111 - speed_max_mps 1000; 7 7 3 elapsed_s 1000;
8 8 4 timer_s 1000; 9 9 - distance_m 100; 11 11 11 energy_kcal; 14 13 6 speed_mps 1000;
15 14 - speed_max_mps 1000; 16 15 - heart_rate_bpm; 17 16 - heart_rate_max_bpm;
18 17 - cadence_rpm; 19 18 - cadence_max_rpm; 20 19 - power_w; 21 20 - power_max_w;
22 21 - ascent_m; 23 22 - descent_m; 34 33 - weighted_power_w; 35 - - load 10;
36 - - intensity 1000; - 23 - intensity_kind; - - 5 strokes; - - 9 cadence_rpm;
126 112 - avg_altitude_m 5 500; 127 113 - min_altitude_m 5 500; 128 114 - max_altitude_m 5 500;
169 136 22 avg_respiration_rate_per_min 100; 170 137 23 max_respiration_rate_per_min 100;
180 - - min_respiration_rate_per_min 100; 0 0 0 event; 1 1 1 event_type;
3 3 - start_position_lat_deg deg; 4 4 - start_position_long_deg deg;
38 5 - end_position_lat_deg deg; 5 25 - sport; 39 6 - end_position_long_deg deg;
6 39 - sub_sport; 10 10 - total_cycles; 13 12 - total_fat_calories_kcal;
24 - - total_training_effect 10; 25 - - first_lap_index; 27 26 10 event_group; 26 - - num_laps;
28 - - trigger; 29 - - nec_lat_deg deg; 30 - - nec_long_deg deg; 31 - - swc_lat_deg deg;
33 32 - num_lengths; 32 - - swc_long_deg deg; 42 37 - avg_stroke_distance_m 100;
43 38 7 swim_stroke; 47 40 - num_active_lengths; 48 41 - total_work_j;
41 - - avg_stroke_count 10; 49 42 - avg_altitude_m 5 500; 50 43 - max_altitude_m 5 500;
51 44 - gps_accuracy_m; 44 - - pool_length_m 100; 52 45 - avg_grade_percent 100;
45 - - threshold_power_w; 53 46 - avg_pos_grade_percent 100; 46 - - pool_length_unit;
54 47 - avg_neg_grade_percent 100; 55 48 - max_pos_grade_percent 100;
56 49 - max_neg_grade_percent 100; 57 50 - avg_temperature_degc; 58 51 - max_temperature_degc;
59 52 - total_moving_time_s 1000; 60 53 - avg_pos_vertical_speed_mps 1000;
61 54 - avg_neg_vertical_speed_mps 1000; 62 55 - max_pos_vertical_speed_mps 1000;
63 56 - max_neg_vertical_speed_mps 1000; 65 57 - time_in_hr_zone_s[] 1000;
66 58 - time_in_speed_zone_s[] 1000; 67 59 - time_in_cadence_zone_s[] 1000;
68 60 - time_in_power_zone_s[] 1000; 71 62 - min_altitude_m 5 500; 64 63 - min_heart_rate_bpm;
69 - - avg_lap_time_s 1000; 70 - - best_lap_index; 83 74 19 opponent_score;
85 75 20 stroke_count[]; 86 76 21 zone_count[]; 89 77 - avg_vertical_oscillation_mm 10;
90 78 - avg_stance_time_percent 100; 91 79 - avg_stance_time_ms 10; 82 83 18 player_score;
95 84 - avg_total_hemoglobin_conc_g_per_dl[] 100;
96 85 - min_total_hemoglobin_conc_g_per_dl[] 100;
97 86 - max_total_hemoglobin_conc_g_per_dl[] 100; 98 87 - avg_saturated_hemoglobin_percent[] 10;
87 - - max_ball_speed_mps 100; 99 88 - min_saturated_hemoglobin_percent[] 10;
88 - - avg_ball_speed_mps 100; 100 89 - max_saturated_hemoglobin_percent[] 10;
101 91 - avg_left_torque_effectiveness_percent 2;
102 92 - avg_right_torque_effectiveness_percent 2; 103 93 - avg_left_pedal_smoothness_percent 2;
104 94 - avg_right_pedal_smoothness_percent 2; 105 95 - avg_combined_pedal_smoothness_percent 2;
112 98 - time_standing_s 1000; 113 99 - stand_count; 114 100 - avg_left_pco_mm;
115 101 - avg_right_pco_mm; 116 102 - avg_left_power_phase_deg[] phase;
117 103 - avg_left_power_phase_peak_deg[] phase; 118 104 - avg_right_power_phase_deg[] phase;
119 105 - avg_right_power_phase_peak_deg[] phase; 120 106 - avg_power_position_w[];
121 107 - max_power_position_w[]; 122 108 - avg_cadence_position_rpm[];
123 109 - max_cadence_position_rpm[]; 111 - - sport_index; 129 115 - avg_lev_motor_power_w;
130 116 - max_lev_motor_power_w; 131 117 - lev_battery_consumption_percent 2;
132 118 - avg_vertical_ratio_percent 100; 133 119 - avg_stance_time_balance_percent 100;
134 120 - avg_step_length_mm 10; 139 121 - avg_vam_mps 1000; 140 122 - avg_depth_m 1000;
141 123 - max_depth_m 1000; 150 124 - min_temperature_degc;
137 - - total_anaerobic_training_effect 10; 142 - - surface_interval_s;
143 - - start_cns_percent; 144 - - end_cns_percent; 145 - - start_n2_percent;
146 - - end_n2_percent; 147 147 24 avg_respiration_rate_per_min;
148 148 25 max_respiration_rate_per_min; 181 149 - total_grit;
149 - - min_respiration_rate_per_min; 182 150 - total_flow; 183 151 - jump_count;
186 153 - avg_grit; 187 154 - avg_flow; 155 - - o2_toxicity; 156 - - dive_number;
208 158 - avg_core_temperature_degc 100; 209 159 - min_core_temperature_degc 100;
210 160 - max_core_temperature_degc 100; 168 - - training_load_peak 65536; 192 - - workout_feel;
193 - - workout_rpe; 194 - - avg_spo2_percent; 195 - - avg_stress_percent; 197 - - sdrr_hrv_ms;
198 - - rmssd_hrv_ms; 254 254 254 message_index; - 24 - lap_trigger; - 35 - first_length_index;
- 61 - repetition_num; - 71 - wkt_step_index; - - 12 length_type
"""


def _fields(column: int) -> dict[int, Quantity]:
    found: dict[int, Quantity] = {}
    for entry in _TABLE.split(";"):
        words = entry.split()
        if words[column] != "-":
            found[int(words[column])] = quantity(words[3:])
    return found


SESSION_VALUES: dict[int, Quantity] = _fields(0)
LAP_VALUES: dict[int, Quantity] = _fields(1)
LENGTH_VALUES: dict[int, Quantity] = _fields(2)
