"""One activity and its streams in, a picture of track, zones and streams out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stadion.apps.measures import paced, told
from stadion.apps.plots.paper import COLOURS, INK, MUTED, clock, new_figure, plain_axes, save
from stadion.apps.recordings_shown import zone_names
from stadion.core.arrays import FloatArray
from stadion.core.channels import CHANNELS

__all__ = ["STREAMS", "draw_activity"]

STREAMS = ("altitude", "heart_rate", "speed", "power", "cadence")
"""Channels that get a panel of their own, where they are there."""

_PLACE = ("position_lat", "position_long")
_STEPS_S = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)
_MOST_TICKS = 10
_PACE_STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 3600)
_MOST_PACE_TICKS = 4
_MOST_ZONES = 2
_SLOWEST_MPS = 0.3  # slower is standing: no pace
_BRIDGED_S = 180.0
_BRIDGED_STEPS = 4.0
"""Lines break where values are further apart than this, and than so many usual steps."""

_LONG_GAP_S, _CUT_TO_S = 3600.0, 240.0  # what is cut is longer than a line goes over
_WHOLE = 0.5  # of a recording: doubts about more of it are named, not shaded


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
    there = [name for name, values in channels.items() if np.isfinite(values).any()]
    others = [name for name in there if name not in _PLACE][: len(STREAMS)]
    streams = [name for name in STREAMS if name in there] or others
    has_place = all(name in channels and np.isfinite(channels[name]).any() for name in _PLACE)
    zones = [zone for zone in view.get("zones", ()) if sum(zone["seconds"]) > 0][:_MOST_ZONES]
    top = has_place or bool(zones)
    heights = ([3.2] if top else []) + [1.15] * max(len(streams), 1)
    figure = new_figure(file, 10, sum(heights) + 0.8)
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights, width_ratios=(3, 2))
    about = "\n".join(line for line in (_title(view), _about(view)) if line)
    figure.suptitle(about, x=0.01, ha="left", fontsize=12, color=INK, fontweight="bold")
    if has_place:
        _draw_track(figure.add_subplot(grid[0, 0] if zones else grid[0, :]), channels, time_s)
    if zones:
        cell = grid[0, 1] if has_place else grid[0, :]
        parts = (len(zones), 1) if has_place else (1, len(zones))
        for place, zone in zip(cell.subgridspec(*parts), zones, strict=True):
            _draw_zones(figure.add_subplot(place), zone)
    _draw_streams(figure, grid, int(top), time_s, {n: channels[n] for n in streams}, view)
    save(figure, file)


def _title(view: Mapping[str, Any]) -> str:
    start = str(view.get("local_start") or view.get("start") or "").replace("T", " ")[:16]
    words = [view.get("title") or view.get("sport") or "recording", start]
    return "   ".join(str(word).replace("_", " ") for word in words if word)


def _about(view: Mapping[str, Any]) -> str:
    """The sums, and the doubts about the whole."""
    summary = view.get("summary", {})
    sums = [told(name, summary[name]) for name in ("distance_m", "timer_s") if name in summary]
    if "ascent_m" in summary:
        sums.append(f"{told('ascent_m', summary['ascent_m'])} up")
    doubts = dict.fromkeys(flag["kind"] for flag in view.get("flags", ()) if _is_whole(flag, view))
    return "   ".join(str(word).replace("_", " ") for word in (*sums, *doubts))


def _is_whole(flag: Mapping[str, Any], view: Mapping[str, Any]) -> bool:
    return bool(flag["end_s"] - flag["start_s"] > _WHOLE * view["duration_s"])


def _draw_track(axes: Any, channels: Mapping[str, FloatArray], time_s: FloatArray) -> None:
    """The way from above, north up, metres alike in both directions; dark = high."""
    lat, long = channels["position_lat"], channels["position_long"]
    shade = channels.get("altitude", np.full(len(lat), np.nan))
    if np.isfinite(shade).any():
        line = _shaded_line(long, lat, shade, time_s)
        axes.add_collection(line)
        axes.autoscale_view()
        bar = axes.figure.colorbar(line, ax=axes, shrink=0.6, pad=0.01)
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


def _shaded_line(long: FloatArray, lat: FloatArray, shade: FloatArray, time_s: FloatArray) -> Any:
    """The way in pieces from one position to the next, each in the colour of its height."""
    from matplotlib.collections import LineCollection

    known = np.flatnonzero(np.isfinite(long) & np.isfinite(lat) & np.isfinite(shade))
    places = np.stack([long[known], lat[known]], axis=1)
    pieces = np.stack([places[:-1], places[1:]], axis=1)
    near = np.diff(time_s[known]) <= _reach_s(time_s[known])
    line = LineCollection(list(pieces[near]), cmap="viridis_r", linewidths=2, capstyle="round")
    line.set_array(shade[known][1:][near])
    line.set_rasterized(True)  # thousands of pieces would make an SVG of a megabyte
    return line


def _reach_s(time_s: FloatArray) -> float:
    """The longest step that a line may go over."""
    steps = np.diff(time_s)
    return max(_BRIDGED_S, _BRIDGED_STEPS * float(np.median(steps))) if len(steps) else _BRIDGED_S


def _draw_zones(axes: Any, zone: Mapping[str, Any]) -> None:
    """Time in each zone of one quantity."""
    shares = np.array(zone["seconds"], np.float64)
    names = zone_names(zone)
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
    clock_s = time_s
    time_s = _without_long_gaps(clock_s)
    for k, (name, values) in enumerate(streams.items()):
        axes = shared = figure.add_subplot(grid[row + k, :], sharex=shared)
        shown = _shown(name, values, view)
        plain_axes(axes, shown.title)
        axes.plot(*_joined(time_s, shown.values), color=COLOURS.get(name, INK), linewidth=0.9)
        if shown.is_pace:
            _set_pace_limits(axes, shown.values)
            axes.yaxis.set_major_formatter(lambda s, _: f"{int(s) // 60}:{int(s) % 60:02d}")
        if name == "altitude":
            low = float(np.nanmin(values))
            axes.fill_between(
                *_joined(time_s, values), low, color=COLOURS.get(name, INK), alpha=0.3, linewidth=0
            )
        for flag in view.get("flags", ()):
            is_here = flag["channel"] in ("", name) and not flag["subject"]
            if is_here and not _is_whole(flag, view):
                span = np.interp((flag["start_s"], flag["end_s"]), clock_s, time_s)
                axes.axvspan(*span, color="#f59e0b", alpha=0.18, lw=0)
        for cut in np.flatnonzero(np.diff(clock_s) > np.diff(time_s) + 1):
            axes.axvline(time_s[cut], color=MUTED, linewidth=0.9, linestyle=":")
            if name == next(iter(streams)):
                left_out = clock(float(clock_s[cut + 1] - clock_s[cut]))
                axes.annotate(f"{left_out} later", (float(time_s[cut]), 1), fontsize=7, va="top",
                              xycoords=("data", "axes fraction"), color=MUTED)  # fmt: skip
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


def _without_long_gaps(time_s: FloatArray) -> FloatArray:
    """The same clock where gaps that would press all else together are cut short."""
    steps = np.diff(time_s)
    if not len(steps):
        return time_s
    longest = max(_LONG_GAP_S, 0.5 * float(steps[steps <= _LONG_GAP_S].sum()))
    kept = np.where(steps > longest, _CUT_TO_S, steps)
    squeezed: FloatArray = time_s[0] + np.concatenate([[0.0], np.cumsum(kept)])
    return squeezed


def _set_pace_limits(axes: Any, pace: FloatArray) -> None:
    """Fast above slow, round ticks, and a stop does not press the rest together."""
    known = pace[np.isfinite(pace)]
    if not len(known):
        return
    fastest, slowest = np.percentile(known, (0.5, 97)).tolist()
    room = max(0.15 * (slowest - fastest), 5.0)
    axes.set_ylim(slowest + room, fastest - room)
    span = slowest - fastest + 2 * room
    step = next((s for s in _PACE_STEPS_S if span / s <= _MOST_PACE_TICKS), _PACE_STEPS_S[-1])
    axes.set_yticks(np.arange(step * math.ceil((fastest - room) / step), slowest + room, step))


def _joined(time_s: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Times and values for a line: over what other channels measured between, not over gaps."""
    known = np.isfinite(values)
    times, there = time_s[known], values[known]
    breaks = np.flatnonzero(np.diff(times) > _reach_s(times)) + 1
    return np.insert(times, breaks, times[breaks]), np.insert(there, breaks, np.nan)


def _shown(name: str, values: FloatArray, view: Mapping[str, Any]) -> _Shown:
    metres = paced(str(view.get("sport") or ""), str(view.get("sub_sport") or ""))
    if name == "speed" and metres:
        pace = metres / np.where(values >= _SLOWEST_MPS, values, np.nan)
        per = "km" if metres == 1000 else f"{metres:.0f} m"
        return _Shown(f"pace (min/{per})", pace, is_pace=True)
    if name == "speed":
        return _Shown("speed (km/h)", values * 3.6)
    unit = f" ({CHANNELS[name].unit})" if name in CHANNELS else ""
    return _Shown(name.replace("_", " ") + unit, values)


def _floats(values: Sequence[float | None]) -> FloatArray:
    return np.array([math.nan if value is None else value for value in values], np.float64)
