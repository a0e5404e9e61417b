"""Packages in, a home with them registered and deployed out: what a server begins with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np

from reliability.models import FEATURES
from reliability.orders import infer
from stadion.core.deployment import Route
from stadion.core.package import GRAPH, ModelPackage, Version
from stadion.registry import Registry

__all__ = ["binary_request", "binary_rows", "damage", "one_row", "rows_request", "with_models"]


def with_models(home: Path, models: Iterable[tuple[str, ModelPackage]]) -> Path:
    """Register each package under its name; the first version of each name is deployed."""
    with Registry.open(home / "registry") as registry:
        for name, package in models:
            version = registry.register(name, package)
            if version.number == 1:
                registry.record_deployment(name, (Route(1),))
    return home


def damage(version: Version) -> None:
    """Change one byte in the middle of a registered graph, as a bad disk would."""
    path = Path(version.package.files[GRAPH].path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.chmod(0o600)
    path.write_bytes(content)


def one_row(model: str, id: str = "") -> bytes:
    """A request with one row of halves."""
    return rows_request(model, 1, id)


def rows_request(model: str, rows: int, id: str = "", timeout_us: int = 0) -> bytes:
    """A request with so many rows of halves, in JSON."""
    tensor = {
        "name": "features",
        "shape": [rows, FEATURES],
        "datatype": "FP32",
        "data": np.full(rows * FEATURES, 0.5).tolist(),
    }
    content: dict[str, object] = {"inputs": [tensor]}
    if id:
        content["id"] = id
    if timeout_us:
        content["parameters"] = {"timeout": timeout_us}
    return infer(model, msgspec.json.encode(content))


def binary_rows(model: str, rows: int, timeout_us: int = 0) -> bytes:
    """The same with the tensor as bytes; the answer is JSON."""
    return binary_request(model, "features", (rows, FEATURES), timeout_us)


def binary_request(model: str, tensor: str, shape: tuple[int, ...], timeout_us: int = 0) -> bytes:
    """A tensor of halves of any shape, as bytes."""
    data = np.full(shape, 0.5, np.float32).tobytes()
    one: dict[str, object] = {"name": tensor, "shape": shape, "datatype": "FP32"}
    one["parameters"] = {"binary_data_size": len(data)}
    content: dict[str, object] = {"inputs": [one]}
    if timeout_us:
        content["parameters"] = {"timeout": timeout_us}
    head = msgspec.json.encode(content)
    return infer(model, head + data, f"Inference-Header-Content-Length: {len(head)}\r\n")
