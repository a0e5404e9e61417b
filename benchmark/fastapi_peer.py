"""The usual way to serve a model: FastAPI and uvicorn, the session loaded once."""

from __future__ import annotations

import sys

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, Request

__all__ = ["main"]


def main(graph: str, port: int) -> None:
    """Answer the Open Inference Protocol's JSON for one model with one input and output."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    app = FastAPI()

    @app.post("/v2/models/tabular/infer")
    async def infer(request: Request) -> dict[str, object]:
        tensor = (await request.json())["inputs"][0]
        rows = np.array(tensor["data"], np.float32).reshape(tensor["shape"])
        score = session.run(None, {tensor["name"]: rows})[0]
        output = {"name": "score", "datatype": "FP32", "shape": list(score.shape)}
        return {"model_name": "tabular", "outputs": [output | {"data": score.tolist()}]}

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
