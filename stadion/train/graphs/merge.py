"""Graphs over the same inputs in; one graph that answers for all of them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx
from onnx import GraphProto, ModelProto, compose

from stadion.core.errors import Code, StadionError

__all__ = ["merged"]


def merged(parts: Mapping[str, ModelProto], inputs: Sequence[str]) -> ModelProto:
    """One model of several; what part `p` called `x` is called `p/x`, inputs excepted.

    An input that one part has and another has not is an input of the whole; each is declared
    once, as the first part that has it declares it.

    Parameters
    ----------
    parts
        Prefix -> model; all of one version of ONNX's operators.
    inputs
        Names of the inputs in the order the whole shall take them.

    Returns
    -------
    ModelProto
        Its outputs are those of all parts, in the order of the parts.

    Raises
    ------
    StadionError
        UNSUPPORTED when the parts use different versions of the operators.
    """
    whole = onnx.ModelProto()
    opsets: dict[str, int] = {}
    declared: dict[str, onnx.ValueInfoProto] = {}
    for prefix, model in parts.items():
        for opset in model.opset_import:
            if opsets.setdefault(opset.domain, opset.version) != opset.version:
                raise StadionError(
                    Code.UNSUPPORTED,
                    f"the parts use versions {opsets[opset.domain]} and {opset.version} of the "
                    f"operators {opset.domain or 'of ONNX'!r}; expected one version",
                )
        for value in model.graph.input:
            declared.setdefault(value.name, value)
        renamed = compose.add_prefix(model, f"{prefix}/", rename_inputs=False).graph
        _add(whole.graph, renamed)
        whole.ir_version = max(whole.ir_version, model.ir_version)
    whole.graph.name = "merged"
    whole.graph.input.extend(declared[name] for name in inputs)
    whole.opset_import.extend(onnx.helper.make_opsetid(d, v) for d, v in opsets.items())
    return whole


def _add(whole: GraphProto, part: GraphProto) -> None:
    whole.node.extend(part.node)
    whole.initializer.extend(part.initializer)
    whole.sparse_initializer.extend(part.sparse_initializer)
    whole.output.extend(part.output)
