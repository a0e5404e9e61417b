"""Results in, what a person or a script reads out."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from stadion.core.errors import StadionError

__all__ = ["EXIT_CODES", "answer", "failure", "file_bar", "progress_bar", "table"]

EXIT_CODES = {"INVALID": 2, "NOT_FOUND": 3, "CONFLICT": 4}
"""Exit status by error code; every other error ends with 1."""

_LIST_WIDTH = 60
_NAME_WIDTH = 32
_LEAST_WRAPPED = 16
_FILE_WIDTH = 200  # of a table that goes into a file or a pipe
_WRAPPED = {"reason", "what", "values", "channels", "metrics", "question"}
_SHRINKING = {"file", "name"}


def answer(value: Any, as_json: bool) -> None:
    """Print a result: one line of JSON, or name and value in aligned lines."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    elif isinstance(value, Mapping):
        _lines(value, "")
    else:
        table(value)


def failure(error: StadionError, as_json: bool) -> None:
    """Say on the error stream what went wrong and what to do."""
    if as_json:
        view = {"error": error.message, "code": error.code.value, "hint": error.hint}
        sys.stderr.write(msgspec.json.encode(view).decode() + "\n")
    else:
        sys.stderr.write(f"stadion: {error.message}\n")
        if error.hint:
            sys.stderr.write(f"  {error.hint}\n")


def table(rows: Sequence[Mapping[str, Any]]) -> None:
    """A table of dictionaries that share their keys."""
    from rich.console import Console
    from rich.table import Table

    if not rows:
        sys.stdout.write("nothing yet\n")
        return
    shown = Table(box=None, pad_edge=False)
    for name in rows[0]:
        if name in _WRAPPED:
            shown.add_column(name.replace("_", " "), overflow="fold", min_width=_LEAST_WRAPPED)
        else:
            widest = max(len(_short(row[name])) for row in rows)
            least = 8 if name in _SHRINKING else max(widest, len(name))
            shown.add_column(name.replace("_", " "), no_wrap=True, min_width=least)
    for row in rows:
        shown.add_row(*(_short(value) for value in row.values()))
    if sys.stdout.isatty():
        Console().print(shown)
        return
    console = Console(width=_FILE_WIDTH, file=io.StringIO())
    with console.capture() as lines:
        console.print(shown)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in lines.get().splitlines())


@contextmanager
def progress_bar(as_json: bool) -> Iterator[Any]:
    """A callback for progress: a bar on a terminal, lines of JSON for a script."""
    if as_json:
        yield lambda step: sys.stderr.write(msgspec.json.encode(step).decode() + "\n")
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        bars: dict[str, Any] = {}

        def show(step: Any) -> None:
            if step.what not in bars:
                bars[step.what] = bar.add_task(step.what, total=step.total)
            loss = "" if step.loss is None else f" {step.loss:.4f}"
            bar.update(
                bars[step.what],
                completed=step.done,
                total=step.total,
                description=f"{step.what}{loss}",
            )

        yield show


@contextmanager
def file_bar(as_json: bool) -> Iterator[Any]:
    """A callback for files that are read: name of the last one, how many of how many."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())  # fmt: skip
    is_quiet = as_json or not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=is_quiet) as bar:
        task = bar.add_task("reading", total=None)

        def show(name: str, done: int, total: int) -> None:
            shown = name.rpartition("/")[2][-_NAME_WIDTH:]
            bar.update(task, completed=done, total=total, description=f"{shown:{_NAME_WIDTH}}")

        yield show


def _lines(value: Mapping[str, Any], indent: str) -> None:
    for name, item in value.items():
        label = f"{indent}{name.replace('_', ' ') if not indent else name}"
        if isinstance(item, Mapping) and item:
            sys.stdout.write(f"{label}\n")
            _lines(item, indent + "  ")
        elif name == "card":
            continue
        elif isinstance(item, list | tuple) and item and isinstance(item[0], Mapping):
            sys.stdout.write(f"{label}\n")
            table(item)
        else:
            sys.stdout.write(f"{label:<18} {_short(item)}\n")


def _short(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
    if isinstance(value, Mapping) and "metric" in value:
        beside = ", ".join(f"{k} {_short(v)}" for k, v in value["baselines"].items())
        return f"{value['metric']} {_short(value['value'])} ({beside})"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_short(v)}" for k, v in value.items()) or "-"
    if isinstance(value, list | tuple):
        text = ", ".join(_short(item) for item in value)
        return text if len(text) <= _LIST_WIDTH else text[: _LIST_WIDTH - 1] + "…"
    return str(value)
