"""FOLDER and one ONNX file in; an MLflow model of it written to the folder."""

from __future__ import annotations

import sys

import mlflow.onnx
import onnx

__all__ = ["main"]


def main(folder: str, graph: str) -> None:
    """Save the graph as MLflow's own ONNX flavour, one thread per run."""
    mlflow.onnx.save_model(
        onnx.load(graph),
        folder,
        onnx_execution_providers=["CPUExecutionProvider"],
        onnx_session_options={"intra_op_num_threads": 1, "inter_op_num_threads": 1},
        pip_requirements=["onnxruntime"],
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
