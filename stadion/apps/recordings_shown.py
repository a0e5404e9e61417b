"""Views of recordings and athletes in, what a person reads in the terminal out."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import typer

from stadion.apps.measures import named, paced, told
from stadion.apps.showing import table

__all__ = [
    "listed",
    "show_activity",
    "show_athlete",
    "show_profile",
    "shown_change",
    "zone_names",
]

_MOST_ROWS = 30
_WHOLE_ID = re.compile("[0-9a-f]{32,}")
_LAP_COLUMNS = ("distance_m", "timer_s", "speed_mps", "heart_rate_bpm", "power_w", "cadence_rpm",
                "ascent_m")  # fmt: skip
_PROFILE_METRES = {"threshold_speed_mps": 1000.0, "swim_threshold_speed_mps": 100.0}


def listed(view: Mapping[str, Any]) -> dict[str, Any]:
    """What tells one recording from another at a glance."""
    start = (view.get("local_start") or view["start"] or "").replace("T", " ")[:16]
    measured = view.get("metrics") or {}
    return {
        "id": view["id"][:12],
        "start": start or None,
        "duration": told("s", measured.get("elapsed_s", view["duration_s"])),
        "distance": told("m", measured.get("distance_m")),
        "sport": view["sport"] or None,
        "athlete": view["athlete"] or None,
        "samples": view["samples"],
        "partial": "yes" if view["is_partial"] else None,
        "title": view.get("title") or None,
        "file": view["name"].rpartition("/")[2],
    }


def shown_change(change: Mapping[str, Any]) -> dict[str, Any]:
    """A line of a history: whole seconds, the beginnings of ids."""
    return {
        "at (UTC)": str(change["at"]).replace("T", " ")[:19],
        "who": change["who"] or None,
        "field": change["field"],
        "before": _shortened(change["before"]),
        "after": _shortened(change["after"]),
    }


def _shortened(value: Any) -> Any:
    """The same with ids as short as lists show them."""
    if isinstance(value, str):
        return _WHOLE_ID.sub(lambda found: found[0][:12], value)
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _shortened(item) for key, item in value.items()}
    return value


def show_activity(view: Mapping[str, Any]) -> None:
    """Summary, parts, laps, lengths, zones and quality of one recording."""
    start = str(view.get("local_start") or view["start"] or "no date").replace("T", " ")[:19]
    title = view.get("title") or view["sport"].replace("_", " ") or "recording"
    typer.echo(f"{title}, {start} {view.get('zone', '')}".rstrip())
    sources = len(view["recordings"])
    about = {"id": view["id"], "athlete": view["athlete"], "sport": _sport(view),
             "device": view.get("device", ""), "file": view["source"]["name"],
             "merged": f"from {sources} recordings" if sources > 1 else ""}  # fmt: skip
    for name, value in about.items():
        if value:
            typer.echo(f"{name:<10} {value}")
    metres = paced(view["sport"], view.get("sub_sport", ""))
    if summary := _without_doubles(view["summary"]):
        _section("summary")
        table([{"measure": named(k, metres), "value": told(k, v, metres)}
               for k, v in summary.items()])  # fmt: skip
    _show_laps(view)
    for zone in view["zones"]:
        _section(f"{zone['name'].replace('_', ' ')} zones ({zone['rests_on']})")
        table(_zone_rows(zone))
    _section("quality")
    _show_quality(view)


def _without_doubles(summary: Mapping[str, float]) -> dict[str, float]:
    """What the streams say beside what the device says is told where the two differ."""
    return {
        name: value
        for name, value in summary.items()
        if "_stream_" not in name or value != summary.get(name.replace("_stream_", "_"))
    }


def _sport(view: Mapping[str, Any]) -> str:
    return ", ".join(word for word in (view["sport"], view.get("sub_sport")) if word)


def _section(name: str) -> None:
    typer.echo(f"\n{name}")


def _show_laps(view: Mapping[str, Any]) -> None:
    """The sports of one recording, its laps, and the lengths of a pool."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for lap in view["laps"]:
        kinds.setdefault(lap["kind"], []).append(lap)
    parts = kinds.get("session", [])
    for title, of_kind in (
        ("parts", parts if len(parts) > 1 else []),
        ("laps", kinds.get("lap", [])),
        ("lengths", kinds.get("length", [])),
    ):
        if of_kind:
            _section(title)
            sports = [_sport_of(lap, parts, view) for lap in of_kind[:_MOST_ROWS]]
            table(_lap_rows(of_kind[:_MOST_ROWS], sports, title))
        if len(of_kind) > _MOST_ROWS:
            typer.echo(f"{len(of_kind) - _MOST_ROWS} more in the answer of --json")


def _sport_of(
    lap: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], view: Mapping[str, Any]
) -> tuple[str, str]:
    """Sport of the part in whose time the lap's middle is."""
    middle = (lap["start_s"] + lap["end_s"]) / 2
    for part in parts if len(parts) > 1 else ():
        if part["start_s"] <= middle <= part["end_s"]:
            return part["label"], ""
    return view["sport"], view.get("sub_sport", "")


