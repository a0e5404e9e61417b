"""Views of recordings and athletes in, what a person reads in the terminal out."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import typer

from stadion.apps.showing import table

__all__ = ["show_activity", "show_athlete", "show_report", "told"]

_MOST_ROWS = 30
_UNITS = ("w_per_bpm", "mps_per_bpm", "per_min", "percent", "kcal", "mps", "bpm", "rpm", "degc",
          "mm", "ms", "kj", "m", "s", "w", "kg", "j", "1")  # fmt: skip
_SHOWN_UNITS = {"w_per_bpm": "W/bpm", "mps_per_bpm": "m/s/bpm", "per_min": "1/min", "mps": "m/s",
                "percent": "%", "w": "W", "kj": "kJ", "degc": "degC", "1": "",
                "j": "J"}  # fmt: skip
_LAP_COLUMNS = ("distance_m", "timer_s", "speed_mps", "heart_rate_bpm", "power_w", "cadence_rpm",
                "ascent_m")  # fmt: skip


def show_report(report: Mapping[str, Any], show_all: bool) -> None:
    """What became of every file of an ingest: the counts, then a row for each with a remark."""
    files = report["files"]
    counts = Counter(file["outcome"] for file in files)
    repaired = sum(bool(file["repairs"]) for file in files)
    words = {"added": "new", "twin": "joined to a recording that was there",
             "known": "known already", "table": "tables", "refused": "refused"}  # fmt: skip
    shown = [key for key in words if counts[key] or key in ("added", "refused")]
    typer.echo(
        ", ".join([*(f"{counts[key]} {words[key]}" for key in shown), f"{repaired} repaired"])
    )
    is_short = show_all or len(files) <= _MOST_ROWS
    remarkable = [f for f in files if is_short or f["outcome"] != "added" or f["repairs"]]
    if remarkable:
        typer.echo("")
        table([_file_row(file) for file in remarkable])


def _file_row(file: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "file": file["name"].rpartition("/")[2],
        "outcome": file["outcome"],
        "id": (file.get("id") or "")[:12] or None,
        "sport": file.get("sport") or None,
        "start": (file.get("start") or "").replace("T", " ")[:16] or None,
        "duration": told("s", file["duration_s"]) if file.get("duration_s") else None,
        "reason": file.get("reason") or _repairs(file["repairs"]) or None,
    }


def _repairs(repairs: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(f"{repair['what']}: {repair['count']}" for repair in repairs)


def show_activity(view: Mapping[str, Any]) -> None:
    """Summary, laps, zones and quality of one recording."""
    start = str(view.get("local_start") or view["start"] or "no date").replace("T", " ")[:19]
    title = view.get("title") or view["sport"].replace("_", " ") or "recording"
    typer.echo(f"{title}, {start} {view.get('zone', '')}".rstrip())
    about = {"id": view["id"], "athlete": view["athlete"], "sport": _sport(view),
             "device": view.get("device", ""), "file": view["source"]["name"]}  # fmt: skip
    for name, value in about.items():
        if value:
            typer.echo(f"{name:<10} {value}")
    if view["summary"]:
        _section("summary")
        table([{"measure": _name(k), "value": told(k, v)} for k, v in view["summary"].items()])
    laps = [lap for lap in view["laps"] if lap["kind"] in ("lap", "length")]
    if laps:
        _section(f"laps ({len(laps)})" if len(laps) > _MOST_ROWS else "laps")
        table(_lap_rows(laps[:_MOST_ROWS]))
    for zone in view["zones"]:
        _section(f"{zone['name'].replace('_', ' ')} zones")
        table(_zone_rows(zone))
    _section("quality")
    _show_quality(view)


def _sport(view: Mapping[str, Any]) -> str:
    return ", ".join(word for word in (view["sport"], view.get("sub_sport")) if word)


def _section(name: str) -> None:
    typer.echo(f"\n{name}")


def _lap_rows(laps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    known = [name for name in _LAP_COLUMNS if any(name in lap["values"] for lap in laps)]
    rows = []
    for number, lap in enumerate(laps, 1):
        row: dict[str, Any] = {"lap": number, "from": told("s", lap["start_s"])}
        row |= {_name(n): told(n, lap["values"].get(n)) for n in known}
        rows.append(row | ({"stroke": lap["label"]} if lap["label"] else {}))
    keys = dict.fromkeys(key for row in rows for key in row)
    return [{key: row.get(key) for key in keys} for row in rows]


def _zone_rows(zone: Mapping[str, Any]) -> list[dict[str, Any]]:
    total = sum(zone["seconds"]) or 1.0
    edges = [-math.inf, *zone["bounds"], math.inf]
    rows = []
    for (low, high), seconds in zip(itertools.pairwise(edges), zone["seconds"], strict=True):
        bounds = f"under {high:.4g}" if low == -math.inf else f"from {low:.4g}"
        rows.append({
            "zone": f"{bounds} {zone['unit']}",
            "time": told("s", seconds),
            "share": f"{100 * seconds / total:.0f} %",
        })  # fmt: skip
    return rows


def _show_quality(view: Mapping[str, Any]) -> None:
    remarks = [
        {"what": repair["what"], "where": "the file", "count": repair["count"]}
        for repair in view["source"]["repairs"]
    ]
    spans: Counter[tuple[str, str]] = Counter()
    for flag in view["flags"]:
        spans[flag["kind"].replace("_", " "), flag["channel"] or "all channels"] += 1
    remarks += [
        {"what": k, "where": w.replace("_", " "), "count": n} for (k, w), n in spans.items()
    ]
    if remarks:
        table(remarks)
    else:
        typer.echo("nothing doubtful")


def show_athlete(view: Mapping[str, Any]) -> None:
    """Profile, form and best efforts of one athlete."""
    typer.echo(f"{view['athlete'] or '(no name)'}, {view['day']}")
    if view["profile"]:
        _section("profile")
        table([{"what": _name(k), "value": told(k, v)} for k, v in view["profile"].items()])
    form = view["form"]
    if form["days"]:
        _section("form")
        last = len(form["days"]) - int(form["future_days"]) - 1
        chosen = sorted({max(last - back, 0) for back in (0, 7, 14, 28, 42)})
        table([{"day": form["days"][k]} | {n: round(form[n][k], 1) for n in
               ("load", "fitness", "fatigue", "form")} for k in chosen])  # fmt: skip
    for curve in view["curves"]:
        _section(f"best {curve['sport']} {curve['channel'].replace('_', ' ')}")
        table(_curve_rows(curve))
        if critical := curve.get("critical_power"):
            doubt = "" if critical["cp_se_w"] is None else f" ± {critical['cp_se_w']:.0f}"
            work = critical["w_prime_j"] / 1000
            typer.echo(f"critical power {critical['cp_w']:.0f}{doubt} W, W' {work:.1f} kJ")


def _curve_rows(curve: Mapping[str, Any]) -> list[dict[str, Any]]:
    unit = {"power": "w", "speed": "mps", "heart_rate": "bpm"}.get(curve["channel"], "1")
    wanted = (5, 60, 300, 1200, 3600)
    rows = []
    for seconds, best, recent in zip(
        curve["durations_s"], curve["best"], curve["recent"], strict=True
    ):
        if seconds in wanted and best is not None:
            rows.append({"for": told("s", seconds), "all": told(unit, best),
                         "last 42 days": told(unit, recent)})  # fmt: skip
    return rows


def told(name: str, value: Any) -> str | None:
    """A value with the unit its name ends in, as people say it.

    Examples
    --------
    >>> told("moving_s", 3725.0), told("speed_mps", 3.0), told("sex", "female")
    ('1:02:05', '3 m/s', 'female')
    """
    if value is None or isinstance(value, str):
        return value
    unit = next((unit for unit in _UNITS if name == unit or name.endswith(f"_{unit}")), "")
    if unit == "s":
        minutes, seconds = divmod(round(value), 60)
        return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
    if unit == "m" and value >= 10_000:
        return f"{value / 1000:.2f} km"
    number = f"{value:.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
    return f"{number} {_SHOWN_UNITS.get(unit, unit)}".strip()


def _name(key: str) -> str:
    unit = next((unit for unit in _UNITS if key.endswith(f"_{unit}")), "")
    return key.removesuffix(f"_{unit}").replace("_", " ")
