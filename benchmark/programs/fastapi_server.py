"""PORT and ONNX files in; FastAPI answers for each, as its users write it."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

__all__ = ["main"]

Numbers = list[float]


class Rows(BaseModel):
    """A table: rows of features."""

    input: list[Numbers]


class Windows(BaseModel):
    """Recordings: rows of moments of channels."""

    input: list[list[Numbers]]


class Pictures(BaseModel):
    """Pictures: rows of channels of lines of points."""

    input: list[list[list[Numbers]]]


BODIES: dict[int, Any] = {2: Rows, 3: Windows, 4: Pictures}


def main(port: int, *graphs: str) -> None:
    """Serve every graph under its file's name."""
    app = FastAPI()
    for graph in graphs:
        serve(app, Path(graph))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


def serve(app: FastAPI, graph: Path) -> None:
    """POST /predict/NAME for JSON and /raw/NAME for bytes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    body_type = BODIES[len(entry.shape)]

    @app.post(f"/predict/{graph.stem}", response_model=None)
    async def predict(body: body_type) -> Any:  # type: ignore[valid-type]
        rows = np.array(body.input, np.float32)  # type: ignore[attr-defined]
        return {"output": session.run(None, {entry.name: rows})[0].tolist()}

    @app.post(f"/raw/{graph.stem}")
    async def raw(request: Request) -> Response:
        rows = np.frombuffer(await request.body(), np.float32).reshape(-1, *entry.shape[1:])
        scores = session.run(None, {entry.name: rows})[0]
        return Response(scores.tobytes(), media_type="application/octet-stream")


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
