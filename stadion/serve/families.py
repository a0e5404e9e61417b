"""What a server has done in, the metrics that say so out.

The names and labels that begin with nv_ are Triton's, so that its dashboards go on working.

References
----------
Triton Inference Server, docs/user_guide/metrics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from stadion.core.metric import Family, labels
from stadion.serve.ledger import OLDER, ServerCounts
from stadion.serve.stats import BOUNDS_NS, Histogram, Stats

__all__ = ["MOST_DISTRIBUTIONS", "families"]

MOST_DISTRIBUTIONS = 512
"""Distributions are told of that many versions at most; those of the others are summed."""

_TIMES = {
    "queue": "Waiting for its run",
    "input": "Reading and checking the request",
    "infer": "The run that answered it",
    "output": "Writing the answer",
    "total": "From the complete request to its answer",
}
_TRITON_TIMES = {
    "request": "total",
    "queue": "queue",
    "compute_input": "input",
    "compute_infer": "infer",
    "compute_output": "output",
}
_TRITON_REASONS = {"overloaded": "REJECTED", "timeout": "REJECTED", "internal": "BACKEND"}
_SHADOW = ("same", "different", "failed", "dropped")
_EDGES = [(i, bound / 1e9) for i, bound in enumerate(BOUNDS_NS) if bound in
          {1 << power for power in range(15, 34)}]  # fmt: skip
"""Where the buckets are cut: every power of two from 33 microseconds to 8.6 seconds."""

Entry = tuple[str, Stats]
"""The labels of a version as text, and what it has done."""


def families(counts: ServerCounts) -> Iterator[Family]:
    """All metrics of a server, in the order of their names' meaning."""
    entries = [
        (labels(model=model or "other", version=str(version) if version != OLDER else "older"), s)
        for model, versions in counts.models.items()
        for version, s in versions.items()
    ]
    yield from _requests(entries)
    yield from _durations(entries)
    yield from _distributions(entries)
    yield from _residence(entries)
    yield _shadows(entries)
    yield from _processes(counts)


def _requests(entries: Sequence[Entry]) -> Iterator[Family]:
    yield _counter(entries, "nv_inference_request_success", "Answered requests.", "success")
    failures = Family("nv_inference_request_failure", "counter", "Requests that failed.")
    codes = Family("stadion_request_failures_total", "counter", "Requests that failed, by code.")
    for text, stats in entries:
        for reason, n in _by_triton_reason(stats).items():
            failures.add(f'{text},reason="{reason}"', n)
        for code, n in stats.failed.items():
            codes.add(f"{text},{labels(code=code)}", n)
    yield failures
    yield codes
    yield _counter(entries, "nv_inference_count", "Rows that were inferred.", "rows")
    yield _counter(entries, "nv_inference_exec_count", "Runs, each of one or more rows.", "runs")
    yield _gauge(
        entries, "nv_inference_pending_request_count", "Requests not answered yet.", "pending"
    )


