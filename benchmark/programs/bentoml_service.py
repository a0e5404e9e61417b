"""BentoML's service for the ONNX files that NETWORKS names as JSON (name -> path)."""

import json
import os
from typing import Annotated, Any

import bentoml
import numpy as np
import onnxruntime
from bentoml.validators import DType
from numpy.typing import NDArray

__all__ = ["Networks"]

Numbers = Annotated[NDArray[np.float32], DType("float32")]


def session_of(name: str) -> Any:
    """A session on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    graph = json.loads(os.environ["NETWORKS"])[name]
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


@bentoml.service(workers=1, logging={"access": {"enabled": False}}, traffic={"timeout": 60})
class Networks:
    """One route for each network."""

    def __init__(self) -> None:
        self.sessions = {name: session_of(name) for name in json.loads(os.environ["NETWORKS"])}

    def run(self, name: str, rows: Numbers) -> Numbers:
        """One run."""
        session = self.sessions[name]
        scores: Numbers = session.run(None, {session.get_inputs()[0].name: rows})[0]
        return scores

    @bentoml.api(route="/tabular")  # type: ignore[untyped-decorator]
    async def tabular(self, rows: Numbers) -> Numbers:
        """Rows of features."""
        return self.run("tabular", rows)

    @bentoml.api(route="/lstm")  # type: ignore[untyped-decorator]
    async def lstm(self, rows: Numbers) -> Numbers:
        """Windows of channels."""
        return self.run("lstm", rows)

    @bentoml.api(route="/cnn")  # type: ignore[untyped-decorator]
    async def cnn(self, rows: Numbers) -> Numbers:
        """Pictures."""
        return self.run("cnn", rows)
