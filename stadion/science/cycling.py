"""A rider, the road and the air in; power, speed or the drag that a ride shows, out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray
from stadion.science.arguments import between, known_together, positive, same_length, series

__all__ = ["Resistance", "Rider", "air_density", "fit_resistance", "power_of", "speed_of"]

_GRAVITY = 9.80665
_FASTEST_MPS = 60.0


def air_density(temperature_degc: float = 15.0, altitude_m: float = 0.0) -> float:
    """kg/m^3 of dry air at a temperature and a height above the sea.

    References
    ----------
    International Standard Atmosphere, ISO 2533:1975 (pressure by height), and the ideal gas law.

    Examples
    --------
    >>> round(air_density(), 3), round(air_density(20.0, 1000.0), 3)
    (1.225, 1.068)
    """
    kelvin = between("temperature_degc", temperature_degc, -60.0, 60.0, "degC") + 273.15
    height = between("altitude_m", altitude_m, -500.0, 9_000.0, "m")
    pressure = 101_325.0 * math.pow(1.0 - 0.0065 * height / 288.15, 5.2559)
    return pressure / (287.05 * kelvin)


@dataclass(frozen=True, slots=True)
class Rider:
    """What holds a rider back, besides the road.

    Parameters
    ----------
    mass_kg
        Rider, bicycle and all they carry.
    cda_m2
        Drag area: about 0.35 on the hoods, 0.30 on the drops, 0.22 on aero bars.
    crr
        Coefficient of rolling resistance: about 0.004 to 0.006 on asphalt.
    air_kg_m3
        `air_density`.
    efficiency
        Share of the power at the crank that reaches the road; 0.976 was measured by Martin.
    """

    mass_kg: float
    cda_m2: float = 0.35
    crr: float = 0.005
    air_kg_m3: float = 1.2
    efficiency: float = 0.976

    def __post_init__(self) -> None:
        positive("mass_kg", self.mass_kg, "kg")
        positive("cda_m2", self.cda_m2, "m^2")
        between("crr", self.crr, 0.0, 0.1, "")
        positive("air_kg_m3", self.air_kg_m3, "kg/m^3")
        between("efficiency", self.efficiency, 0.5, 1.0, "")


def power_of(
    rider: Rider,
    speed_mps: npt.ArrayLike,
    grade: npt.ArrayLike = 0.0,
    wind_mps: npt.ArrayLike = 0.0,
    acceleration_mps2: npt.ArrayLike = 0.0,
) -> FloatArray:
    """W at the crank: [1/2 rho CdA (v + w)^2 v + (Crr cos + sin) m g v + m a v] / efficiency.

    Parameters
    ----------
    speed_mps
        (n,) m/s over ground, or one number.
    grade
        (n,) height gained per distance covered along the level, or one number.
    wind_mps
        (n,) wind against the rider, or one number; from behind it is negative, and pushes.
    acceleration_mps2
        (n,) change of the speed per second.

    Returns
    -------
    (n,) W; below 0 where the rider must brake; NaN where anything is missing.

    References
    ----------
    J. C. Martin, D. L. Milliken, J. E. Cobb, K. L. McFadden, A. R. Coggan, Validation of a
    mathematical model for road cycling power, J. Appl. Biomech. 14 (1998) 276, without the small
    terms of wheel bearings and of the wheels' turning.

    Examples
    --------
    >>> power_of(Rider(80.0), [10.0], grade=0.0).round(1)
    array([255.4])
    """
    speed, slope, wind, gain = _aligned(
        speed_mps=speed_mps, grade=grade, wind_mps=wind_mps, acceleration_mps2=acceleration_mps2
    )
    force = _drag(rider, speed + wind) + _road(rider, slope) + rider.mass_kg * gain
    power: FloatArray = force * speed
    return power / rider.efficiency


def speed_of(
    rider: Rider,
    power_w: npt.ArrayLike,
    grade: npt.ArrayLike = 0.0,
    wind_mps: npt.ArrayLike = 0.0,
) -> FloatArray:
    """(n,) m/s at which the power is just used up: the steady solution of `power_of`.

    Parameters are those of `power_of`; power below 0 counts as 0, coasting.

    Returns
    -------
    (n,) m/s, 0 where nothing drives the rider, at most 60; NaN where anything is missing.

    Examples
    --------
    >>> speed_of(Rider(80.0), [255.4, 0.0]).round(2)
    array([10.,  0.])
    """
    power, slope, wind = _aligned(power_w=power_w, grade=grade, wind_mps=wind_mps)
    driving = np.maximum(power, 0.0) * rider.efficiency
    road = _road(rider, slope)
    # Resistance less thrust (power / speed) rises all the way: it crosses nought once at most.
    low, high = np.zeros(len(driving)), np.full(len(driving), _FASTEST_MPS)
    for _ in range(50):
        middle = (low + high) / 2.0
        is_slower = (_drag(rider, middle + wind) + road) * middle < driving
        low, high = np.where(is_slower, middle, low), np.where(is_slower, high, middle)
    missing = np.isnan(driving + road + wind)
    speed: FloatArray = np.where(missing, np.nan, np.where(low > 0.0, (low + high) / 2.0, 0.0))
    return speed


@dataclass(frozen=True, slots=True)
class Resistance:
    """Drag area and rolling resistance that a ride shows, with standard errors."""

    cda_m2: float
    crr: float
    cda_se_m2: float
    crr_se: float
    samples: int


def fit_resistance(
    power_w: npt.ArrayLike,
    speed_mps: npt.ArrayLike,
    grade: npt.ArrayLike,
    acceleration_mps2: npt.ArrayLike,
    mass_kg: float,
    *,
    wind_mps: float = 0.0,
    air_kg_m3: float = 1.2,
    efficiency: float = 0.976,
) -> Resistance:
    """CdA and Crr that explain a ride's power best, by least squares.

    Both are linear in the power once it is spread over the terms of `power_of`. They part only
    where the speed varied much; wind that nobody measured goes into CdA.

    Parameters
    ----------
    power_w, speed_mps, grade, acceleration_mps2
        (n,) each, at 1 Hz. Seconds below 3 m/s, without pedalling (0 W may hide braking), or with
        anything missing do not count.

    Returns
    -------
    Resistance; NaN where fewer than 60 seconds count or the speed hardly varied. Errors are too
    small where neighbouring seconds err alike.

    Raises
    ------
    StadionError
        INVALID for arrays of unequal length.

    References
    ----------
    That of `power_of`, solved for CdA and Crr.

    Examples
    --------
    >>> level, speed = np.zeros(120), np.linspace(5.0, 15.0, 120)
    >>> power = power_of(Rider(80.0, cda_m2=0.3, crr=0.004), speed)
    >>> found = fit_resistance(power, speed, level, level, 80.0)
    >>> round(found.cda_m2, 3), round(found.crr, 4)
    (0.3, 0.004)
    """
    mass, share = (
        positive("mass_kg", mass_kg, "kg"),
        between("efficiency", efficiency, 0.5, 1.0, ""),
    )
    air = positive("air_kg_m3", air_kg_m3, "kg/m^3")
    power, speed, slope, gain = known_together(
        power_w=power_w, speed_mps=speed_mps, grade=grade, acceleration_mps2=acceleration_mps2
    )
    use = (speed > 3.0) & (power > 0.0)
    power, speed, slope, gain = power[use], speed[use], slope[use], gain[use]
    if len(power) < 60 or np.std(speed) < 0.02 * np.mean(speed):
        return Resistance(math.nan, math.nan, math.nan, math.nan, len(power))
    along = np.sqrt(1.0 + slope**2)
    left = power * share - mass * speed * (_GRAVITY * slope / along + gain)
    through = speed + wind_mps
    terms = np.stack(
        [0.5 * air * through * np.abs(through) * speed, mass * _GRAVITY * speed / along], axis=1
    )
    inverse = np.linalg.inv(terms.T @ terms)
    cda, crr = inverse @ (terms.T @ left)
    variance = float(np.sum((left - terms @ [cda, crr]) ** 2)) / (len(left) - 2)
    cda_se, crr_se = np.sqrt(variance * np.diag(inverse))
    return Resistance(float(cda), float(crr), float(cda_se), float(crr_se), len(left))


def _aligned(**arrays: npt.ArrayLike) -> list[npt.NDArray[np.float64]]:
    """All as (n,), single numbers repeated."""
    numbers = {name: series(name, np.atleast_1d(value)) for name, value in arrays.items()}
    lines = {name: values for name, values in numbers.items() if len(values) != 1}
    same_length(**lines)
    length = max(map(len, lines.values()), default=1)
    return [np.broadcast_to(values, (length,)) for values in numbers.values()]


def _drag(rider: Rider, through_air: FloatArray) -> FloatArray:
    """N; a wind from behind that is faster than the rider pushes."""
    force: FloatArray = 0.5 * rider.air_kg_m3 * rider.cda_m2 * through_air * np.abs(through_air)
    return force


def _road(rider: Rider, slope: FloatArray) -> FloatArray:
    """N of rolling and of gravity."""
    along = np.sqrt(1.0 + slope**2)
    force: FloatArray = rider.mass_kg * _GRAVITY * (rider.crr + slope) / along
    return force
