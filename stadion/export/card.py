"""What is known of a model in, a page that people read before they trust it out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from stadion.core.package import Lineage, Metrics
from stadion.core.signature import Signature, Tensor

__all__ = ["model_card"]

_FEW = 0.1  # of the rows: a group with less is named among the limits


def model_card(
    *,
    question: str,
    reference: str,
    signature: Signature,
    groups: int,
    metrics: Metrics | None,
    lineage: Lineage,
    strata: Mapping[str, Mapping[str, int]] | None = None,
) -> str:
    """A model card in Markdown.

    Parameters
    ----------
    question, reference
        What the task asks, and where its protocol or figure to compare with comes from.
    groups
        How many athletes or recordings the training rows come from; 0 when nobody knows.
    strata
        'sex' -> 'female' -> rows of it in the training set; '' are the rows of unknown ones.

    References
    ----------
    M. Mitchell et al., Model cards for model reporting, FAT* 2019.
    """
    sections = [
        (question, _intended(signature, reference)),
        ("Data", _data(lineage, groups)),
        ("Who is in the data", _people(strata or {}, groups)),
        ("How good it is", _quality(metrics)),
        ("How good it is for whom", _for_whom(metrics)),
        ("How far its answers may be trusted", _intervals(metrics)),
        ("When values are missing", _missing(metrics, signature)),
        ("Inputs", _tensors(signature.inputs)),
        ("Outputs", _outputs(signature)),
        ("Limits", _limits(signature, groups, strata or {})),
        ("How it was made", _lineage(lineage)),
    ]
    head, *rest = sections
    pages = [f"# {head[0]}\n\n{head[1]}"]
    pages += [f"## {title}\n\n{body}" for title, body in rest if body]
    return "\n\n".join(pages) + "\n"


def _intended(signature: Signature, reference: str) -> str:
    answers = ", ".join(tensor.name for tensor in signature.outputs)
    source = f" Protocol or figure to compare with: {reference}." if reference else ""
    return f"Answers with: {answers}.{source}"


def _data(lineage: Lineage, groups: int) -> str:
    licence = f"Licence of the data: {lineage.licence or 'not stated'}."
    if not groups:
        return f"Nothing is known of the data that it was made from. {licence}"
    return (
        f"{lineage.data_rows} rows of {groups} groups (athletes, matches or recordings); rows of "
        f"one group were never on both sides of a split. Digest `{lineage.data_digest[:16]}`.\n\n"
        f"{licence}"
    )


def _people(strata: Mapping[str, Mapping[str, int]], groups: int) -> str:
    if not groups:
        return ""
    if not strata:
        return "Not recorded: nothing says whether some people are seldom or never among them."
    lines = [
        (name, value or "unknown", str(rows), f"{rows / max(1, sum(counts.values())):.0%}")
        for name, counts in strata.items()
        for value, rows in sorted(counts.items(), key=lambda pair: (not pair[0], pair[0]))
    ]
    return _table(("group", "value", "rows", "share"), lines)


def _quality(metrics: Metrics | None) -> str:
    if metrics is None:
        return "Not measured."
    spread = f" ± {metrics.spread:.2g} over the folds" if metrics.spread else ""
    rows = [("this model", f"{metrics.value:.4g}{spread}")]
    rows += [(name, f"{value:.4g}") for name, value in metrics.baselines.items()]
    table = _table(("answer by", metrics.metric), rows)
    text = f"Measured by {metrics.protocol}, on {metrics.rows} rows.\n\n{table}"
    if not metrics.more:
        return text
    more = _table(("score", "value"), [(name, f"{v:.4g}") for name, v in metrics.more.items()])
    return f"{text}\n\nOther scores of this model:\n\n{more}"


def _for_whom(metrics: Metrics | None) -> str:
    if metrics is None or not metrics.groups:
        return ""
    lines = [
        (label, f"{found.get('rows', 0):.0f}", f"{found.get(metrics.metric, math.nan):.4g}")
        for label, found in metrics.groups.items()
    ]
    return f"All rows together: {metrics.value:.4g}. Groups of few rows are left out.\n\n" + _table(
        ("group", "rows", metrics.metric), lines
    )


def _intervals(metrics: Metrics | None) -> str:
    if metrics is None or not metrics.intervals:
        return "Its answers come without an interval."
    overall, by_group = [], []
    for name, found in metrics.intervals.items():
        overall.append(
            (
                name,
                *(_percent(found, key) for key in ("share", "coverage")),
                _number(found, "width"),
            )
        )
        by_group += [
            (name, key.removeprefix("coverage "), f"{value:.1%}")
            for key, value in found.items()
            if key.startswith("coverage ")
        ]
    text = (
        "Each answer has an interval, or a set of classes that cannot be ruled out (its width is "
        "the number of classes in it). Seen on rows that the model did not know:\n\n"
        + _table(("output", "promised", "holds the truth", "mean width"), overall)
    )
    if not by_group:
        return text
    head = ("output", "group", "holds the truth")
    return f"{text}\n\nThe same by group:\n\n{_table(head, by_group)}"


def _missing(metrics: Metrics | None, signature: Signature) -> str:
    how = "NaN (null in JSON) stands for what was not measured; every answer is given all the same."
    if not any(tensor.missing for tensor in signature.inputs):
        return "It needs every value of its inputs."
    if metrics is None or not metrics.missing:
        return f"{how} What that costs was not measured."
    trivial = next(iter(metrics.baselines.values()), math.nan)
    gain = metrics.value - trivial
    lines = [("none", f"{metrics.value:.4g}", "0%")]
    for share, value in sorted(metrics.missing.items(), key=lambda pair: float(pair[0])):
        lost = (metrics.value - value) / gain if gain else math.nan
        lines.append((f"{float(share):.0%}", f"{value:.4g}", _lost(lost)))
    return f"{how} Blanked were whole channels, blocks of time and single values:\n\n" + _table(
        ("values missing", metrics.metric, "of the gain over the baseline lost"), lines
    )


def _lost(share: float) -> str:
    return f"{share:.0%}" if math.isfinite(share) else "unknown"


def _percent(found: Mapping[str, float], key: str) -> str:
    return f"{found[key]:.1%}" if key in found else "unknown"


def _number(found: Mapping[str, float], key: str) -> str:
    return f"{found[key]:.4g}" if key in found else "unknown"


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


def _limits(signature: Signature, groups: int, strata: Mapping[str, Mapping[str, int]]) -> str:
    if not groups:
        return "- It was made elsewhere: what it knows and what it was tested on is not recorded."
    lines = [
        f"- It knows {groups} groups; of other people, devices and places it can say less.",
        "- Values outside the ranges above were not seen in training.",
        "- An answer to mostly missing values is a guess.",
    ]
    few = [
        f"{name} = {value} ({rows} rows)"
        for name, counts in strata.items()
        for value, rows in counts.items()
        if value and rows < _FEW * sum(counts.values())
    ]
    if few:
        lines.append(f"- Seldom in the data, so less is known of: {', '.join(few)}.")
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
        "energy of the training": _energy(lineage),
    }
    return _table(("what", "value"), [(name, str(value)) for name, value in facts.items()])


def _energy(lineage: Lineage) -> str:
    if not lineage.energy_how:
        return "not known"
    joules = lineage.energy_j
    amount = f"{joules / 3.6e6:.3g} kWh" if joules >= 3.6e5 else f"{joules:.4g} J"
    return f"{amount} ({lineage.energy_how})"


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
