"""A trained model in; a verified package in a folder out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import onnx

from stadion.core.arrays import Arrays
from stadion.core.errors import Code, StadionError
from stadion.core.model import Model
from stadion.core.package import GRAPH, Lineage, Metrics, ModelFile, ModelPackage
from stadion.core.signature import Signature
from stadion.export.graph import check_content, check_signature
from stadion.export.verify import verify

__all__ = ["file_of", "make_package"]

_CHUNK = 1 << 20


def make_package(
    model: Model,
    *,
    signature: Signature,
    metrics: Metrics | None,
    lineage: Lineage,
    card: str,
    folder: Path,
    samples: Arrays,
    parent: str | None = None,
) -> ModelPackage:
    """Write the model's graph into `folder`, check it, and describe it.

    The graph must be self-contained, take and give what the signature says, and answer as the
    model does on `samples`, also with values, channels and everything missing. Signature, units
    and labels are written into it, so that the file alone explains itself.

    Parameters
    ----------
    samples
        Real inputs, (n, ...), n from 1, in physical units.
    parent
        Digest of the package this one was made from.

    Raises
    ------
    StadionError
        INVALID or UNSUPPORTED, saying where the graph breaks one of these promises.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / GRAPH
    model.to_onnx(path)
    graph = _loaded(path)
    check_content(graph)
    check_signature(graph, signature)
    _describe(graph, signature, lineage)
    written = path.with_suffix(".part")
    onnx.save(graph, written)
    written.replace(path)
    verify(model, path, signature, samples, seed=lineage.seed)
    return ModelPackage(signature, metrics, lineage, {GRAPH: file_of(path)}, card, parent)


def file_of(path: Path) -> ModelFile:
    """Where a file lies, its SHA-256 and its size; read in pieces, whatever its size."""
    state, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
            size += len(chunk)
    return ModelFile(str(path), state.hexdigest(), size)


def _loaded(path: Path) -> onnx.ModelProto:
    try:
        return onnx.load(path, load_external_data=False)
    except Exception as error:  # noqa: BLE001  # protobuf raises types of its own
        raise StadionError(
            Code.INVALID, f"the model wrote no ONNX graph: {str(error)[:300]}"
        ) from None


def _describe(graph: onnx.ModelProto, signature: Signature, lineage: Lineage) -> None:
    """Write what the numbers mean into the graph's own metadata."""
    tensors = (*signature.inputs, *signature.outputs)
    facts = {
        "stadion.signature": signature,
        "stadion.units": {tensor.name: tensor.unit for tensor in tensors},
        "stadion.labels": signature.labels,
        "stadion.task": lineage.task,
        "stadion.learner": lineage.learner,
    }
    del graph.metadata_props[:]
    for key, value in facts.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        graph.metadata_props.add(key=key, value=text)
    for node in graph.graph.node:
        node.ClearField("doc_string")  # an exporter may leave paths of its machine there
