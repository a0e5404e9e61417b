"""Where keys come from in, a gate out; or why a server must not open its doors."""

from __future__ import annotations

import time
from pathlib import Path

from stadion.core.access import PREDICT
from stadion.core.errors import Code, StadionError
from stadion.serve.config import ServeConfig
from stadion.serve.gate import Gate, KeyReader
from stadion.serve.targets import find_target

__all__ = ["expect_keys", "gate_of", "key_reader"]


def gate_of(target: str, home: Path, *, is_required: bool, shares: int) -> Gate:
    """The gate of one worker; `shares` is how many workers divide each key's quota."""
    return Gate(key_reader(target, home), is_required=is_required, shares=shares)


def key_reader(target: str, home: Path) -> KeyReader | None:
    """The reader that 'module:function' makes for a home; None where no target is named."""
    if not target:
        return None
    reader: KeyReader = find_target(target)(home)
    return reader


def expect_keys(config: ServeConfig, scope: str = PREDICT) -> None:
    """Refuse to open an address that needs keys before there is one.

    Raises
    ------
    StadionError
        FORBIDDEN, saying how to make a key.
    """
    if not config.needs_keys:
        return
    read = key_reader(config.keys_target, config.home.path)
    now_s = time.time()
    keys = (read() if read else None) or ()
    if not any(key.is_valid(now_s) and scope in key.scopes for key in keys):
        why = "keys are required"
        if far := config.far_hosts:
            why = f"{' and '.join(far)} is not a loopback address"
        raise StadionError(
            Code.FORBIDDEN,
            f"{why}, and there is no API key with the scope {scope!r}",
            f"stadion keys create NAME --scope {scope} makes one",
        )