def _lap_rows(
    laps: Sequence[Mapping[str, Any]], sports: Sequence[tuple[str, str]], title: str
) -> list[dict[str, Any]]:
    known = [name for name in _LAP_COLUMNS if any(name in lap["values"] for lap in laps)]
    scales = [paced(*sport) for sport in sports]
    label = {"parts": "sport", "laps": "label", "lengths": "stroke"}[title]
    is_labelled = any(lap["label"] for lap in laps)
    rows = []
    for number, (lap, metres) in enumerate(zip(laps, scales, strict=True), 1):
        row: dict[str, Any] = {title[:-1]: number, "from": told("s", lap["start_s"])}
        row |= {label: (lap["label"] or "-").replace("_", " ")} if is_labelled else {}
        row |= {named(n, scales[0] if len(set(scales)) == 1 else None):
                told(n, lap["values"].get(n), metres) for n in known}  # fmt: skip
        rows.append(row)
    return rows


def _zone_rows(zone: Mapping[str, Any]) -> list[dict[str, Any]]:
    total = sum(zone["seconds"]) or 1.0
    return [
        {"zone": name, "time": told("s", seconds), "share": f"{100 * seconds / total:.0f} %"}
        for name, seconds in zip(zone_names(zone), zone["seconds"], strict=True)
    ]


def zone_names(zone: Mapping[str, Any]) -> list[str]:
    """Number and bounds of each zone, from below; those of a runner's speed as paces."""
    is_pace = zone["unit"] == "m/s"
    texts = [
        str(told("mps", bound, 1000)).removesuffix(" min/km") if is_pace else f"{bound:.0f}"
        for bound in zone["bounds"]
    ]
    under, over = ("slower than", "faster than") if is_pace else ("under", "over")
    unit = "min/km" if is_pace else zone["unit"]
    between = [f"{low} to {high}" for low, high in itertools.pairwise(texts)]
    names = [f"{under} {texts[0]}", *between, f"{over} {texts[-1]}"]
    return [f"Z{number} {name} {unit}" for number, name in enumerate(names, 1)]


def _show_quality(view: Mapping[str, Any]) -> None:
    remarks: list[dict[str, Any]] = [
        {"what": repair["what"], "where": "the file", "count": repair["count"], "time": None}
        for repair in view["source"]["repairs"]
    ]
    spans: dict[tuple[str, str], list[float]] = {}
    for flag in view["flags"]:
        key = (flag["kind"].replace("_", " "), flag["channel"].replace("_", " ") or "all channels")
        spans.setdefault(key, []).append(flag["end_s"] - flag["start_s"])
    remarks += [
        {"what": what, "where": where, "count": len(lengths), "time": told("s", math.fsum(lengths))}
        for (what, where), lengths in spans.items()
    ]
    if remarks:
        table(remarks)
    else:
        typer.echo("nothing doubtful")


def show_athlete(view: Mapping[str, Any]) -> None:
    """Profile, totals, form and best efforts of one athlete."""
    show_profile(view)
    _section("totals")
    table([{"days": span.removesuffix("_days")} | {named(n): told(n, v) for n, v in sums.items()}
           for span, sums in view["totals"].items()])  # fmt: skip
    form = view["form"]
    if form["days"]:
        _section("form")
        last = len(form["days"]) - int(form["future_days"]) - 1
        chosen = sorted({max(last - back, 0) for back in (0, 7, 14, 28, 42)})
        table([{"day": form["days"][k]} | {n: f"{form[n][k]:.1f}" for n in
               ("load", "fitness", "fatigue", "form")} for k in chosen])  # fmt: skip
    for curve in view["curves"]:
        _section(f"best {curve['sport']} {curve['channel'].replace('_', ' ')}")
        table(_curve_rows(curve))
        if critical := curve.get("critical_power"):
            doubt = "" if critical["cp_se_w"] is None else f" ± {critical['cp_se_w']:.0f}"
            work = critical["w_prime_j"] / 1000
            typer.echo(f"critical power {critical['cp_w']:.0f}{doubt} W, W' {work:.1f} kJ")


def show_profile(view: Mapping[str, Any]) -> None:
    """Whose it is, and what is known on the day."""
    typer.echo(f"{view['athlete'] or '- (recordings without a name)'}, {view['day']}")
    if view["profile"]:
        _section("profile")
        scales = {name: _PROFILE_METRES.get(name) for name in view["profile"]}
        table([{"what": named(k, scales[k]), "value": told(k, v, scales[k])}
               for k, v in view["profile"].items()])  # fmt: skip


def _curve_rows(curve: Mapping[str, Any]) -> list[dict[str, Any]]:
    unit = {"power": "w", "speed": "mps", "heart_rate": "bpm"}.get(curve["channel"], "1")
    metres = paced(curve["sport"])
    wanted = (5, 60, 300, 1200, 3600)
    rows = []
    for seconds, best, recent in zip(
        curve["durations_s"], curve["best"], curve["recent"], strict=True
    ):
        if seconds in wanted and best is not None:
            rows.append({"for": told("s", seconds), "all": told(unit, best, metres),
                         "last 42 days": told(unit, recent, metres)})  # fmt: skip
    return rows
