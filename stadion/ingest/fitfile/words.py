"""Codes of FIT in, the words they stand for out."""

from __future__ import annotations

__all__ = [
    "ACTIVITY_TYPES",
    "EVENTS",
    "EVENT_TYPES",
    "FILE_TYPES",
    "GARMIN_PRODUCTS",
    "MAKERS",
    "STROKES",
    "SUB_SPORTS",
    "TIMER_TRIGGERS",
]

FILE_TYPES: dict[int, str] = {
    1: "device", 2: "settings", 3: "sport settings", 5: "workout plan", 6: "course",
    7: "schedule", 9: "weight", 10: "totals", 11: "goals", 14: "blood pressure",
    15: "monitoring", 28: "daily monitoring", 32: "monitoring", 34: "segment",
    35: "segment list",
}  # fmt: skip
STROKES: dict[int, str] = {
    0: "freestyle", 1: "backstroke", 2: "breaststroke", 3: "butterfly", 4: "drill", 5: "mixed",
    6: "individual_medley", 7: "individual_medley_by_round",
}  # fmt: skip
EVENTS: dict[int, str] = {
    0: "timer", 3: "workout", 4: "workout_step", 5: "power_down", 6: "power_up",
    7: "off_course", 8: "session", 9: "lap", 10: "course_point", 11: "battery",
    12: "virtual_partner_pace", 13: "heart_rate_high", 14: "heart_rate_low", 15: "speed_high",
    16: "speed_low", 17: "cadence_high", 18: "cadence_low", 19: "power_high", 20: "power_low",
    21: "recovery_heart_rate", 22: "battery_low", 23: "time_alert", 24: "distance_alert",
    25: "calorie_alert", 26: "activity", 27: "fitness_equipment", 28: "length",
    32: "user_marker", 33: "sport_point", 36: "calibration", 42: "front_gear", 43: "rear_gear",
    44: "rider_position", 45: "elevation_high", 46: "elevation_low", 47: "timeout",
    54: "auto_activity_detect", 56: "dive_alert", 57: "dive_gas_switched", 75: "radar_threat",
}  # fmt: skip
EVENT_TYPES: dict[int, str] = {
    0: "start", 1: "stop", 2: "consecutive", 3: "marker", 4: "stop_all", 5: "begin", 6: "end",
    7: "end_all", 8: "stop_disable", 9: "stop_disable_all",
}  # fmt: skip
TIMER_TRIGGERS: dict[int, str] = {0: "manual", 1: "auto", 2: "fitness_equipment"}
# What a monitor of the whole day tells apart; the numbers differ from those of sports.
ACTIVITY_TYPES: dict[int, str] = {
    0: "generic", 1: "running", 2: "cycling", 3: "transition", 4: "fitness_equipment",
    5: "swimming", 6: "walking", 8: "sedentary",
}  # fmt: skip
SUB_SPORTS: dict[int, str] = {
    1: "treadmill", 2: "street", 3: "trail", 4: "track", 5: "spin", 6: "indoor_cycling",
    7: "road", 8: "mountain", 9: "downhill", 10: "recumbent", 11: "cyclocross",
    12: "hand_cycling", 13: "track_cycling", 14: "indoor_rowing", 15: "elliptical",
    16: "stair_climbing", 17: "lap_swimming", 18: "open_water", 19: "flexibility_training",
    20: "strength_training", 21: "warm_up", 22: "match", 23: "exercise", 24: "challenge",
    25: "indoor_skiing", 26: "cardio_training", 27: "indoor_walking", 28: "e_bike_fitness",
    29: "bmx", 30: "casual_walking", 31: "speed_walking", 32: "bike_to_run_transition",
    33: "run_to_bike_transition", 34: "swim_to_bike_transition", 35: "atv", 36: "motocross",
    37: "backcountry", 38: "resort", 39: "rc_drone", 40: "wingsuit", 41: "whitewater",
    42: "skate_skiing", 43: "yoga", 44: "pilates", 45: "indoor_running", 46: "gravel_cycling",
    47: "e_bike_mountain", 48: "commuting", 49: "mixed_surface", 50: "navigate", 51: "track_me",
    52: "map", 53: "single_gas_diving", 54: "multi_gas_diving", 55: "gauge_diving",
    56: "apnea_diving", 57: "apnea_hunting", 58: "virtual_activity", 59: "obstacle",
    62: "breathing", 65: "sail_race", 67: "ultra", 68: "indoor_climbing", 69: "bouldering",
    70: "hiit", 73: "amrap", 74: "emom", 75: "tabata", 84: "pickleball", 85: "padel",
    86: "indoor_wheelchair_walk", 87: "indoor_wheelchair_run", 88: "indoor_hand_cycling",
    94: "squash", 95: "badminton", 96: "racquetball", 97: "table_tennis", 110: "fly_canopy",
    111: "fly_paraglide", 112: "fly_paramotor", 113: "fly_pressurized", 114: "fly_navigate",
    115: "fly_timer", 116: "fly_altimeter", 117: "fly_wx", 118: "fly_vfr", 119: "fly_ifr",
}  # fmt: skip
MAKERS: dict[int, str] = {
    1: "garmin", 6: "srm", 7: "quarq", 9: "saris", 23: "suunto", 32: "wahoo_fitness",
    37: "magellan", 38: "osynce", 54: "ifor_powell", 70: "sigmasport", 76: "moxy", 86: "elite",
    89: "tacx", 95: "stryd", 123: "polar", 255: "development", 260: "zwift",
    263: "favero_electronics", 265: "strava", 267: "bryton", 282: "the_sufferfest",
    289: "hammerhead", 294: "coros", 307: "onelap",
}  # fmt: skip
GARMIN_PRODUCTS: dict[int, str] = {
    1018: "fr310xt", 1036: "edge500", 1124: "fr110", 1169: "edge800", 1325: "edge200",
    1328: "fr910xt", 1345: "fr610", 1436: "fr70", 1482: "fr10", 1499: "swim", 1551: "fenix",
    1561: "edge510", 1567: "edge810", 1623: "fr620", 1765: "fr920xt", 1836: "edge1000",
    1967: "fenix2", 2050: "fenix3", 2067: "edge520", 2147: "edge25", 2148: "fr25",
    2158: "fr735xt", 2204: "edge_explore_1000", 2337: "vivo_active_hr", 2413: "fenix3_hr",
    2432: "fenix3_chronos", 2530: "edge_820", 2533: "fr735xt_apac", 2544: "fenix5s",
    2604: "fenix5x", 2691: "fr935", 2697: "fenix5", 2713: "edge_1030", 2909: "Edge_130",
    3076: "fr245", 3110: "fenix5_plus", 3113: "fr945", 3121: "edge_530", 3122: "edge_830",
    3282: "fr45", 3287: "fenix6S_sport", 3288: "fenix6S", 3290: "fenix6", 3291: "fenix6x",
    3558: "edge_130_plus", 3570: "edge_1030_plus", 3589: "fr745", 3843: "edge_1040", 3869: "fr55",
    3906: "fenix7", 3990: "fr255_music", 3992: "fr255", 4024: "fr955", 4061: "edge_540",
    4062: "edge_840", 4257: "fr265_large", 4312: "epix_gen2_pro_42", 4315: "fr965",
    4440: "edge_1050", 4536: "fenix8",
}  # fmt: skip
