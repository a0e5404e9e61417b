"""What operators' clients ask of logging and tracing out; a wish to change it in, refused by name.

Both are decided when the server starts, for all workers: a change that reached one of them only
would be worse than none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stadion.core.errors import Code, StadionError
from stadion.serve.tracing import is_configured

__all__ = ["Setting", "check_unchanged", "log_settings", "trace_settings"]

Setting = str | int | bool | Sequence[str]


def log_settings() -> dict[str, Setting]:
    """Triton's log settings as this server has them: warnings and errors to standard error."""
    return {
        "log_file": "",
        "log_info": False,
        "log_warning": True,
        "log_error": True,
        "log_verbose_level": 0,
        "log_format": "default",
    }


def trace_settings() -> dict[str, Setting]:
    """Triton's trace settings: on where OpenTelemetry's environment says so, off elsewhere."""
    return {
        "trace_level": ["TIMESTAMPS" if is_configured() else "OFF"],
        "trace_rate": "1",
        "trace_count": "-1",
        "log_frequency": "0",
        "trace_file": "",
        "trace_mode": "opentelemetry",
    }


def check_unchanged(
    kind: str, wanted: Mapping[str, Setting | None], known: Mapping[str, Setting]
) -> None:
    """Let pass what is so already; None asks for what the server was started with.

    Raises
    ------
    StadionError
        INVALID for a name that is no setting, UNSUPPORTED for another value.
    """
    for name, value in wanted.items():
        if name not in known:
            raise StadionError(
                Code.INVALID, f"{name[:80]!r} is no {kind} setting; expected {list(known)}"
            )
        if value is not None and _plain(value) != _plain(known[name]):
            raise StadionError(
                Code.UNSUPPORTED,
                f"{name} is {known[name]!r} and is not changed while the server runs",
            )


def _plain(value: Setting) -> list[str]:
    """'OFF' and ['OFF'], '0' and 0 are the same to Triton's clients."""
    if isinstance(value, str | int):
        return [str(value)]
    return list(value)
