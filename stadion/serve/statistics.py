"""What versions have done in, the statistics that Triton's clients read out.

References
----------
Triton Inference Server, docs/protocol/extension_statistics.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadion.core.errors import StadionError
from stadion.serve.ledger import ServerCounts, counts_of
from stadion.serve.messages import LINE_LIMIT, Counts, Reply, decode, encode
from stadion.serve.sockets import short_path
from stadion.serve.stats import Histogram, Stats

if TYPE_CHECKING:
    from stadion.serve.plane import Plane

__all__ = ["all_statistics", "model_statistics"]

_LIMIT_S = 2.0


def model_statistics(
    plane: Plane, model: str | None = None, version: int | None = None
) -> list[dict[str, Any]]:
    """What this worker alone has done, in the form of Triton's `model_stats`.

    Raises
    ------
    StadionError
        NOT_FOUND when the model, or that version of it, is not deployed.
    """
    wanted = _wanted(plane, model, version)
    return [_view(*key, plane.book.entries.get(key, Stats())) for key in wanted]


async def all_statistics(
    plane: Plane, model: str | None = None, version: int | None = None
) -> list[dict[str, Any]]:
    """The same for all workers together, those that ended included.

    The supervisor is asked; should it not answer, this worker's counts are better than none.

    Raises
    ------
    StadionError
        NOT_FOUND as for `model_statistics`.
    """
    wanted = _wanted(plane, model, version)
    if plane.control is None:
        return model_statistics(plane, model, version)
    try:
        async with asyncio.timeout(_LIMIT_S):
            counts = await _asked(plane.control, model or "", version or 0)
    except (OSError, StadionError, ValueError):
        return model_statistics(plane, model, version)
    return [_view(*key, _of(counts.models, *key)) for key in wanted]


def _wanted(plane: Plane, model: str | None, version: int | None) -> list[tuple[str, int]]:
    """The versions that are asked about."""
    table = plane.table
    if model:
        table.check(model, version)
    return [
        (name, number)
        for name in ([model] if model else table.names())
        for number in sorted(table.placements[name].packages)
        if version is None or number == version
    ]


async def _asked(socket: Path, model: str, version: int) -> ServerCounts:
    """The supervisor's sum over all workers."""
    with short_path(socket) as address:
        reader, writer = await asyncio.open_unix_connection(address, limit=LINE_LIMIT)
    try:
        writer.write(encode(Counts(model, version)))
        await writer.drain()
        line = await reader.readline()
    finally:
        writer.close()
    return await asyncio.to_thread(_read, line)


def _read(line: bytes) -> ServerCounts:
    reply: Reply = decode(line, Reply)
    if reply.failure is not None:
        raise reply.failure.error()
    return counts_of(reply.view)


def _of(models: Mapping[str, Mapping[int, Stats]], model: str, version: int) -> Stats:
    return models.get(model, {}).get(version, Stats())


def _view(model: str, version: int, stats: Stats) -> dict[str, Any]:
    failed = sum(stats.failed.values())
    none = {"count": 0, "ns": 0}
    return {
        "name": model,
        "version": str(version),
        "last_inference": stats.last_ms,
        "inference_count": stats.rows,
        "execution_count": stats.runs,
        "inference_stats": {
            "success": _duration(stats.success, stats.total),
            "fail": {"count": failed, "ns": 0},
            "queue": _duration(stats.queue.count, stats.queue),
            "compute_input": _duration(stats.input.count, stats.input),
            "compute_infer": _duration(stats.infer.count, stats.infer),
            "compute_output": _duration(stats.output.count, stats.output),
            "cache_hit": none,
            "cache_miss": none,
        },
        "response_stats": {},
        "batch_stats": [
            {
                "batch_size": rows,
                "compute_input": none,
                "compute_infer": {"count": runs, "ns": ns},
                "compute_output": none,
            }
            for rows, (runs, ns) in sorted(stats.batch_sizes.items())
        ],
        "memory_usage": (
            [{"type": "CPU", "id": 0, "byte_size": stats.resident_bytes}]
            if stats.resident_bytes
            else []
        ),
    }


def _duration(count: int, times: Histogram) -> dict[str, int]:
    return {"count": count, "ns": times.sum_ns}
