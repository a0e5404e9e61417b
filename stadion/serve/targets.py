"""'module:function' in, the function out: how one process names code for another."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import Any

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.serve.faults import whereabouts
from stadion.serve.protocols.base import FileReader

__all__ = ["file_reader", "find_target"]

_log = logging.getLogger("stadion.serve")


def find_target(target: str) -> Callable[..., Any]:
    """Import what 'module:function' names.

    Raises
    ------
    StadionError
        INVALID when there is no such function.
    """
    module, _, name = target.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        found = None
    if not callable(found):
        raise StadionError(Code.INVALID, f"target is {target!r}; expected 'module:function'")
    return found  # type: ignore[no-any-return]  # callable() cannot say more


def file_reader(target: str) -> FileReader:
    """The reader of recordings, imported when the first recording comes.

    Whatever it raises beside StadionError becomes INVALID: it works on a stranger's bytes.
    """

    def read(package: ModelPackage, data: bytes, name: str) -> dict[str, Array]:
        if not target:
            raise StadionError(Code.UNSUPPORTED, "this server reads no recordings; send JSON")
        try:
            found: dict[str, Array] = find_target(target)(package, data, name)
        except StadionError:
            raise
        except Exception as error:  # noqa: BLE001  # see above
            _log.error("the reader of recordings failed: %s", whereabouts(error))
            raise StadionError(Code.INVALID, "the body is no recording that can be read") from None
        return found

    return read
