"""Keeps a training to itself: what it sets in the process is put back when it ends."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

__all__ = ["undisturbed"]

_TALKERS = ("lightning.pytorch", "lightning.fabric")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Run the body silently and deterministically; restore chance, modes, logs and signals.

    Where an operation has no deterministic form (some have none on a GPU) torch takes the other
    one instead of failing. The generator of torch belongs to the process: two trainings at the
    same time belong in two processes, else they stay valid but are not repeatable.
    """
    with ExitStack() as stack:
        stack.enter_context(_silent())
        stack.enter_context(torch.random.fork_rng())
        stack.enter_context(torch.enable_grad())
        stack.enter_context(_deterministic())
        stack.enter_context(_interruptible())
        yield


@contextmanager
def _deterministic() -> Iterator[None]:
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)


@contextmanager
def _interruptible() -> Iterator[None]:
    """End by a signal as other programs do.

    Lightning answers Ctrl+C with an exit of its own and deafness to the next one, and SIGTERM
    with exit code 0, as if the training had come to its end.
    """
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if in_main else None
    try:
        yield
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise SystemExit(128 + signal.SIGTERM if end.code is None else end.code) from None
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


@contextmanager
def _silent() -> Iterator[None]:
    levels = {name: logging.getLogger(name).level for name in _TALKERS}
    try:
        for name in _TALKERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
