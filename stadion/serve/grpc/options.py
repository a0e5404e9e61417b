"""The limits of the room in, the settings of gRPC core out."""

from __future__ import annotations

from stadion.serve.config import Limits

__all__ = ["core_options"]

_MOST_STREAMS = 256
_PING_EVERY_MS = 10_000
_MOST_BAD_PINGS = 3


def core_options(limits: Limits) -> tuple[tuple[str, int], ...]:
    """What core refuses by itself, before anything reaches Python.

    A message above the limit is refused before it is received, a compressed one while it is
    inflated. Who pings more often than agreed, or resets calls in a flood, loses the connection.
    """
    return (
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", limits.body_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", limits.head_bytes),
        ("grpc.absolute_max_metadata_size", limits.head_bytes),
        ("grpc.max_concurrent_streams", _MOST_STREAMS),
        ("grpc.max_allowed_incoming_connections", limits.connections),
        ("grpc.server_handshake_timeout_ms", _ms(limits.head_s)),
        ("grpc.max_connection_idle_ms", _ms(limits.idle_s)),
        ("grpc.keepalive_time_ms", _ms(limits.idle_s)),
        ("grpc.keepalive_timeout_ms", _ms(limits.head_s)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", _PING_EVERY_MS),
        ("grpc.http2.max_ping_strikes", _MOST_BAD_PINGS),
    )


def _ms(seconds: float) -> int:
    return max(1, int(1000 * seconds))
