"""Results of a period in, strength, its uncertainty and its volatility out: Glicko-2."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Glicko", "after_days", "after_period", "beats"]

_SCALE = 173.7178
_TINY = 1e-6
_WIDEST = 350.0


class Glicko(NamedTuple):
    """Strength on Elo's scale, its standard deviation, and how much it wanders per period."""

    rating: float = 1500.0
    deviation: float = 350.0
    volatility: float = 0.06


def _g(phi: float) -> float:
    return 1.0 / math.sqrt(1.0 + 3.0 * phi * phi / math.pi**2)


def beats(one: Glicko, other: Glicko) -> float:
    """Probability that `one` scores against `other`, both uncertain, 0 to 1.

    Examples
    --------
    >>> beats(Glicko(), Glicko())
    0.5
    """
    phi = math.hypot(one.deviation, other.deviation) / _SCALE
    return 1.0 / (1.0 + math.exp(-_g(phi) * (one.rating - other.rating) / _SCALE))


def after_period(
    player: Glicko, results: Iterable[tuple[Glicko, float]], tau: float = 0.5
) -> Glicko:
    """The player after one rating period.

    Parameters
    ----------
    results
        (opponent as of before the period, score from 0 to 1) of each game; none is a period
        without games, in which only the uncertainty grows.
    tau
        How fast the volatility may change: 0.3 to 1.2.

    Examples
    --------
    >>> games = [(Glicko(1400, 30), 1.0), (Glicko(1550, 100), 0.0), (Glicko(1700, 300), 0.0)]
    >>> after = after_period(Glicko(1500, 200), games)
    >>> round(after.rating, 2), round(after.deviation, 2), round(after.volatility, 5)
    (1464.05, 151.52, 0.06)

    References
    ----------
    M. Glickman, Example of the Glicko-2 system, 2012, glicko.net/glicko/glicko2.pdf: steps 1-8
    and the example above.
    """
    phi = player.deviation / _SCALE
    games = list(results)
    if not games:
        grown = math.hypot(phi, player.volatility) * _SCALE
        return player._replace(deviation=min(grown, _WIDEST))
    mu = (player.rating - 1500.0) / _SCALE
    information, surprise = 0.0, 0.0
    for opponent, score in games:
        g = _g(opponent.deviation / _SCALE)
        expected = 1.0 / (1.0 + math.exp(-g * (mu - (opponent.rating - 1500.0) / _SCALE)))
        information += g * g * expected * (1.0 - expected)
        surprise += g * (score - expected)
    variance = 1.0 / information
    volatility = _volatility(player.volatility, phi, variance, variance * surprise, tau)
    grown_phi = math.hypot(phi, volatility)
    new_phi = 1.0 / math.sqrt(1.0 / grown_phi**2 + information)
    new_mu = mu + new_phi**2 * surprise
    return Glicko(new_mu * _SCALE + 1500.0, min(new_phi * _SCALE, _WIDEST), volatility)


def after_days(player: Glicko, days: float, period_days: float = 30.0) -> Glicko:
    """The player after some days without a game: the uncertainty grows, the rest stays."""
    phi2 = (player.deviation / _SCALE) ** 2 + player.volatility**2 * max(days, 0.0) / period_days
    return player._replace(deviation=min(math.sqrt(phi2) * _SCALE, _WIDEST))


def _volatility(sigma: float, phi: float, variance: float, delta: float, tau: float) -> float:
    """Step 5: the root of f by the Illinois algorithm."""
    a = math.log(sigma * sigma)

    def f(x: float) -> float:
        e = math.exp(x)
        total = phi * phi + variance + e
        return e * (delta * delta - total) / (2.0 * total * total) - (x - a) / (tau * tau)

    low = a
    if delta * delta > phi * phi + variance:
        high = math.log(delta * delta - phi * phi - variance)
    else:
        k = 1
        while f(a - k * tau) < 0.0:
            k += 1
        high = a - k * tau
    f_low, f_high = f(low), f(high)
    while abs(high - low) > _TINY:
        middle = low + (low - high) * f_low / (f_high - f_low)
        f_middle = f(middle)
        if f_middle * f_high <= 0.0:
            low, f_low = high, f_high
        else:
            f_low /= 2.0
        high, f_high = middle, f_middle
    return math.exp(low / 2.0)
