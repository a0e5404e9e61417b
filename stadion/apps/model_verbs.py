"""Verbs about models: train, import, models, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from stadion.apps.options import AsJson, HomeOption, open_home, verb
from stadion.apps.showing import answer, progress_bar, table

__all__ = ["evaluate", "import_model", "models", "train", "tune"]

_SHOWN = 12  # candidates of a search: the best ones

Data = Annotated[
    Path | None,
    typer.Option("--data", help="File or folder of recordings. Default: the archive."),
]


@verb
def train(
    task: Annotated[str, typer.Argument(help="See: stadion tasks")],
    data: Data = None,
    learner: Annotated[
        str,
        typer.Option(
            help="baseline, mlp, cnn, lstm, rocket or boosting; several with commas, or auto, "
            "to choose by folds."
        ),
    ] = "auto",
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="Setting of the task or learner, k=v.")
    ] = None,
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="The same from a TOML file.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the model. Default: the task's.")] = "",
    seed: Annotated[int, typer.Option(help="Fixes every choice of chance.")] = 0,
    folds: Annotated[int, typer.Option(help="Grouped folds the model is judged by.")] = 5,
    engine: Annotated[
        str, typer.Option(help="Run as a durable job there, such as local. Default: here.")
    ] = "",
    licence: Annotated[
        str, typer.Option(help="Of the data, for the card. Default: its folder's LICENSE file.")
    ] = "",
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Train a model and register it as a new version."""
    from stadion.platform.orders import read_assignments, read_settings_file

    settings = read_settings_file(settings_file) if settings_file else {}
    settings |= read_assignments(assignments or [])
    place = open_home(home)
    with progress_bar(as_json) as show:
        view = place.train(
            task,
            data,
            learner=learner,
            settings=settings,
            name=name,
            seed=seed,
            folds=folds,
            engine=engine,
            licence=licence,
            progress=show,
        )
    _show_version(view, as_json)


@verb
def tune(
    task: Annotated[str, typer.Argument(help="See: stadion tasks")],
    learner: Annotated[str, typer.Option(help="Whose settings to search.")] = "auto",
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--try",
            help="Setting and its values, k=v1,v2. Alone: every combination is tried.",
        ),
    ] = None,
    space: Annotated[
        list[str] | None,
        typer.Option(
            "--space",
            help="Setting and its range, k=low:high[:log]. Without --space and --try: what the "
            "learner proposes.",
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="End after so many trials. Default: 30.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="End after so many minutes.")] = None,
    workers: Annotated[int, typer.Option(help="Trials at a time, one process each.")] = 1,
    outer: Annotated[
        int,
        typer.Option(
            help="Folds no trial sees, on which the winner is scored: 1 holds out a fifth once."
        ),
    ] = 1,
    pruner: Annotated[
        str, typer.Option(help="Gives up bad trials early: median, hyperband or none.")
    ] = "median",
    sampler: Annotated[str, typer.Option(help="tpe learns from trials, random does not.")] = "tpe",
    data: Data = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="Setting that stays, k=v.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the model. Default: the task's.")] = "",
    seed: Annotated[int, typer.Option(help="Fixes every choice of chance.")] = 0,
    folds: Annotated[int, typer.Option(help="Grouped folds that decide.")] = 5,
    licence: Annotated[
        str, typer.Option(help="Of the data, for the card. Default: its folder's LICENSE file.")
    ] = "",
    engine: Annotated[
        str, typer.Option(help="Run as a durable job there, such as local. Default: here.")
    ] = "",
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Search settings by folds and register the best: the same order goes on after a kill."""
    from stadion.platform.orders import read_assignments, read_grid

    limits = {"trials": trials, "minutes": minutes, "space": read_assignments(space or [])}
    how = {"workers": workers, "outer": outer, "pruner": pruner, "sampler": sampler}
    is_search = space or not grid or (trials, minutes) != (None, None)
    place = open_home(home)
    with progress_bar(as_json) as show:
        view = place.tune(
            task,
            learner,
            read_grid(grid or []),
            data,
            settings=read_assignments(assignments or []),
            name=name,
            seed=seed,
            folds=folds,
            search=limits | how if is_search else None,
            licence=licence,
            engine=engine,
            progress=show,
        )
    _show_version(view, as_json)


@verb
def import_model(
    file: Annotated[Path, typer.Argument(help="An ONNX file.")],
    name: Annotated[str, typer.Option(help="Name of the model.")],
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Register an outside ONNX model; it is opened in a child process first."""
    _show_version(open_home(home).import_model(file, name), as_json)


@verb
def models(
    action: Annotated[str, typer.Argument(help="'show' to look at one.")] = "list",
    model: Annotated[str, typer.Argument(help="MODEL, MODEL:N or MODEL@alias.")] = "",
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """List models, or show one: stadion models show MODEL[:N|@alias]."""
    place = open_home(home)
    if action == "show" and model:
        view = place.model(model)
        if as_json:
            answer(view, as_json)
        else:
            typer.echo(view["card"] or f"{view['model']} version {view['version']}")
            typer.echo(f"\nversions {view['versions']}  digest {view['digest']}")
    elif action == "list":
        answer(place.models(), as_json)
    else:
        raise typer.BadParameter("say 'stadion models' or 'stadion models show MODEL'")


@verb
def evaluate(
    model: Annotated[str, typer.Argument(help="MODEL, MODEL:N or MODEL@alias.")],
    data: Data = None,
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Measure a registered model on other data, with the trivial answers beside it."""
    view = open_home(home).evaluate(model, data)
    if as_json:
        answer(view, as_json)
        return
    typer.echo(f"{view['model']} version {view['version']}: {view['rows']} rows")
    answers = {"model": view["metrics"], **view["baselines"]}
    table([
        {"score": score, **{who: scores.get(score) for who, scores in answers.items()}}
        for score in view["metrics"]
    ])  # fmt: skip
    for title, kind in (("intervals", "output"), ("by_group", "group")):
        if view[title]:
            typer.echo(f"\n{title.replace('_', ' ')}")
            table(_rows_of(view[title], kind))


def _rows_of(report: dict[str, dict[str, float]], kind: str) -> list[dict[str, Any]]:
    """One row per entry of a nested report, with the columns that all entries have."""
    shared = [
        name for name in next(iter(report.values())) if all(name in e for e in report.values())
    ]
    return [{kind: of, **{name: entry[name] for name in shared}} for of, entry in report.items()]


def _show_version(view: dict[str, Any], as_json: bool) -> None:
    if as_json:
        answer(view, as_json)
        return
    typer.echo(f"{view['model']} version {view['version']} ({view['learner']})")
    metrics = view["metrics"]
    if metrics:
        typer.echo(f"  {metrics['metric']} {metrics['value']:.4f} by {metrics['protocol']}")
        for name, value in metrics["baselines"].items():
            typer.echo(f"  {name} {value:.4f}")
    tried = view.get("tried", {})
    for name, score in list(tried.items())[:_SHOWN]:
        typer.echo(f"  tried {name}: {score:.4f}")
    if len(tried) > _SHOWN:
        typer.echo(f"  and {len(tried) - _SHOWN} more")
    for name, reason in view.get("failed", {}).items():
        typer.echo(f"  could not try {name}: {reason}")
    typer.echo(f"  next: stadion deploy {view['model']}:{view['version']}")
