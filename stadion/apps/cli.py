"""The command line: one verb per step. Verbs import what they need when they run."""

from __future__ import annotations

import typer

from stadion.apps import (
    athlete_verbs,
    key_verbs,
    model_verbs,
    recording_verbs,
    serving_verbs,
    task_verbs,
)

__all__ = ["app", "main"]

app = typer.Typer(
    name="stadion",
    help="Models as a service for sport.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for _verb in (
    recording_verbs.ingest,
    recording_verbs.activities,
    recording_verbs.tables,
    athlete_verbs.athlete,
    task_verbs.tasks,
    model_verbs.train,
    model_verbs.tune,
    model_verbs.models,
    model_verbs.evaluate,
    serving_verbs.deploy,
    serving_verbs.rollback,
    serving_verbs.predict,
    serving_verbs.recommend,
    serving_verbs.up,
    serving_verbs.bench,
    serving_verbs.backup,
    serving_verbs.restore,
):
    app.command()(_verb)
app.command("import")(model_verbs.import_model)
app.add_typer(key_verbs.keys, name="keys")


def main() -> None:
    """Run the command line."""
    app()
