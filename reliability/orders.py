"""What the load generator is told: which requests, when, over how many connections."""

from __future__ import annotations

import msgspec

__all__ = ["Order", "Phase", "closed", "infer", "opened"]


class Phase(msgspec.Struct, frozen=True):
    """A stretch of time with one rate; rate 0 sends the next request when an answer has come."""

    seconds: float
    rate: float = 0.0


class Order(msgspec.Struct, frozen=True):
    """Everything the generator needs to know.

    Parameters
    ----------
    requests
        Complete HTTP requests; an arrival is one of them, drawn by `weights` (equal if empty).
    tries, try_s
        How often one call is tried, and the limit of each; a lost connection, 429 and 503 count
        as a try. Only calls that may be repeated should have more than one.
    give_up_s
        An arrival without an answer after this is given up, whatever became of its tries.
    core, nice
        Where the generator may run (-1: anywhere), and how far it stands back.
    """

    port: int
    requests: list[bytes]
    phases: list[Phase]
    out: str
    weights: list[float] = []
    seed: int = 0
    connections: int = 64
    tries: int = 1
    try_s: float = 60.0
    give_up_s: float = 60.0
    core: int = -1
    nice: int = 0


def opened(rate: float, seconds: float) -> list[Phase]:
    """Arrivals by chance at one rate, whatever becomes of the answers."""
    return [Phase(seconds, rate)]


def closed(seconds: float) -> list[Phase]:
    """As many as are answered."""
    return [Phase(seconds)]


def infer(model: str, body: bytes, headers: str = "") -> bytes:
    """One HTTP request to the model's inference, Open Inference Protocol."""
    head = f"POST /v2/models/{model}/infer HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