def _durations(entries: Sequence[Entry]) -> Iterator[Family]:
    for part, name in _TRITON_TIMES.items():
        text = f"{_TIMES[name]}, summed over requests."
        family = Family(f"nv_inference_{part}_duration_us", "counter", text)
        for label_text, stats in entries:
            family.add(label_text, _time(stats, name).sum_ns // 1000)
        yield family


def _distributions(entries: Sequence[Entry]) -> Iterator[Family]:
    """Who was deployed first stays on the list, so that no series comes and goes."""
    shown, others = entries[:MOST_DISTRIBUTIONS], entries[MOST_DISTRIBUTIONS:]
    for name, text in _TIMES.items():
        family = Family(f"stadion_request_{name}_seconds", "histogram", f"{text}.")
        for label_text, stats in shown:
            if any((time := _time(stats, name)).counts):
                _spread(family, label_text, [time])
        if others:
            text_of_all = labels(model="other", version="other")
            _spread(family, text_of_all, [_time(stats, name) for _, stats in others])
        yield family


def _spread(family: Family, label_text: str, times: Sequence[Histogram]) -> None:
    """Buckets up to each edge, their sum and their number."""
    counts = [sum(column) for column in zip(*(time.counts for time in times), strict=True)]
    seen, start, samples = 0, 0, family.samples
    for (index, _), edge_text in zip(_EDGES, _EDGE_TEXTS, strict=True):
        seen += sum(counts[start : index + 1])
        start = index + 1
        samples.append(("_bucket", f"{label_text},{edge_text}", seen))
    number = seen + sum(counts[start:])
    samples.append(("_bucket", f'{label_text},le="+Inf"', number))
    samples.append(("_sum", label_text, sum(time.sum_ns for time in times) / 1e9))
    samples.append(("_count", label_text, number))


def _residence(entries: Sequence[Entry]) -> Iterator[Family]:
    loads = Family("stadion_model_load_seconds", "gauge", "The slowest worker's last loading.")
    for text, stats in entries:
        if stats.load_ns:
            loads.add(text, stats.load_ns / 1e9)
    yield loads
    yield _gauge(
        entries, "stadion_model_resident_bytes", "Memory in all workers.", "resident_bytes"
    )
    last = Family("stadion_model_last_inference_seconds", "gauge", "When it last ran, Unix time.")
    for text, stats in entries:
        if stats.last_ms:
            last.add(text, stats.last_ms / 1e3)
    yield last


def _shadows(entries: Sequence[Entry]) -> Family:
    family = Family("stadion_shadow_total", "counter", "Copies that a shadow got, by outcome.")
    for text, stats in entries:
        numbers = [getattr(stats, f"shadow_{outcome}") for outcome in _SHADOW]
        if any(numbers):
            for outcome, n in zip(_SHADOW, numbers, strict=True):
                family.add(f'{text},outcome="{outcome}"', n)
    return family


def _processes(counts: ServerCounts) -> Iterator[Family]:
    rss = Family("stadion_worker_resident_bytes", "gauge", "Memory of a worker's process.")
    connections = Family("stadion_worker_connections", "gauge", "Open connections.")
    waiting = Family("stadion_worker_waiting", "gauge", "Requests that wait for a thread.")
    cpu = Family("stadion_worker_cpu_seconds_total", "counter", "Processor time of a place.")
    restarts = Family("stadion_worker_restarts_total", "counter", "Processes that were replaced.")
    refused: dict[str, int] = {}
    lines = dropped = 0
    for place, (now, before) in enumerate(zip(counts.workers, counts.spent, strict=True)):
        text = labels(worker=str(place))
        restarts.add(text, counts.restarts[place])
        cpu.add(text, (before.cpu_ns + (now.cpu_ns if now else 0)) / 1e9)
        if now is not None:
            rss.add(text, now.rss_bytes)
            connections.add(text, now.connections)
            waiting.add(text, now.waiting)
        for process in (before, now) if now is not None else (before,):
            _add_up(refused, process.refused)
            lines, dropped = lines + process.log_lines, dropped + process.log_dropped
    yield from (rss, connections, waiting, cpu, restarts)
    refusals = Family("stadion_refused_total", "counter", "Calls turned away, by reason.")
    for reason, n in sorted(refused.items()):
        refusals.add(labels(reason=reason), n)
    yield refusals
    yield _alone("stadion_access_log_lines_total", "Lines of the access log.", lines)
    yield _alone("stadion_access_log_dropped_total", "Lines that were lost.", dropped)


def _counter(entries: Sequence[Entry], name: str, text: str, field: str) -> Family:
    return _filled(Family(name, "counter", text), entries, lambda stats: getattr(stats, field))


def _gauge(entries: Sequence[Entry], name: str, text: str, field: str) -> Family:
    return _filled(Family(name, "gauge", text), entries, lambda stats: getattr(stats, field))


def _filled(family: Family, entries: Sequence[Entry], value: Callable[[Stats], float]) -> Family:
    family.samples = [("", text, value(stats)) for text, stats in entries]
    return family


def _alone(name: str, text: str, value: float) -> Family:
    return Family(name, "counter", text, [("", "", value)])


def _time(stats: Stats, name: str) -> Histogram:
    found: Histogram = getattr(stats, name)
    return found


def _by_triton_reason(stats: Stats) -> dict[str, int]:
    """All four, so that a rate can be taken from the first failure on."""
    found = dict.fromkeys(("REJECTED", "CANCELED", "BACKEND", "OTHER"), 0)
    for code, n in stats.failed.items():
        found[_TRITON_REASONS.get(code.lower(), "OTHER")] += n
    found["CANCELED"] += stats.cancelled
    return found


def _add_up(total: dict[str, int], more: Mapping[str, int]) -> None:
    for reason, n in more.items():
        total[reason] = total.get(reason, 0) + n


_EDGE_TEXTS = [labels(le=f"{edge:.9g}") for _, edge in _EDGES]
