"""The vocabulary of streams: what a channel is called, its unit and the values it can take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["ALIASES", "CHANNELS", "Channel", "canonical", "dtype_of"]


@dataclass(frozen=True, slots=True)
class Channel:
    """A named stream. Values outside [low, high] are not physically possible."""

    name: str
    unit: str
    meaning: str
    low: float = float("-inf")
    high: float = float("inf")


def _axes(prefix: str, unit: str, meaning: str, limit: float) -> list[Channel]:
    return [
        Channel(f"{prefix}_{axis}", unit, f"{meaning}, sensor axis {axis}", -limit, limit)
        for axis in "xyz"
    ]


def _sides(name: str, meaning: str, low: float) -> list[Channel]:
    return [
        Channel(f"{side}_{name}", "%", f"{meaning}, {side} leg", low, 100)
        for side in ("left", "right")
    ]


CHANNELS: dict[str, Channel] = {
    c.name: c
    for c in (
        Channel("position_lat", "deg", "latitude, WGS 84", -90, 90),
        Channel("position_long", "deg", "longitude, WGS 84", -180, 180),
        Channel("position_x", "m", "place along the court or pitch, from its corner", -500, 500),
        Channel("position_y", "m", "place across the court or pitch, from its corner", -500, 500),
        Channel("position_z", "m", "height above the court or pitch", -100, 500),
        Channel("gps_accuracy", "m", "how far off a position may be", 0),
        Channel("altitude", "m", "height above sea level", -500, 20_000),
        Channel("distance", "m", "distance since the start", 0),
        Channel("depth", "m", "depth below the water's surface", 0, 12_000),
        Channel("speed", "m/s", "speed over ground", 0, 150),
        Channel("vertical_speed", "m/s", "climbing, negative when sinking", -150, 150),
        Channel("heart_rate", "bpm", "heart rate", 0, 254),
        Channel("cadence", "rpm", "revolutions, strokes or strides of one leg per minute", 0, 400),
        Channel("cycle_length", "m", "distance of a stroke or of both steps", 0, 100),
        Channel("power", "W", "mechanical power", -500, 5_000),
        Channel("torque", "N m", "torque at the crank or hub", -1_000, 1_000),
        Channel(
            "left_right_balance", "%", "share of one leg in the power, right where told", 0, 100
        ),
        *_sides("torque_effectiveness", "forward share of the torque", -100),
        *_sides("pedal_smoothness", "mean power as a share of the highest of a turn", 0),
        Channel("combined_pedal_smoothness", "%", "pedal smoothness of both legs", 0, 100),
        Channel("temperature", "degC", "temperature at the device", -60, 90),
        Channel("grade", "%", "slope", -100, 100),
        Channel("rr", "ms", "interval between heart beats", 200, 3_000),
        Channel("vertical_oscillation", "mm", "vertical oscillation of the trunk", 0, 400),
        Channel("stance_time", "ms", "ground contact time", 0, 2_000),
        Channel("stance_time_percent", "%", "ground contact time as a share of the step", 0, 100),
        Channel("stance_time_balance", "%", "share of one foot in ground contact", 0, 100),
        Channel("step_length", "mm", "step length", 0, 4_000),
        Channel(
            "vertical_ratio", "%", "vertical oscillation as a share of the step length", 0, 100
        ),
        Channel("respiration_rate", "breaths/min", "breathing rate", 0, 100),
        Channel("core_temperature", "degC", "body core temperature", 30, 45),
        Channel("saturated_hemoglobin_percent", "%", "oxygen saturation of a muscle", 0, 100),
        Channel("total_hemoglobin_conc", "g/dL", "haemoglobin in a muscle", 0, 50),
        *_axes("acceleration", "m/s^2", "acceleration", 1_000),
        *_axes("angular_velocity", "rad/s", "angular velocity", 200),
        *_axes("magnetic_field", "au", "magnetic field relative to the earth's", 100),
    )
}

_WIDE = {"position_lat", "position_long", "distance"}

ALIASES: dict[str, str] = {
    "lat": "position_lat",
    "latitude": "position_lat",
    "lon": "position_long",
    "lng": "position_long",
    "long": "position_long",
    "longitude": "position_long",
    "ele": "altitude",
    "elevation": "altitude",
    "enhanced_altitude": "altitude",
    "enhanced_speed": "speed",
    "velocity_smooth": "speed",
    "watts": "power",
    "heartrate": "heart_rate",
    "hr": "heart_rate",
    "cad": "cadence",
    "verticalspeed": "vertical_speed",
    "atemp": "temperature",
    "temp": "temperature",
    **{f"acc_{a}": f"acceleration_{a}" for a in "xyz"},
    **{f"gyr_{a}": f"angular_velocity_{a}" for a in "xyz"},
    **{f"gyro_{a}": f"angular_velocity_{a}" for a in "xyz"},
    **{f"mag_{a}": f"magnetic_field_{a}" for a in "xyz"},
}


def dtype_of(name: str) -> type[np.float32] | type[np.float64]:
    """What a channel's values are kept as: a float32 holds a longitude to some metres only."""
    return np.float64 if name in _WIDE else np.float32


def canonical(name: str) -> str:
    """The vocabulary's word for a channel; an unknown name stays as it is, in lower case.

    Examples
    --------
    >>> canonical("HR"), canonical("Leg Spring Stiffness")
    ('heart_rate', 'leg_spring_stiffness')
    """
    key = "_".join(name.strip().lower().split())
    return ALIASES.get(key, key)
