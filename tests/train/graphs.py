"""Models and graphs side by side: what both of them answer."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from stadion.core.dataset import Dataset
from stadion.core.model import Model

__all__ = ["answers_of_graph", "milliseconds_per_answer", "nodes_of", "session_of", "unlike"]


def session_of(model: Model, path: Path) -> onnxruntime.InferenceSession:
    """The model's graph on one thread."""
    model.to_onnx(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def answers_of_graph(session: onnxruntime.InferenceSession, data: Dataset) -> dict[str, np.ndarray]:
    names = [tensor.name for tensor in data.signature.outputs]
    return dict(zip(names, session.run(names, dict(data.inputs)), strict=True))


def unlike(model: Model, session: onnxruntime.InferenceSession, data: Dataset) -> float:
    """Largest scaled difference between model and graph on all rows."""
    expected, received = model.predict(data.inputs), answers_of_graph(session, data)
    return max(
        float(np.abs(received[n] - wanted).max() / max(1.0, np.abs(wanted).max()))
        for n, wanted in expected.items()
    )


def milliseconds_per_answer(session: onnxruntime.InferenceSession, data: Dataset) -> float:
    """The best of many single rows: what the machine can do when nobody else uses it."""
    one = {name: values[:1] for name, values in data.inputs.items()}
    taken = []
    for _ in range(60):
        began = time.perf_counter()
        session.run(None, one)
        taken.append(time.perf_counter() - began)
    return min(taken) * 1e3


def nodes_of(path: Path) -> list[str]:
    """Operators of the graph."""
    return [node.op_type for node in onnx.load(path).graph.node]
