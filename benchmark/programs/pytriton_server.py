"""Ports and ONNX files in; Triton's Python backend answers for each, through pytriton."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

__all__ = ["main"]

MAX_BATCH = 32


def main(http: int, grpc: int, *graphs: str) -> None:
    """Bind every graph under its file's name; batches form from what waits."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it tidies up after SIGINT only
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=http,
        grpc_address="127.0.0.1",
        grpc_port=grpc,
        allow_metrics=False,
        log_verbose=0,
    )
    with Triton(config=config) as triton:
        for graph in graphs:
            bind(triton, Path(graph))
        triton.serve()


def bind(triton: Any, graph: Path) -> None:
    """One model of the server."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    (entry,), (result,) = session.get_inputs(), session.get_outputs()

    @batch  # type: ignore[untyped-decorator]
    def infer(**tensors: Any) -> dict[str, Any]:
        return {result.name: session.run(None, tensors)[0]}

    triton.bind(
        model_name=graph.stem,
        infer_func=infer,
        inputs=[Tensor(name=entry.name, dtype=np.float32, shape=tuple(entry.shape[1:]))],
        outputs=[Tensor(name=result.name, dtype=np.float32, shape=tuple(result.shape[1:]))],
        config=ModelConfig(batching=True, max_batch_size=MAX_BATCH),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
