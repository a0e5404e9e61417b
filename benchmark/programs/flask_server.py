"""PORT and ONNX files in; Flask answers for each with a session made in every request."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from flask import Flask, jsonify, request
from werkzeug.serving import WSGIRequestHandler

__all__ = ["main"]


def main(port: int, *graphs: str) -> None:
    """Serve every graph under its file's name with Flask's own server."""
    paths = {Path(graph).stem: graph for graph in graphs}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    app = Flask(__name__)

    @app.post("/predict/<model>")  # type: ignore[untyped-decorator]
    def predict(model: str) -> Any:
        session = onnxruntime.InferenceSession(
            paths[model], options, providers=["CPUExecutionProvider"]
        )
        rows = np.array(request.get_json()["inputs"], np.float32)
        scores = session.run(None, {session.get_inputs()[0].name: rows})[0]
        return jsonify({"output": scores.tolist()})

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    WSGIRequestHandler.protocol_version = "HTTP/1.1"  # else a connection per request
    app.run(host="127.0.0.1", port=port, threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
