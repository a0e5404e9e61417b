"""An ONNX model in; what it may not hold, refused, or its inputs and outputs out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfoProto

from stadion.core.errors import Code, StadionError
from stadion.core.signature import DATATYPES, Signature, Tensor

__all__ = ["check_content", "check_signature", "datatype_of"]

_DOMAINS = {"", "ai.onnx", "ai.onnx.ml"}
_BY_CHANCE = {
    "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
    "RandomUniformLike",
}  # fmt: skip
_DEEPEST = 16
_NAMES = {
    int(onnx.helper.np_dtype_to_tensor_dtype(dtype)): name
    for name, dtype in DATATYPES.items()
    if name != "BYTES"
} | {int(onnx.TensorProto.STRING): "BYTES"}


def check_content(model: ModelProto) -> None:
    """Refuse a graph that is not valid, not self-contained, or more than inference.

    Raises
    ------
    StadionError
        INVALID for a graph that breaks the format's rules, UNSUPPORTED for external data,
        operators of other domains than ONNX's own, training mode, and operators of chance.
    """
    for tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise StadionError(
                Code.UNSUPPORTED,
                f"tensor {tensor.name[:80]!r} lies in another file; expected all in one",
                "save the model with its weights inside",
            )
    own = {(function.domain, function.name) for function in model.functions}
    for node in _nodes(model):
        _check_node(node, own)
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        raise StadionError(
            Code.INVALID, f"the graph breaks the rules of ONNX: {_first_line(error)}"
        ) from None


def check_signature(model: ModelProto, signature: Signature) -> None:
    """Refuse a graph whose inputs or outputs are not the signature's.

    Raises
    ------
    StadionError
        INVALID, naming the tensor, what the signature says and what the graph has.
    """
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    _compare("input", inputs, signature.inputs)
    _compare("output", list(model.graph.output), signature.outputs)


def datatype_of(element: int) -> str:
    """The protocol's word for ONNX's element type.

    Raises
    ------
    StadionError
        UNSUPPORTED for one that no protocol carries, such as complex numbers.
    """
    if element not in _NAMES:
        known = onnx.TensorProto.DataType.values()
        name = onnx.TensorProto.DataType.Name(element) if element in known[1:] else "no tensor"
        raise StadionError(
            Code.UNSUPPORTED, f"the datatype {name} cannot be served; expected one of "
            f"{', '.join(DATATYPES)}",
        )  # fmt: skip
    return _NAMES[element]


def _compare(side: str, values: list[ValueInfoProto], tensors: tuple[Tensor, ...]) -> None:
    found = [value.name for value in values]
    expected = [tensor.name for tensor in tensors]
    if found != expected:
        raise StadionError(Code.INVALID, f"the graph has {side}s {found}; expected {expected}")
    for value, tensor in zip(values, tensors, strict=True):
        kind = value.type.tensor_type
        datatype = datatype_of(kind.elem_type)
        shape = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
        if datatype != tensor.datatype or shape != list(tensor.shape):
            raise StadionError(
                Code.INVALID,
                f"{side} {tensor.name!r} of the graph is {datatype} "
                f"{[-1 if size is None else size for size in shape]}; "
                f"expected {tensor.datatype} {tensor.wire_shape}",
            )


def _check_node(node: NodeProto, own: set[tuple[str, str]]) -> None:
    if node.domain not in _DOMAINS and (node.domain, node.op_type) not in own:
        raise StadionError(
            Code.UNSUPPORTED,
            f"the graph uses the operator {node.op_type[:80]!r} of {node.domain[:80]!r}; "
            "expected operators of ONNX and ai.onnx.ml only",
        )
    trains = any(a.name == "training_mode" and a.i for a in node.attribute)
    if node.op_type in _BY_CHANCE or trains:
        raise StadionError(
            Code.UNSUPPORTED,
            f"the graph's operator {node.op_type!r} answers by chance or trains; "
            "expected a graph that always gives the same answer",
        )


def _nodes(model: ModelProto) -> Iterator[NodeProto]:
    """Every node, also those inside of loops, branches and functions."""
    for graph in _graphs(model):
        yield from graph.node
    for function in model.functions:
        yield from function.node
        for inner in _inner(function.node, 1):
            yield from inner.node


def _tensors(model: ModelProto) -> Iterator[onnx.TensorProto]:
    """Every constant of the model."""
    for graph in _graphs(model):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in _nodes(model):
        for attribute in node.attribute:
            yield from attribute.tensors
            if attribute.type == AttributeProto.TENSOR:
                yield attribute.t


def _graphs(model: ModelProto) -> Iterator[GraphProto]:
    yield model.graph
    yield from _inner(model.graph.node, 1)


def _inner(nodes: Iterable[NodeProto], depth: int) -> Iterator[GraphProto]:
    if depth > _DEEPEST:
        raise StadionError(
            Code.UNSUPPORTED, f"the graph nests loops and branches deeper than {_DEEPEST}"
        )
    for node in nodes:
        for attribute in node.attribute:
            graphs = [*attribute.graphs]
            if attribute.type == AttributeProto.GRAPH:
                graphs.append(attribute.g)
            for graph in graphs:
                yield graph
                yield from _inner(graph.node, depth + 1)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]
