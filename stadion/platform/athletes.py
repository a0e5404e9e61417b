"""The platform's verbs about people: what is known of them, their form, their best efforts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.core.profile import LIMITS, Profile
from stadion.platform.rooms import Rooms
from stadion.platform.views import nulls, plain

__all__ = ["NOBODY", "Athletes", "inside", "new_name"]

View = dict[str, Any]

NOBODY = "-"
"""How the athlete of recordings without a pseudonym is called from outside."""

_LONGEST_NAME = 64
_RECENT_DAYS = 42
_FUTURE_DAYS = 14
_LEAST_EFFORTS = 4
_CURVES = (("cycling", "power"), ("running", "speed"), ("running", "power"),
           ("swimming", "speed"), ("rowing", "power"))  # fmt: skip
"""Sport and stream whose best means tell what somebody can do."""
_SUMS = ("distance_m", "moving_s", "ascent_m", "energy_kcal", "load")


class Athletes(Rooms):
    """Who was recorded."""

    def athletes(self) -> list[View]:
        """Everybody with a workout or a profile, and how many workouts."""
        archive = self._archive
        return [
            {"athlete": name, "workouts": archive.count(athlete=name)}
            for name in archive.profiles.athletes()
        ]

    def athlete(self, name: str, day: date | None = None) -> View:
        """Profile, form and best efforts as they are on a day (today).

        The form goes on for two weeks without any load: what rest would do. A curve holds the
        best of all days up to then, and of the last 42; critical power fitted to best means of
        rides is a lower estimate.

        Raises
        ------
        StadionError
            NOT_FOUND for a name without a workout or a profile.
        """
        who = self._known(name)
        today = day or datetime.now(UTC).date()
        archive = self._archive
        return {
            "athlete": who,
            "day": today.isoformat(),
            "profile": archive.profiles.on(who, today).known,
            "workouts": archive.count(athlete=who),
            "totals": self._totals(who, today),
            "form": self._form(who, today),
            "curves": [c for each in _CURVES if (c := self._curve(who, today, *each)) is not None],
            "history": [_fact_view(fact) for fact in archive.profiles.history(who)],
        }

    def set_profile(self, name: str, values: Mapping[str, Any], day: date | None = None) -> View:
        """Say what holds of an athlete from a day on (today); what is not named stays.

        It says nothing of `older_workouts`: an earlier `day` lets it hold for them too.

        Raises
        ------
        StadionError
            INVALID for a name or a value that no profile has.
        """
        known = {"sex", *LIMITS}
        for key, value in values.items():
            if key not in known:
                expected = ", ".join(sorted(known))
                raise StadionError(Code.INVALID, f"a profile has no {key!r}; expected {expected}")
            if key in LIMITS and not isinstance(value, int | float | None):
                low, high, unit = LIMITS[key]
                raise StadionError(
                    Code.INVALID, f"{key} is {value!r}; expected {low:g} to {high:g} {unit}"
                )
        who = new_name(name)
        from_day = day or datetime.now(UTC).date()
        self._archive.profiles.set(who, from_day, Profile(**values))
        morning = datetime.combine(from_day, time.min, UTC)
        return {
            "athlete": who,
            "day": from_day.isoformat(),
            "profile": self._archive.profiles.on(who, from_day).known,
            "older_workouts": self._archive.count(athlete=who, until=morning),
        }

    def erase_athlete(self, name: str) -> View:
        """Erase everything of an athlete: recordings, twins, tables, profile, history."""
        who = self._known(name)
        tables = self._kept_tables.erase_person(who) if who else 0
        return {
            "erased": who,
            "entries": self._archive.erase_athlete(who),  # recordings, lines of the profile
            "tables": tables,
        }

    def _known(self, name: str) -> str:
        who = inside(name)
        if who not in self._archive.profiles.athletes():
            raise StadionError(Code.NOT_FOUND, f"there is no athlete {name[:64]!r}")
        return who

    def _totals(self, who: str, today: date) -> dict[str, dict[str, float]]:
        """Sums of the last 7 and 42 days, and of all days up to today."""
        archive = self._archive
        # Days without a gap, the last of them today: a span is a slice.
        sums = {name: archive.daily_loads(who, None, today, name).loads for name in _SUMS}
        spans = {"7_days": 7, "42_days": _RECENT_DAYS, "all": 0}
        return {
            span: {name: float(loads[-days:].sum()) for name, loads in sums.items()}
            for span, days in spans.items()
        }

    def _curve(self, who: str, today: date, sport: str, channel: str) -> View | None:
        """Best means of all days and of the last ones; None where there is none."""
        from stadion.science.curve import DURATIONS_S

        since = today - timedelta(days=_RECENT_DAYS - 1)
        best = self._archive.best_curve(who, None, today, channel, sport)
        if not np.isfinite(best).any():
            return None
        recent = self._archive.best_curve(who, since, today, channel, sport)
        view = {
            "sport": sport,
            "channel": channel,
            "durations_s": [float(seconds) for seconds in DURATIONS_S],
            "best": nulls(best),
            "recent": nulls(recent),
        }
        return view | {"critical_power": _critical(recent, best) if channel == "power" else None}

    def _form(self, who: str, today: date) -> View:
        from stadion.science.form import form_curve

        until = today + timedelta(days=_FUTURE_DAYS)
        loads = self._archive.daily_loads(who, None, until)
        if not loads.loads.any():
            return {"days": [], "load": [], "fitness": [], "fatigue": [], "form": [],
                    "future_days": 0}  # fmt: skip
        form = form_curve(loads.loads)
        return {
            "days": [str(each) for each in loads.days],
            "load": loads.loads.tolist(),
            "fitness": form.fitness.tolist(),
            "fatigue": form.fatigue.tolist(),
            "form": form.form.tolist(),
            "future_days": _FUTURE_DAYS,
        }


def _critical(recent: FloatArray, best: FloatArray) -> View | None:
    """Critical power with its standard errors, of the last days if they show enough."""
    from stadion.science.critical_power import critical_power_of_curve
    from stadion.science.curve import DURATIONS_S

    for days, curve in ((_RECENT_DAYS, recent), (None, best)):
        known = np.isfinite(curve)
        found = critical_power_of_curve(curve[known], np.asarray(DURATIONS_S)[known])
        if found.efforts >= _LEAST_EFFORTS and found.cp_w > 0:
            values = {"cp_w": found.cp_w, "cp_se_w": found.cp_se_w,
                      "w_prime_j": found.w_prime_j, "w_prime_se_j": found.w_prime_se_j}  # fmt: skip
            told = {name: v if math.isfinite(v) else None for name, v in values.items()}
            return told | {"days": days, "efforts": found.efforts}
    return None


def inside(name: str) -> str:
    """The name an athlete has in the archive; none for whoever is `NOBODY` outside."""
    return "" if name == NOBODY else name


def new_name(name: str) -> str:
    """The same, of a name that is given: one that can be seen and typed.

    Raises
    ------
    StadionError
        INVALID for a name of over 64 characters, or with ones that are not printed.
    """
    if len(name) > _LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise StadionError(
            Code.INVALID,
            f"athlete is {name[:_LONGEST_NAME]!r}; expected at most {_LONGEST_NAME} printed "
            "characters, no blanks around them",
        )
    return inside(name)


def _fact_view(fact: Any) -> View:
    view: View = plain(fact)
    return view | {"profile": fact.profile.known}
