"""Chances to win a point in, chances to win a game out, and ratings of serve and return."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ServeTable", "Serving", "game_probability"]

_LIKELY = (0.3, 0.95)  # share of serve points won, where a rating may lead
_BASE = {"hard": 0.62, "clay": 0.60, "grass": 0.66, "carpet": 0.64}
_OTHER_BASE = 0.62
_USUAL_POINTS = 75.0  # on one's own serve in a match of two sets
_FIRST, _LAST, _PACE = 0.30, 0.035, 4.0  # size of the steps with experience; surface beside
_SURFACE_FIRST, _SURFACE_LAST = 0.20, 0.025


def game_probability(point: float) -> float:
    """Probability that the server wins the game when each point is won with `point`, 0 to 1.

    Examples
    --------
    >>> round(game_probability(0.6), 4)
    0.7357

    References
    ----------
    J. B. Keller, P. K. Newton, Probability of winning at tennis I, Studies in Applied
    Mathematics 114 (2005) 241-269, equation 1.
    """
    q = 1.0 - point
    deuce = 20.0 * (point * q) ** 3 * point * point / (1.0 - 2.0 * point * q)
    return point**4 * (1.0 + 4.0 * q + 10.0 * q * q) + deuce


@dataclass(slots=True)
class Serving:
    """What a player adds to the share of points won on serve, and takes from the opponents'.

    `surface` holds the same two for one surface, on top.
    """

    serve: float = 0.0
    back: float = 0.0
    matches: int = 0
    surface: dict[str, list[float]] = field(default_factory=dict)

    def on(self, surface: str) -> tuple[float, float, float]:
        """Serve and return on a surface, and the matches that rests on."""
        serve, back, matches = self.surface.get(surface, (0.0, 0.0, 0.0))
        return self.serve + serve, self.back + back, matches


@dataclass(slots=True, eq=False)
class ServeTable:
    """Serve and return of all players, adjusted for whom they met and where.

    The expected share of points won on serve is the place's usual share, plus the server's serve,
    minus the receiver's return; what a match shows beyond it is shared between the two.

    References
    ----------
    T. Barnett, S. Clarke, Combining player statistics to predict outcomes of tennis matches, IMA
    J. Management Mathematics 16 (2005) 113-120: the share adjusted for opponent and tournament.
    """

    players: dict[str, Serving] = field(default_factory=dict)
    places: dict[tuple[str, str], float] = field(default_factory=dict)
    surfaces: dict[str, float] = field(default_factory=lambda: dict(_BASE))

    def of(self, name: str) -> Serving:
        """The player's ratings; zeros for one not seen yet."""
        return self.players.get(name) or Serving()

    def base(self, event: str, surface: str) -> float:
        """Usual share of points won on serve at this event."""
        return self.places.get((event, surface), self.surfaces.get(surface, _OTHER_BASE))

    def point(self, name: str, other: str, event: str, surface: str) -> float:
        """Expected share of points that `name` wins on serve against `other`."""
        serve, back = self.of(name).on(surface)[0], self.of(other).on(surface)[1]
        return min(max(self.base(event, surface) + serve - back, _LIKELY[0]), _LIKELY[1])

    def update(
        self,
        names: tuple[str, str],
        won: tuple[float, float],
        points: tuple[float, float],
        event: str,
        surface: str,
        weight: float = 1.0,
    ) -> None:
        """Learn one match: points won and played on the serve of each of the two."""
        base = self.base(event, surface)
        pair = [self.players.setdefault(name, Serving()) for name in names]
        now = [one.on(surface) for one in pair]
        beyond = [won[k] / points[k] - (base + now[k][0] - now[1 - k][1]) for k in (0, 1)]
        told = [min(points[k] / _USUAL_POINTS, 1.6) * weight * beyond[k] for k in (0, 1)]
        for k, one in enumerate(pair):
            step = max(_FIRST / (1.0 + one.matches / _PACE), _LAST)
            one.serve += step * told[k]
            one.back -= step * told[1 - k]
            own = one.surface.setdefault(surface, [0.0, 0.0, 0.0])
            step = max(_SURFACE_FIRST / (1.0 + own[2] / _PACE), _SURFACE_LAST)
            own[0] += step * told[k]
            own[1] -= step * told[1 - k]
            own[2] += 1.0
            one.matches += 1
        mean = (beyond[0] + beyond[1]) / 2.0
        self.places[event, surface] = base + 0.01 * mean
        self.surfaces[surface] = self.surfaces.get(surface, _OTHER_BASE) + 0.001 * mean
