"""Verbs about models: train, import, models, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from stadion.apps.options import AsJson, HomeOption, open_home, verb
from stadion.apps.showing import answer, progress_bar, table

__all__ = ["evaluate", "import_model", "models", "train", "tune"]

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
            progress=show,
        )
    _show_version(view, as_json)


@verb
def tune(
    task: Annotated[str, typer.Argument(help="See: stadion tasks")],
    learner: Annotated[str, typer.Option(help="Whose settings to search.")],
    grid: Annotated[list[str], typer.Option("--try", help="Setting and its values, k=v1,v2.")],
    data: Data = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="Setting that stays, k=v.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the model. Default: the task's.")] = "",
    seed: Annotated[int, typer.Option(help="Fixes every choice of chance.")] = 0,
    folds: Annotated[int, typer.Option(help="Grouped folds that decide.")] = 5,
    home: HomeOption = "",
    as_json: AsJson = False,
) -> None:
    """Search settings: every combination by grouped folds, the best one registered."""
    from stadion.platform.orders import read_assignments, read_grid

    place = open_home(home)
    with progress_bar(as_json) as show:
        view = place.tune(
            task,
            learner,
            read_grid(grid),
            data,
            settings=read_assignments(assignments or []),
            name=name,
            seed=seed,
            folds=folds,
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
    table([_scores("model", view["metrics"])] + [
        _scores(name, scores) for name, scores in view["baselines"].items()
    ])  # fmt: skip


def _scores(who: str, scores: dict[str, float]) -> dict[str, Any]:
    return {"answers by": who, **scores}


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
    for name, score in view.get("tried", {}).items():
        typer.echo(f"  tried {name}: {score:.4f}")
    for name, reason in view.get("failed", {}).items():
        typer.echo(f"  could not try {name}: {reason}")
    typer.echo(f"  next: stadion deploy {view['model']}:{view['version']}")
