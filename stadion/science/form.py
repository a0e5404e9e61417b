"""Loads of days in; fitness, fatigue and form of each day out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import above, positive, series
from stadion.science.banister import Banister, fit_banister

__all__ = ["Banister", "Form", "fit_banister", "form_curve"]


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """Three (n,) float64 arrays, one value a day, in the unit of the loads.

    `fitness` and `fatigue` are those after the day's training, `form` that of the morning:
    yesterday's fitness less yesterday's fatigue.
    """

    fitness: FloatArray
    fatigue: FloatArray
    form: FloatArray

    def __len__(self) -> int:
        return len(self.form)


def form_curve(
    daily_loads: npt.ArrayLike,
    tau_fitness: float = 42.0,
    tau_fatigue: float = 7.0,
    *,
    future_days: int = 0,
    start_fitness: float = 0.0,
    start_fatigue: float = 0.0,
) -> Form:
    """Slow and fast exponential means of the daily load, and yesterday's difference.

    y = y_yesterday e^(-1/tau) + load (1 - e^(-1/tau)).

    Parameters
    ----------
    daily_loads
        (n,) sum of the loads of each local day, day after day without leaving one out; a day
        without a known load (NaN) counts as 0.
    tau_fitness, tau_fatigue
        Days after which a load's weight has fallen to 1/e.
    future_days
        So many days of rest follow, to look ahead.
    start_fitness, start_fatigue
        Values of the day before the first.

    Returns
    -------
    Form of n + `future_days` days.

    Raises
    ------
    StadionError
        INVALID for a negative load or time constant.

    References
    ----------
    E. W. Banister, T. W. Calvert, M. V. Savage, T. Bach, A systems model of training for
    athletic performance, Aust. J. Sports Med. 7 (1975) 57; as exponential means: H. Allen,
    A. R. Coggan, Training and Racing with a Power Meter, 2006.

    Examples
    --------
    >>> curve = form_curve([100.0, 0.0], future_days=1)
    >>> curve.fitness.round(2), curve.form.round(2)
    (array([2.35, 2.3 , 2.24]), array([  0.  , -10.96,  -9.24]))
    """
    loads = np.nan_to_num(series("daily_loads", daily_loads))
    if len(loads) and loads.min() < 0.0:
        raise StadionError(Code.INVALID, f"daily_loads holds {loads.min():g}; expected 0 or more")
    above("future_days", future_days, -1, "days")
    loads = np.concatenate([loads, np.zeros(int(future_days))])
    fitness = _means(loads, positive("tau_fitness", tau_fitness, "days"), start_fitness)
    fatigue = _means(loads, positive("tau_fatigue", tau_fatigue, "days"), start_fatigue)
    return Form(fitness[1:], fatigue[1:], (fitness - fatigue)[:-1])


def _means(loads: FloatArray, tau: float, start: float) -> FloatArray:
    """(n + 1,) exponential means, the first that of the day before."""
    keep = math.exp(-1.0 / tau)
    values = [start]
    for load in loads.tolist():
        values.append(values[-1] * keep + load * (1.0 - keep))
    return np.array(values)
