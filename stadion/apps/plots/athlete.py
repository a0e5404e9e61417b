"""An athlete's form and best efforts in, a picture of both curves out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from stadion.apps.measures import paced
from stadion.apps.plots.paper import COLOURS, INK, MUTED, clock, new_figure, plain_axes, save
from stadion.core.arrays import FloatArray

__all__ = ["draw_athlete"]

_UNITS = {"power": "W", "speed": "m/s", "heart_rate": "bpm"}
_SHOWN_DAYS = 365


def draw_athlete(view: Mapping[str, Any], file: Path) -> None:
    """Draw the form chart, the future dashed, and below it each curve of best efforts.

    Parameters
    ----------
    view
        As `Platform.athlete` gives it: `form` per day, `curves` per channel.
    file
        PNG or SVG, by its ending.
    """
    curves = view["curves"]
    heights = [3.2, *[2.4] * len(curves)]
    figure = new_figure(file, 10, sum(heights) + 0.6)
    grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    name = view["athlete"] or "athlete"
    figure.suptitle(name, x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    _draw_form(figure.add_subplot(grid[0]), view["form"])
    for k, curve in enumerate(curves):
        _draw_curve(figure.add_subplot(grid[k + 1]), curve)
    save(figure, file)


def _draw_form(axes: Any, form: Mapping[str, Any]) -> None:
    plain_axes(axes, "fitness, fatigue and form (load per day)")
    shown = slice(-_SHOWN_DAYS, None)
    days = [date.fromisoformat(day) for day in form["days"][shown]]
    if not days:
        axes.text(0.01, 0.5, "no load yet", color=MUTED, fontsize=9, transform=axes.transAxes)
        axes.set_axis_off()
        return
    past = len(days) - int(form.get("future_days", 0))
    loads = np.array(form["load"][shown], np.float64)
    axes.bar(days[:past], loads[:past], color="#d7dbe0", width=0.9, label="load")
    for name in ("fitness", "fatigue", "form"):
        values = np.array(form[name][shown], np.float64)
        axes.plot(days[:past], values[:past], color=COLOURS[name], linewidth=1.5, label=name)
        axes.plot(days[past - 1 :], values[past - 1 :], "--", color=COLOURS[name], linewidth=1.2)
    axes.axhline(0, color=MUTED, linewidth=0.6)
    axes.legend(fontsize=8, frameon=False, ncols=4, loc="upper left", labelcolor=INK)


def _draw_curve(axes: Any, curve: Mapping[str, Any]) -> None:
    """Best means by duration: the last 42 days on all that is known; speed on foot as pace."""
    channel, sport = str(curve["channel"]), str(curve["sport"])
    metres = paced(sport) if channel == "speed" else None
    per = "km" if metres == 1000 else f"{metres or 0:.0f} m"
    what = f"pace (min/{per})" if metres else f"{channel.replace('_', ' ')} ({_UNITS[channel]})"
    plain_axes(axes, f"best {sport} {what} by duration")
    seconds = np.array(curve["durations_s"], np.float64)
    for name, label, style in (("best", "all", ":"), ("recent", "last 42 days", "-")):
        values = _floats(curve[name])
        if np.isfinite(values).any():
            shown = metres / np.where(values > 0, values, np.nan) if metres else values
            axes.plot(seconds, shown, style, color=COLOURS[channel], linewidth=1.6, label=label)
    if metres:
        axes.invert_yaxis()
        axes.yaxis.set_major_formatter(lambda s, _: f"{int(s) // 60}:{int(s) % 60:02d}")
    axes.set_xscale("log")
    ticks = [s for s in (1, 5, 15, 60, 300, 1200, 3600, 18_000) if s <= seconds[-1]]
    axes.set_xticks(ticks, [clock(tick) for tick in ticks])
    axes.minorticks_off()
    axes.legend(fontsize=8, frameon=False, loc="upper right", labelcolor=INK)


def _floats(values: Sequence[float | None]) -> FloatArray:
    return np.array([math.nan if value is None else value for value in values], np.float64)
