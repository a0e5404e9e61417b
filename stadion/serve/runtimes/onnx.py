"""A package with model.onnx in, a session of ONNX Runtime out."""

from __future__ import annotations

import base64
import ctypes
import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as state

from stadion.core.arrays import Array, Arrays
from stadion.core.errors import Code, StadionError
from stadion.core.package import GRAPH, Lineage, ModelFile, ModelPackage
from stadion.core.signature import DATATYPES, Signature, Tensor
from stadion.serve.runtimes._texts import as_bytes, as_text
from stadion.serve.runtimes.base import Halt, Session, read_verified

__all__ = ["PLUGIN", "OnnxSession", "load"]

_TYPES = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(bfloat16)": "BF16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}
# The self-test has shown that the graph runs, so one of these comes from what was asked.
_REFUSALS = (state.InvalidArgument, state.Fail, state.RuntimeException)
_log = logging.getLogger("stadion.serve")
_VALUE = ort.OrtValue
_BF16 = 16  # bfloat16 among ONNX's data types
_SHRINK = "memory.enable_memory_arena_shrinkage"
_TELL_EVERY_S = 10.0
_LARGE_ELEMENTS = 1 << 18  # inputs above this give the arena's memory back after the run


class OnnxSession:
    """One graph in memory.

    It runs on the calling thread: one thread per run and no spinning, because the workers
    already fill the cores. The arena makes runs a third faster and keeps what the largest run
    needed; so a run on unusually large inputs gives its memory back.
    """

    __slots__ = (
        "_all",
        "_bf16",
        "_large",
        "_run",
        "_session",
        "_text_in",
        "_text_out",
        "_told_at",
        "signature",
    )

    def __init__(self, session: Any, signature: Signature) -> None:
        self.signature = signature
        self._session = session
        self._bf16 = {t.name for t in signature.inputs + signature.outputs if t.datatype == "BF16"}
        # What InferenceSession.run does before, the plane has done already: a sixth of a tiny run.
        plain = getattr(session, "_sess", session).run
        self._run = self._run_bf16 if self._bf16 else plain
        self._all = [tensor.name for tensor in signature.outputs]
        self._text_in = [t.name for t in signature.inputs if t.datatype == "BYTES"]
        self._text_out = [t.name for t in signature.outputs if t.datatype == "BYTES"]
        self._told_at = -_TELL_EVERY_S
        self._large = ort.RunOptions()
        self._large.add_run_config_entry(_SHRINK, "cpu:0")

    def run(
        self, inputs: Arrays, outputs: Sequence[str] = (), halt: Halt | None = None
    ) -> dict[str, Array]:
        """See `Session.run`."""
        names = outputs or self._all
        options = self._options(inputs, halt)
        if self._text_in:
            inputs = {**inputs, **{name: as_text(inputs[name], name) for name in self._text_in}}
        try:
            found = dict(zip(names, self._run(names, inputs, options), strict=True))
        except Exception as error:  # noqa: BLE001  # ORT raises a class of its own per status
            raise self._run_error(error, halt) from None
        for name in self._text_out:
            if name in found:
                found[name] = as_bytes(found[name])
        return found

    def _run_bf16(self, names: Sequence[str], inputs: Arrays, options: Any) -> list[Array]:
        """Run where a tensor is BF16, which ONNX Runtime does not take from numpy or give to it.

        It takes texts from numpy only, and as long as it gives no BF16 both may stand together.
        """
        arrays = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        values = {n: _bf16_value(a) if n in self._bf16 else a for n, a in arrays.items()}
        if self._bf16.isdisjoint(names):
            answers: list[Array] = self._session.run(names, values, options)
            return answers
        others = {n: _VALUE.ortvalue_from_numpy(arrays[n]) for n in arrays if n not in self._bf16}
        found = self._session.run_with_ort_values(names, {**values, **others}, options)
        return [
            _bf16_array(value) if name in self._bf16 else value.numpy()
            for name, value in zip(names, found, strict=True)
        ]

    def _run_error(self, error: Exception, halt: Halt | None) -> StadionError:
        if halt is not None and halt.asked:
            return StadionError(Code.TIMEOUT, "the run was ended before it was done")
        # Its words name nodes and source files: they go to the log, never to a client, and not
        # for every call of a model that fails them all.
        if time.monotonic() - self._told_at > _TELL_EVERY_S:
            self._told_at = time.monotonic()
            _log.warning("a run failed: %s", _reason(error))
        if isinstance(error, _REFUSALS) and "allocate" not in str(error):
            return StadionError(Code.INVALID, "the model cannot take these values or this shape")
        return StadionError(Code.INTERNAL, "the model failed")

    def _options(self, inputs: Arrays, halt: Halt | None) -> Any:
        is_large = any(array.size > _LARGE_ELEMENTS for array in inputs.values())
        if halt is None:
            return self._large if is_large else None
        kept = halt.kept
        if not is_large and isinstance(kept, ort.RunOptions):
            return kept  # it is bound to this halt already
        options = ort.RunOptions()
        if is_large:
            options.add_run_config_entry(_SHRINK, "cpu:0")
        halt.kept = None if is_large else options
        halt.bind(_terminate(options))
        return options


