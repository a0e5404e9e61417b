"""A file name in, an empty figure in the house's style out; and the figure saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stadion.core.errors import Code, StadionError

__all__ = ["COLOURS", "INK", "MUTED", "clock", "new_figure", "plain_axes", "save"]

INK, MUTED, GRID = "#1f2933", "#6b7280", "#e5e7eb"
COLOURS = {
    "altitude": "#9aa5b1",
    "heart_rate": "#d1495b",
    "speed": "#00798c",
    "power": "#8f4b9b",
    "cadence": "#b7791f",
    "fitness": "#2563a8",
    "fatigue": "#d1495b",
    "form": "#3b8132",
}
"""One colour for one thing in every picture; told apart by people with colour blindness."""

_KINDS = (".png", ".svg")


def new_figure(file: Path, width: float, height: float) -> Any:
    """An empty figure of that many inches.

    Raises
    ------
    StadionError
        INVALID when the file is to be no PNG or SVG, UNSUPPORTED where matplotlib is missing.
    """
    if file.suffix.lower() not in _KINDS:
        raise StadionError(
            Code.INVALID,
            f"the picture is to be {file.name!r}; expected a name ending in .png or .svg",
        )
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise StadionError(
            Code.UNSUPPORTED, "pictures need matplotlib", "pip install 'stadion[plot]'"
        ) from None
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def save(figure: Any, file: Path) -> None:
    """Write the picture; the same figure gives the same bytes."""
    from matplotlib import rc_context

    is_svg = file.suffix.lower() == ".svg"
    metadata = {"Date": None} if is_svg else {}
    try:
        with rc_context({"svg.hashsalt": "stadion", "svg.fonttype": "none"}):
            figure.savefig(file, dpi=144, metadata=metadata)
    except OSError as error:
        raise StadionError(
            Code.INVALID, f"the picture {str(file)!r} cannot be written: {error.strerror}"
        ) from None


def plain_axes(axes: Any, title: str = "") -> None:
    """Axes without a box: a light grid, quiet labels."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.tick_params(colors=MUTED, labelsize=8, length=0)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    if title:
        axes.set_title(title, loc="left", fontsize=9, color=INK)


def clock(seconds: float, _place: object = None) -> str:
    """Seconds as people read them.

    Examples
    --------
    >>> clock(59), clock(300), clock(5400)
    ('59 s', '5 min', '1:30 h')
    >>> clock(3600)
    '1 h'
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        rest = whole % 60
        return f"{whole // 60}:{rest:02d} min" if rest else f"{whole // 60} min"
    minutes = whole % 3600 // 60
    return f"{whole // 3600}:{minutes:02d} h" if minutes else f"{whole // 3600} h"
