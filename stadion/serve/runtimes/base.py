"""What a runtime is: a package in, a session that runs the model out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from stadion.core.arrays import Array, Arrays
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelFile, ModelPackage
from stadion.core.signature import Signature

__all__ = ["Halt", "Runtime", "Session", "read_verified"]


class Halt:
    """Asks a run to end early, from any thread; a runtime binds what ends its kind of run.

    One that was not asked may serve the next run, too; `kept` is what a runtime wants to find
    again then.
    """

    __slots__ = ("_act", "asked", "kept")

    def __init__(self) -> None:
        self.asked = False
        self.kept: object = None
        self._act: Callable[[], None] | None = None

    def bind(self, act: Callable[[], None]) -> None:
        """`act` ends the run that is about to begin."""
        self._act = act
        if self.asked:
            act()

    def ask(self) -> None:
        """End the run, now or as soon as it begins."""
        self.asked = True
        if self._act is not None:
            self._act()


class Session(Protocol):
    """A model in memory. Runs of several threads do not disturb each other."""

    signature: Signature

    def run(
        self, inputs: Arrays, outputs: Sequence[str] = (), halt: Halt | None = None
    ) -> dict[str, Array]:
        """The named outputs (all, when none is named) for checked inputs.

        Raises
        ------
        StadionError
            INVALID when the model refuses the values, TIMEOUT when the run was halted,
            INTERNAL when it fails.
        """
        ...


class Runtime(Protocol):
    """A plug-in of this room. The extension of a package's `model.*` file is its name."""

    name: str
    summary: str

    def load(self, package: ModelPackage) -> Session:
        """Open the model after checking that its bytes are the package's.

        Raises
        ------
        StadionError
            INVALID when bytes, graph and signature do not agree or the graph cannot run;
            UNAVAILABLE when the file cannot be read.
        """
        ...

    def sample(self, folder: Path) -> ModelPackage:
        """A smallest package of this kind, its files written into `folder`.

        It takes `x` and gives `y`, both FP32 of shape (rows, 2), y = -x, NaN stays NaN.
        """
        ...


def read_verified(file: ModelFile, name: str) -> bytes:
    """The bytes of a file, and proof that they are the package's.

    What is returned is what was hashed: a change on disk afterwards cannot reach the model. Other
    threads go on meanwhile, and nothing is held twice: files may be large.

    Raises
    ------
    StadionError
        UNAVAILABLE when it cannot be read, INVALID when size or digest differ.
    """
    try:
        with Path(file.path).open("rb") as source:
            size = min(file.bytes, os.fstat(source.fileno()).st_size)
            content = source.read(size + 1)
    except OSError as error:
        raise StadionError(
            Code.UNAVAILABLE, f"file {name!r} of the package cannot be read: {error.strerror}"
        ) from None
    digest = hashlib.sha256(content).hexdigest()
    if len(content) != file.bytes or digest != file.sha256:
        raise StadionError(
            Code.INVALID,
            f"file {name!r} has SHA-256 {digest[:12]}... over {len(content)} bytes; "
            f"the package says {file.sha256[:12]}... over {file.bytes}",
            "the file was changed or damaged; restore it from a backup",
        )
    return content