def load(package: ModelPackage) -> OnnxSession:
    """Check the bytes, build the session from exactly those, compare graph and signature.

    Raises
    ------
    StadionError
        See `Runtime.load`.
    """
    if GRAPH not in package.files:
        raise StadionError(
            Code.INVALID, f"the package holds {sorted(package.files)}; expected {GRAPH}"
        )
    graph = read_verified(package.files[GRAPH], GRAPH)
    try:
        session = ort.InferenceSession(graph, _session_options(), ["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  # ORT raises a class of its own per status
        raise StadionError(
            Code.INVALID, f"{GRAPH} is no graph that ONNX Runtime can run: {_reason(error)}"
        ) from None
    _check_tensors(package.signature.inputs, session.get_inputs(), "input", is_exact=True)
    _check_tensors(package.signature.outputs, session.get_outputs(), "output", is_exact=False)
    _check_mixture(package.signature)
    return OnnxSession(session, package.signature)


def _session_options() -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4  # failures reach the caller as errors; no second channel
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    # A graph may name files for its weights: none is inside this folder, so none is ever read.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", "/nonexistent"
    )
    return options


def _check_tensors(
    expected: Sequence[Tensor], nodes: Sequence[Any], side: str, *, is_exact: bool
) -> None:
    """Refuse a graph whose inputs or outputs are not the signature's."""
    graph = {node.name: (_TYPES.get(node.type, node.type), node.shape) for node in nodes}
    names = [tensor.name for tensor in expected]
    if set(names) - set(graph) or (is_exact and set(graph) - set(names)):
        raise StadionError(
            Code.INVALID, f"{GRAPH} has {side}s {sorted(graph)}; the signature says {names}"
        )
    for tensor in expected:
        datatype, shape = graph[tensor.name]
        if datatype != tensor.datatype or not _fits(shape, tensor.shape):
            raise StadionError(
                Code.INVALID,
                f"{GRAPH} has {side} {tensor.name!r} of {datatype} {shape}; "
                f"the signature says {tensor.datatype} {tensor.wire_shape}",
            )


def _check_mixture(signature: Signature) -> None:
    """Refuse the one mixture of datatypes that ONNX Runtime's Python interface cannot run."""
    taken = {tensor.datatype for tensor in signature.inputs}
    given = {tensor.datatype for tensor in signature.outputs}
    if "BYTES" in taken and "BF16" in given:
        raise StadionError(
            Code.UNSUPPORTED,
            f"{GRAPH} takes BYTES and gives BF16, which cannot be run together here",
            "cast the output to FP32 in the graph",
        )


def _fits(graph: Sequence[Any], expected: Sequence[int | None]) -> bool:
    """A named or unknown size in the graph fits everything; an unknown rank does too."""
    if not graph:
        return True
    return len(graph) == len(expected) and all(
        not isinstance(got, int) or want is None or got == want
        for got, want in zip(graph, expected, strict=True)
    )


def _terminate(options: Any) -> Callable[[], None]:
    def act() -> None:
        options.terminate = True

    return act


def _reason(error: Exception) -> str:
    """The words of ONNX Runtime without its prefix, cut to one short line."""
    text = str(error).replace("[ONNXRuntimeError] : ", "").split("\n", 1)[0]
    return text[:300]


def _bf16_value(array: Array) -> Any:
    return _VALUE.ortvalue_from_numpy_with_onnx_type(array.view(np.uint16), _BF16)


def _bf16_array(value: Any) -> Array:
    """A copy: the run's memory goes with its value."""
    content = ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes())
    return np.frombuffer(content, DATATYPES["BF16"]).reshape(value.shape())


class _OnnxRuntime:
    """ONNX graphs by ONNX Runtime on the CPU."""

    name = "onnx"
    summary = "ONNX graphs, run by ONNX Runtime on the CPU, one thread per run"

    def load(self, package: ModelPackage) -> Session:
        return load(package)

    def sample(self, folder: Path) -> ModelPackage:
        path = folder / GRAPH
        path.write_bytes(graph := base64.b64decode(_NEGATION))
        tensors = (Tensor("x", "FP32", (None, 2)), Tensor("y", "FP32", (None, 2)))
        file = ModelFile(str(path), hashlib.sha256(graph).hexdigest(), len(graph))
        lineage = Lineage("sample", {}, "sample", {}, 0, "", 0, "")
        return ModelPackage(Signature(tensors[:1], tensors[1:]), None, lineage, {GRAPH: file})


_NEGATION = (  # y = Neg(x), opset 17
    "CAg6SQoLCgF4EgF5IgNOZWcSCG5lZ2F0aW9uWhcKAXgSEgoQCAESDAoGEgRyb3dzCgIIAmIX"
    "CgF5EhIKEAgBEgwKBhIEcm93cwoCCAJCBAoAEBE="
)

PLUGIN: _OnnxRuntime = _OnnxRuntime()
