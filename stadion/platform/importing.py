"""An outside file in, a registered version out."""

from __future__ import annotations

import tempfile
from pathlib import Path

from stadion.core.package import Version
from stadion.export.foreign import import_foreign
from stadion.registry import Registry

__all__ = ["import_bytes", "import_model"]


def import_model(file: Path, name: str, registry: Registry) -> Version:
    """Look at the file in a child process, and register it unchanged when it is sound.

    Raises
    ------
    StadionError
        INVALID or UNSUPPORTED, saying what about the file is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="stadion-import-") as folder:
        return registry.register(name, import_foreign(file, Path(folder)))


def import_bytes(data: bytes, name: str, registry: Registry) -> Version:
    """The same for a file that came over a wire."""
    with tempfile.TemporaryDirectory(prefix="stadion-import-") as folder:
        file = Path(folder) / "given.onnx"
        file.write_bytes(data)
        return import_model(file, name, registry)
