"""One activity and its streams in, a picture of track, zones and streams out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stadion.apps.plots.paper import COLOURS, INK, MUTED, clock, new_figure, plain_axes, save
from stadion.core.arrays import FloatArray
from stadion.core.channels import CHANNELS

__all__ = ["STREAMS", "draw_activity"]

STREAMS = ("altitude", "heart_rate", "speed", "power", "cadence")
"""Channels that get a panel of their own, where they are there."""

_PLACE = ("position_lat", "position_long")
_PACED = {
    "running": 1000.0,
    "walking": 1000.0,
    "hiking": 1000.0,
    "swimming": 100.0,
    "rowing": 500.0,
}
_PER = {1000.0: "km"}
_STEPS_S = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)
_MOST_TICKS = 10
_SLOWEST_MPS = 0.3  # slower is standing: no pace


def draw_activity(view: Mapping[str, Any], tracks: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Draw a recording.

    Parameters
    ----------
    view
        As `Platform.activity` gives it.
    tracks
        As `Platform.streams` gives them: the first one is drawn.
    file
        PNG or SVG, by its ending.
    """
    track = tracks[0] if tracks else {"time_s": [], "channels": {}}
    time_s = np.array(track["time_s"], np.float64)
    channels = {name: _floats(values) for name, values in track["channels"].items()}
    streams = [name for name in STREAMS if name in channels and np.isfinite(channels[name]).any()]
    has_place = all(name in channels and np.isfinite(channels[name]).any() for name in _PLACE)
    zones = [zone for zone in view.get("zones", ()) if sum(zone["seconds"]) > 0]
    top = has_place or bool(zones)
    heights = ([3.2] if top else []) + [1.15] * max(len(streams), 1)
    figure = new_figure(file, 10, sum(heights) + 0.8)
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights, width_ratios=(3, 2))
    figure.suptitle(_title(view), x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    if has_place:
        _draw_track(figure.add_subplot(grid[0, 0] if zones else grid[0, :]), channels)
    if zones:
        _draw_zones(figure.add_subplot(grid[0, 1] if has_place else grid[0, :]), zones)
    _draw_streams(figure, grid, int(top), time_s, {n: channels[n] for n in streams}, view)
    save(figure, file)


def _title(view: Mapping[str, Any]) -> str:
    start = str(view.get("local_start") or view.get("start") or "").replace("T", " ")[:16]
    words = [view.get("title") or view.get("sport") or "recording", start]
    return "   ".join(str(word).replace("_", " ") for word in words if word)


def _draw_track(axes: Any, channels: Mapping[str, FloatArray]) -> None:
    """The way from above, north up, metres alike in both directions; dark = high."""
    lat, long = channels["position_lat"], channels["position_long"]
    shade = channels.get("altitude", np.full(len(lat), np.nan))
    if np.isfinite(shade).any():
        dots = axes.scatter(long, lat, c=shade, s=3, cmap="viridis_r", linewidths=0)
        bar = axes.figure.colorbar(dots, ax=axes, shrink=0.6, pad=0.01)
        bar.ax.tick_params(labelsize=7, colors=MUTED, length=0)
        bar.ax.set_title("m", fontsize=7, color=MUTED)
        bar.outline.set_visible(False)
    else:
        axes.plot(long, lat, color=COLOURS["speed"], linewidth=1.6)
    first = int(np.flatnonzero(np.isfinite(lat) & np.isfinite(long))[0])
    axes.plot(long[first], lat[first], "o", color=INK, markersize=5)
    axes.annotate("start", (long[first], lat[first]), fontsize=7, color=INK, xytext=(5, 5),
                  textcoords="offset points")  # fmt: skip
    axes.set_aspect(1 / max(math.cos(math.radians(float(np.nanmean(lat)))), 0.05))
    axes.margins(0.06)
    axes.set_axis_off()


def _draw_zones(axes: Any, zones: Sequence[Mapping[str, Any]]) -> None:
    """Time in each zone of the first quantity that has zones."""
    zone = zones[0]
    shares = np.array(zone["seconds"], np.float64)
    names = _zone_names(zone)
    colour = COLOURS.get(zone["name"], COLOURS["speed"])
    places = np.arange(len(shares))
    axes.barh(places, shares / 60, color=colour, height=0.7)
    axes.set_yticks(places, names)
    for place, seconds in zip(places.tolist(), shares.tolist(), strict=True):
        axes.annotate(clock(seconds), (seconds / 60, place), xytext=(4, 0), va="center",
                      textcoords="offset points", fontsize=7, color=MUTED)  # fmt: skip
    plain_axes(axes, f"minutes by {zone['name'].replace('_', ' ')} ({zone['unit']})")
    axes.grid(visible=False)
    axes.margins(x=0.18)


def _zone_names(zone: Mapping[str, Any]) -> list[str]:
    bounds = [f"{bound:.4g}" for bound in zone["bounds"]]
    between = [f"{low}-{high}" for low, high in itertools.pairwise(bounds)]
    return [f"under {bounds[0]}", *between, f"over {bounds[-1]}"]


def _draw_streams(
    figure: Any,
    grid: Any,
    row: int,
    time_s: FloatArray,
    streams: Mapping[str, FloatArray],
    view: Mapping[str, Any],
) -> None:
    """One panel a channel, all on one clock; what is doubtful is shaded."""
    if not streams:
        axes = figure.add_subplot(grid[row, :])
        axes.text(0, 0.5, "no stream that can be drawn", color=MUTED, fontsize=9)
        axes.set_axis_off()
        return
    shared = None
    for k, (name, values) in enumerate(streams.items()):
        axes = shared = figure.add_subplot(grid[row + k, :], sharex=shared)
        shown = _shown(name, values, str(view.get("sport") or ""))
        plain_axes(axes, shown.title)
        axes.plot(time_s, shown.values, color=COLOURS[name], linewidth=0.9)
        if shown.is_pace:
            axes.invert_yaxis()
            axes.yaxis.set_major_formatter(lambda s, _: f"{int(s) // 60}:{int(s) % 60:02d}")
        if name == "altitude":
            low = float(np.nanmin(values))
            axes.fill_between(time_s, low, values, color=COLOURS[name], alpha=0.3, linewidth=0)
        for flag in view.get("flags", ()):
            if flag["channel"] in ("", name) and not flag["subject"]:
                axes.axvspan(flag["start_s"], flag["end_s"], color="#f59e0b", alpha=0.18, lw=0)
        axes.tick_params(labelbottom=k == len(streams) - 1)
        axes.xaxis.set_major_formatter(clock)
    if shared is not None and len(time_s):
        end = float(time_s[-1]) or 1.0
        step = next((s for s in _STEPS_S if end / s <= _MOST_TICKS), end)
        shared.set_xticks(np.arange(0, end, step))
        shared.set_xlim(float(time_s[0]), end)


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """A channel as people of its sport read it."""

    title: str
    values: FloatArray
    is_pace: bool = False


def _shown(name: str, values: FloatArray, sport: str) -> _Shown:
    if name == "speed" and sport in _PACED:
        metres = _PACED[sport]
        pace = metres / np.where(values >= _SLOWEST_MPS, values, np.nan)
        return _Shown(f"pace (min/{_PER.get(metres, f'{metres:.0f} m')})", pace, is_pace=True)
    if name == "speed":
        return _Shown("speed (km/h)", values * 3.6)
    return _Shown(f"{name.replace('_', ' ')} ({CHANNELS[name].unit})", values)


def _floats(values: Sequence[float | None]) -> FloatArray:
    return np.array([math.nan if value is None else value for value in values], np.float64)
