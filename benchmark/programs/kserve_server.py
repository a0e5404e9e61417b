"""Ports and ONNX files in; KServe's model server answers for each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import onnxruntime
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer

__all__ = ["OnnxModel", "main"]


class OnnxModel(Model):  # type: ignore[misc]  # installed in an environment of its own
    """A model under its file's name."""

    def __init__(self, graph: Path) -> None:
        super().__init__(graph.stem)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )
        self.output = self.session.get_outputs()[0].name
        self.ready = True

    async def predict(
        self,
        payload: InferRequest,
        headers: Any = None,
        response_headers: Any = None,
    ) -> InferResponse:
        """Tensors to tensors."""
        (tensor,) = payload.inputs
        scores = self.session.run(None, {tensor.name: tensor.as_numpy()})[0]
        output = InferOutput(self.output, list(scores.shape), "FP32")
        output.set_data_from_numpy(scores, binary_data=payload.use_binary_outputs)
        return InferResponse(
            payload.id or "",  # it refuses its own answer without one
            self.name,
            [output],
            use_binary_outputs=payload.use_binary_outputs,
        )


def main(http: int, grpc: int, *graphs: str) -> None:
    """One worker, both protocols, no log of latencies."""
    server = ModelServer(
        http_port=http,
        grpc_port=grpc,
        workers=1,
        enable_grpc=True,
        enable_latency_logging=False,
        event_loop="uvloop",
    )
    server.start([OnnxModel(Path(graph)) for graph in graphs])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
