"""PORT and one ONNX file in; LitServe answers for it."""

import sys
from typing import Any, cast

import litserve
import numpy as np
import onnxruntime
from fastapi import Request

__all__ = ["OnnxApi", "main"]


class OnnxApi(litserve.LitAPI):  # type: ignore[misc]  # installed in an environment of its own
    """Decode, predict, encode, as its documentation lays them out."""

    def __init__(self, graph: str) -> None:
        super().__init__()
        self.graph = graph

    def setup(self, device: str) -> None:
        """Load the session once per worker."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.graph, options, providers=["CPUExecutionProvider"]
        )
        self.entry = self.session.get_inputs()[0].name

    def decode_request(self, request: Request) -> Any:
        """Lists to an array."""
        return np.array(cast(Any, request)["input"], np.float32)

    def predict(self, x: Any) -> Any:
        """One run."""
        return self.session.run(None, {self.entry: x})[0]

    def encode_response(self, output: Any) -> Any:
        """An array to lists."""
        return {"output": output.tolist()}


def main(port: int, graph: str) -> None:
    """One API process, one worker, its fast queue, no log."""
    server = litserve.LitServer(
        OnnxApi(graph), accelerator="cpu", workers_per_device=1, fast_queue=True
    )
    server.run(
        host="127.0.0.1",
        port=port,
        log_level="error",
        access_log=False,
        generate_client_file=False,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
