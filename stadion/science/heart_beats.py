"""An activity's heart beats in, how much they vary and how well they were seen out."""

from __future__ import annotations

import numpy as np

from stadion.core.activity import Activity
from stadion.science.beats import correct
from stadion.science.hrv import time_domain, windowed_alpha1

__all__ = ["BEATS", "beat_measures"]

BEATS = "beats"
"""Subject of the track of heart beats."""

_TOLD = ("rmssd_ms", "sdnn_ms")


def beat_measures(activity: Activity) -> dict[str, float]:
    """Heart rate variability of a recording that holds beats; nothing without them.

    `rmssd_ms` and `sdnn_ms` of the corrected intervals, `alpha1` the median over windows of two
    minutes (about .75 at the first ventilatory threshold), and `beats_mended_percent`: how many
    intervals the correction had to touch. Of more than a few percent mended the rest says little.

    Examples
    --------
    >>> from stadion.core.activity import Source, Track
    >>> rr = 800 + 30 * np.sin(np.arange(400) / 5)
    >>> track = Track("beats", np.cumsum(rr) / 1000, {"rr": rr})
    >>> rest = Activity("", "", "", None, (track,), Source("", ""))
    >>> round(beat_measures(rest)["sdnn_ms"], 1)
    21.2
    """
    track = next((each for each in activity.tracks if each.subject == BEATS), None)
    if track is None or "rr" not in track.channels or not len(track):
        return {}
    corrected = correct(track.channels["rr"], time_s=track.time_s)
    domain = time_domain(corrected.rr_ms)
    found = {name: domain[name] for name in _TOLD}
    found["beats_mended_percent"] = 100.0 * corrected.share
    course = windowed_alpha1(corrected.rr_ms, corrected.time_s, corrected.is_mended)
    known = course.alpha1[np.isfinite(course.alpha1)]
    if len(known):
        found["alpha1"] = float(np.median(known))
    return found
