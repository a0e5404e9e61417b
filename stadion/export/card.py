"""What is known of a model in, a page that people read before they trust it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stadion.core.package import Lineage, Metrics
from stadion.core.signature import Signature, Tensor

__all__ = ["model_card"]


def model_card(
    *,
    question: str,
    reference: str,
    signature: Signature,
    groups: int,
    metrics: Metrics | None,
    lineage: Lineage,
) -> str:
    """A model card in Markdown.

    Parameters
    ----------
    question, reference
        What the task asks, and where its protocol or figure to compare with comes from.
    groups
        How many athletes or recordings the training rows come from; 0 when nobody knows.

    References
    ----------
    M. Mitchell et al., Model cards for model reporting, FAT* 2019.
    """
    sections = [
        (question, _intended(signature, reference)),
        ("Data", _data(lineage, groups)),
        ("How good it is", _quality(metrics)),
        ("Inputs", _tensors(signature.inputs)),
        ("Outputs", _outputs(signature)),
        ("Limits", _limits(signature, groups)),
        ("How it was made", _lineage(lineage)),
    ]
    head, *rest = sections
    pages = [f"# {head[0]}\n\n{head[1]}", *(f"## {title}\n\n{body}" for title, body in rest)]
    return "\n\n".join(pages) + "\n"


def _intended(signature: Signature, reference: str) -> str:
    answers = ", ".join(tensor.name for tensor in signature.outputs)
    source = f" Protocol or figure to compare with: {reference}." if reference else ""
    return f"Answers with: {answers}.{source}"


def _data(lineage: Lineage, groups: int) -> str:
    if not groups:
        return "Nothing is known of the data that it was made from."
    return (
        f"{lineage.data_rows} rows of {groups} groups (athletes, matches or recordings); rows of "
        f"one group were never on both sides of a split. Digest `{lineage.data_digest[:16]}`."
    )


def _quality(metrics: Metrics | None) -> str:
    if metrics is None:
        return "Not measured."
    rows = [("this model", metrics.value), *metrics.baselines.items()]
    table = _table(("answer by", metrics.metric), [(name, f"{v:.4g}") for name, v in rows])
    text = f"Measured by {metrics.protocol}, on {metrics.rows} rows.\n\n{table}"
    if not metrics.more:
        return text
    more = _table(("score", "value"), [(name, f"{v:.4g}") for name, v in metrics.more.items()])
    return f"{text}\n\nOther scores of this model:\n\n{more}"


def _tensors(tensors: tuple[Tensor, ...]) -> str:
    rows = [
        (
            tensor.name,
            f"{tensor.datatype} {tensor.wire_shape}",
            tensor.unit,
            _range(tensor),
            "yes" if tensor.missing else "no",
            tensor.meaning,
        )
        for tensor in tensors
    ]
    return _table(("name", "type", "unit", "range", "may be missing", "meaning"), rows)


def _outputs(signature: Signature) -> str:
    table = _tensors(signature.outputs)
    labels = [f"Classes of {name}: {', '.join(of)}." for name, of in signature.labels.items()]
    return "\n\n".join([table, *labels])


def _limits(signature: Signature, groups: int) -> str:
    if not groups:
        return "- It was made elsewhere: what it knows and what it was tested on is not recorded."
    lines = [
        f"- It knows {groups} groups; of other people, devices and places it can say less.",
        "- Values outside the ranges above were not seen in training.",
        "- An answer to mostly missing values is a guess.",
    ]
    if signature.labels:
        lines.append("- It always names one of its classes, also for what is none of them.")
    return "\n".join(lines)


def _lineage(lineage: Lineage) -> str:
    facts: Mapping[str, object] = {
        "task": lineage.task,
        "task settings": _pairs(lineage.task_settings),
        "learner": lineage.learner,
        "settings": _pairs(lineage.settings),
        "seed": lineage.seed,
        "code": lineage.code_version,
        "libraries": _pairs(lineage.libraries),
        "training time": f"{lineage.train_s:g} s",
    }
    return _table(("what", "value"), [(name, str(value)) for name, value in facts.items()])


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items()) or "none"


def _range(tensor: Tensor) -> str:
    if tensor.low is None and tensor.high is None:
        return "any"
    low = "" if tensor.low is None else f"{tensor.low:g}"
    high = "" if tensor.high is None else f"{tensor.high:g}"
    return f"{low} to {high}" if low and high else (f"from {low}" if low else f"up to {high}")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    """One line, and no bar that would end the cell."""
    return " ".join(text.split()).replace("|", "\\|")
