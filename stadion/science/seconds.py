"""An activity in, its streams second by second, without what is wrong, out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stadion.core.activity import Activity, Track
from stadion.core.arrays import FloatArray
from stadion.science.quality import valid
from stadion.science.quality.gaps import stops_of
from stadion.science.quality.speeds import step_speeds
from stadion.science.resample import per_second

__all__ = ["JOINS_S", "Seconds", "seconds_of"]

JOINS_S = 30.0
"""Between samples up to this far apart values are joined by a line, never across a stop."""
_GAP_S = JOINS_S + 1.0
_MOST_S = 10 * 86_400


@dataclass(frozen=True, slots=True, eq=False)
class Seconds:
    """The main track at 1 Hz, where longer gaps take 31 missing seconds each.

    What counts whole stretches, means or sums is the same as with the gaps in full; a tour of
    weeks takes no more room than its hours on the way.

    Parameters
    ----------
    clock_s
        (m,) seconds of the track's records with the gaps shortened, from 0.
    stopped
        (n,) above 0 in the seconds in which the timer stood; what was recorded then is left out.
    is_whole
        True when there is a record at every second.
    """

    activity: Activity
    track: Track
    clock_s: FloatArray
    stopped: FloatArray
    is_whole: bool
    _made: dict[str, FloatArray | None] = field(default_factory=dict)

    def get(self, name: str) -> FloatArray | None:
        """(n,) float64 of a channel, NaN = missing or flagged as wrong; None without it.

        `speed` is what `science.quality.speeds` makes of speed, distance or positions.
        """
        if name not in self._made:
            made = self._speed() if name == "speed" else self._channel(name)
            self._made[name] = made if made is not None and np.isfinite(made).any() else None
        return self._made[name]

    def at(self, time_s: FloatArray) -> FloatArray:
        """(k,) places in the series of moments of the activity."""
        return np.interp(time_s, self.track.time_s, self.clock_s)

    def _channel(self, name: str) -> FloatArray | None:
        values = self.track.channels.get(name)
        if values is None:
            return None
        mask = valid(self.activity, self.track, name)
        if not mask.any():
            return None
        if mask.all():
            return self._joined(self.clock_s, values)
        return self._joined(self.clock_s, np.where(mask, values, np.nan))

    def _speed(self) -> FloatArray | None:
        steps = step_speeds(self.track)
        if steps is None:
            return None
        speed = self._channel("speed")
        if speed is not None and np.isfinite(speed).any():
            # The sensor's own values are the finer ones where they fit the way that was made.
            told = float(np.nanmean(steps))
            if 0.8 * told <= float(np.nanmean(speed)) <= 1.25 * told:
                return speed
        return self._joined(self.clock_s[1:], steps)

    def _joined(self, clock_s: FloatArray, values: FloatArray) -> FloatArray:
        series: FloatArray
        if self.is_whole and len(values) == len(self.clock_s) and not np.isnan(values).any():
            series = values.astype(np.float64)  # what most devices write is at 1 Hz already
        else:
            series = per_second(clock_s, values, JOINS_S)
        series[self.stopped[: len(series)] > 0] = np.nan
        return series


def seconds_of(activity: Activity) -> Seconds | None:
    """The main track second by second; None without one, or with over ten days on end."""
    if not activity.tracks or len(activity.tracks[0]) < 2:
        return None
    track = activity.tracks[0]
    steps = np.diff(track.time_s)
    clock: FloatArray = track.time_s - track.time_s[0]
    if (steps > _GAP_S).any():
        clock = np.concatenate([[0.0], np.cumsum(np.minimum(steps, _GAP_S))])
    if clock[-1] > _MOST_S:
        return None
    is_whole = clock[-1] == len(clock) - 1 and bool((np.diff(clock) == 1.0).all())
    return Seconds(activity, track, clock, _stopped(activity, track, clock), is_whole)


def _stopped(activity: Activity, track: Track, clock_s: FloatArray) -> FloatArray:
    stops = stops_of(activity)
    size = int(clock_s[-1]) + 2
    edges: FloatArray = np.zeros(size)
    if len(stops.start_s):
        first = np.interp(stops.start_s, track.time_s, clock_s)
        last = np.interp(stops.end_s, track.time_s, clock_s)
        # The second of the stop and that of the start were still, and again, recorded.
        np.add.at(edges, np.minimum(first.astype(np.int64) + 1, size - 1), 1.0)
        np.subtract.at(edges, np.maximum(np.ceil(last).astype(np.int64), 0), 1.0)
    return np.cumsum(edges)
