"""What is known of an athlete at one time: body, limits and thresholds; None = unknown."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from stadion.core.days import SEXES
from stadion.core.errors import Code, StadionError

__all__ = ["LIMITS", "Profile"]

LIMITS: dict[str, tuple[float, float, str]] = {
    "birth_year": (1900, 2100, "1"),
    "height_m": (0.9, 2.5, "m"),
    "mass_kg": (20, 300, "kg"),
    "hr_max_bpm": (80, 240, "bpm"),
    "hr_rest_bpm": (25, 120, "bpm"),
    "hr_threshold_bpm": (70, 230, "bpm"),
    "ftp_w": (20, 700, "W"),
    "cp_w": (20, 700, "W"),
    "w_prime_j": (500, 100_000, "J"),
    "threshold_speed_mps": (0.5, 15, "m/s"),
    "swim_threshold_speed_mps": (0.2, 3, "m/s"),
}
"""Name -> (lowest, highest, unit) of what can be true of a person."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Facts about one athlete that hold from some day on.

    Parameters
    ----------
    sex
        One of `core.days.SEXES`; empty = unknown or neither: formulas that differ then say so.
    hr_threshold_bpm
        Heart rate at the lactate threshold, what one can hold for about an hour.
    ftp_w
        Functional threshold power; the highest mean power of about an hour.
    cp_w, w_prime_j
        Critical power and the work above it that can be done before exhaustion.
    threshold_speed_mps, swim_threshold_speed_mps
        Running speed of about an hour, and the swimmer's critical speed.
    """

    birth_year: float | None = None
    sex: str = ""
    height_m: float | None = None
    mass_kg: float | None = None
    hr_max_bpm: float | None = None
    hr_rest_bpm: float | None = None
    hr_threshold_bpm: float | None = None
    ftp_w: float | None = None
    cp_w: float | None = None
    w_prime_j: float | None = None
    threshold_speed_mps: float | None = None
    swim_threshold_speed_mps: float | None = None

    def __post_init__(self) -> None:
        if self.sex not in ("", *SEXES):
            raise StadionError(
                Code.INVALID, f"sex is {self.sex!r}; expected one of {', '.join(SEXES)}, or nothing"
            )
        for name, (low, high, unit) in LIMITS.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise StadionError(
                    Code.INVALID, f"{name} is {value}; expected {low:g} to {high:g} {unit}"
                )

    @property
    def known(self) -> dict[str, Any]:
        """Name -> value of what is known."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value not in (None, "")}

    def updated(self, newer: Profile) -> Profile:
        """The same with everything that a newer profile knows.

        Examples
        --------
        >>> Profile(mass_kg=70, ftp_w=200).updated(Profile(ftp_w=210)).known
        {'mass_kg': 70, 'ftp_w': 210}
        """
        return replace(self, **newer.known)

    def age_on(self, day: date) -> float | None:
        """Age in years, half a year off at most; None when unknown."""
        # The birthday is not kept: in the middle of the year the mean error is nought.
        if self.birth_year is None:
            return None
        return day.year + day.timetuple().tm_yday / 365.25 - self.birth_year - 0.5
