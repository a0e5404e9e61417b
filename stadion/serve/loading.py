"""A package in, a version ready to answer out: opened, proven and measured."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path, PurePath

from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.core.plugins import Cupboard
from stadion.core.signature import Signature, Tensor
from stadion.serve.runtimes.base import Runtime, Session
from stadion.serve.selftest import prove

__all__ = ["INLINE_MS", "Counts", "Loaded", "load_version", "runtime_of"]

INLINE_MS = 1.0
"""A run below this is faster on the event loop than by way of a thread."""
_NEWEST = 1 / 16  # weight of the newest run in the moving mean
_TOO_SLOW_NS = 3e6  # far enough above INLINE_MS that a busy machine alone does not reach it


@dataclass(slots=True)
class Counts:
    """What a version has done in this process."""

    answered: int = 0
    failed: int = 0
    shadow_ok: int = 0
    shadow_failed: int = 0
    shadow_dropped: int = 0


class Loaded:
    """One version of one model in memory.

    `inline_elements` is the size of a request whose run is expected to stay below `INLINE_MS`;
    0 when even one row takes longer.
    """

    __slots__ = (
        "_mean_ns",
        "counts",
        "digest",
        "inline_elements",
        "inputs",
        "load_ms",
        "ms_per_element",
        "outputs",
        "package",
        "run_ms",
        "session",
        "signature",
        "version",
    )

    def __init__(
        self, version: int, package: ModelPackage, session: Session, load_ms: float, run_ms: float,
        elements: int,
    ) -> None:  # fmt: skip
        self.version = version
        self.package = package
        self.digest = package.digest
        self.session = session
        self.signature: Signature = package.signature
        self.inputs: dict[str, Tensor] = {t.name: t for t in package.signature.inputs}
        self.outputs: dict[str, Tensor] = {t.name: t for t in package.signature.outputs}
        self.load_ms = load_ms
        self.run_ms = run_ms
        self.ms_per_element = run_ms / max(1, elements)
        self.inline_elements = int(INLINE_MS / self.ms_per_element) if run_ms < INLINE_MS else 0
        self.counts = Counts()
        self._mean_ns = 1e6 * run_ms

    def note_inline(self, took_ns: int) -> None:
        """Watch the moving mean of runs on the loop; what has become slow leaves it."""
        self._mean_ns += _NEWEST * (took_ns - self._mean_ns)
        if self._mean_ns > _TOO_SLOW_NS:
            self.keep_off_loop()

    def keep_off_loop(self) -> None:
        """Run on the pool from now on."""
        self.inline_elements = 0


def load_version(version: int, package: ModelPackage, plugins: Path | None = None) -> Loaded:
    """Open a package with the runtime of its kind, prove that it answers, and measure it.

    Raises
    ------
    StadionError
        When its bytes are not the package's, or it cannot run, or answers wrongly.
    """
    started = time.perf_counter()
    session = runtime_of(package, plugins).load(package)
    measured = prove(session)
    load_ms = 1e3 * (time.perf_counter() - started)
    return Loaded(version, package, session, load_ms, measured.run_ms, measured.elements)


def runtime_of(package: ModelPackage, plugins: Path | None = None) -> Runtime:
    """The runtime named by the extension of the package's `model.*` file."""
    kinds = [PurePath(n).suffix[1:] for n in package.files if PurePath(n).stem == "model"]
    if len(kinds) != 1:
        raise StadionError(
            Code.INVALID, f"the package holds {sorted(package.files)}; expected one model.* file"
        )
    cupboard: Cupboard[Runtime] = Cupboard("stadion.serve.runtimes", plugins)
    return cupboard.get(kinds[0])
