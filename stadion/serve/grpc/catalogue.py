"""What is deployed in, what clients ask about server and models before they predict out."""

from __future__ import annotations

from typing import Any

from stadion.core.access import Access
from stadion.core.errors import StadionError
from stadion.core.package import ModelPackage
from stadion.core.signature import Tensor
from stadion.core.version import __version__
from stadion.serve.grpc import inference_pb2 as pb
from stadion.serve.grpc.call import Call
from stadion.serve.grpc.heading import version_of
from stadion.serve.grpc.reading import read_message
from stadion.serve.grpc.service import Method
from stadion.serve.plane import Plane

__all__ = ["Catalogue"]

EXTENSIONS = (
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository",
    "schedule_policy",
    "statistics",
)
_PLATFORM = "onnxruntime_onnx"


class Catalogue:
    """Liveness, readiness, metadata and configuration; no model is loaded for any of them."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def methods(self) -> dict[str, Method]:
        """Name -> method."""
        return {
            "ServerLive": Method(Access.OPEN, self._live),
            "ServerReady": Method(Access.OPEN, self._ready),
            "ServerMetadata": Method(Access.KEY, self._server),
            "ModelReady": Method(Access.KEY, self._model_ready),
            "ModelMetadata": Method(Access.KEY, self._metadata),
            "ModelConfig": Method(Access.KEY, self._config),
        }

    def _live(self, _call: Call, _body: bytes) -> bytes:
        return pb.ServerLiveResponse(live=True).SerializeToString()

    def _ready(self, _call: Call, _body: bytes) -> bytes:
        return pb.ServerReadyResponse(ready=self._plane.is_ready).SerializeToString()

    def _server(self, _call: Call, _body: bytes) -> bytes:
        return pb.ServerMetadataResponse(
            name="stadion", version=__version__, extensions=EXTENSIONS
        ).SerializeToString()

    def _model_ready(self, call: Call, body: bytes) -> bytes:
        """Whether it would answer; what is not here is not ready, rather than an error."""
        asked = read_message(pb.ModelReadyRequest, body)
        try:
            call.caller.check(Access.PREDICT, asked.name)
            self._plane.table.check(asked.name, version_of(asked.version, asked.name))
        except StadionError:
            return pb.ModelReadyResponse(ready=False).SerializeToString()
        return pb.ModelReadyResponse(ready=True).SerializeToString()

    def _metadata(self, call: Call, body: bytes) -> bytes:
        asked = read_message(pb.ModelMetadataRequest, body)
        versions, _, package = self._find(call, asked.name, asked.version)
        return pb.ModelMetadataResponse(
            name=asked.name,
            versions=[str(number) for number in versions],
            platform=_PLATFORM,
            inputs=[_tensor(tensor) for tensor in package.signature.inputs],
            outputs=[_tensor(tensor) for tensor in package.signature.outputs],
        ).SerializeToString()

    def _config(self, call: Call, body: bytes) -> bytes:
        asked = read_message(pb.ModelConfigRequest, body)
        versions, number, package = self._find(call, asked.name, asked.version)
        plan = self._plane.table.placements[asked.name].deployment.plan(number)
        most = plan.max_rows if plan is not None else 1
        tensors = (*package.signature.inputs, *package.signature.outputs)
        has_rows = all(tensor.shape[:1] == (None,) for tensor in tensors)
        config = pb.ModelConfig(
            name=asked.name,
            platform=_PLATFORM,
            backend="onnxruntime",
            default_model_filename=next(iter(package.files)),
            max_batch_size=max(1, most) if has_rows else 0,
            version_policy=pb.ModelVersionPolicy(
                specific=pb.ModelVersionPolicy.Specific(versions=versions)
            ),
            input=[pb.ModelInput(**_described(t, has_rows)) for t in package.signature.inputs],
            output=[pb.ModelOutput(**_described(t, has_rows)) for t in package.signature.outputs],
            model_transaction_policy=pb.ModelTransactionPolicy(decoupled=False),
        )
        if has_rows and most > 1:
            config.dynamic_batching.SetInParent()
        return pb.ModelConfigResponse(config=config).SerializeToString()

    def _find(self, call: Call, model: str, version: str) -> tuple[list[int], int, ModelPackage]:
        """All versions, the one that is asked about, and its package."""
        call.caller.check(Access.PREDICT, model)
        number = version_of(version, model)
        self._plane.table.check(model, number)
        placement = self._plane.table.placements[model]
        number = placement.deployment.primary if number is None else number
        return sorted(placement.packages), number, placement.packages[number]


def _tensor(tensor: Tensor) -> pb.ModelMetadataResponse.TensorMetadata:
    return pb.ModelMetadataResponse.TensorMetadata(
        name=tensor.name, datatype=tensor.datatype, shape=tensor.wire_shape
    )


def _described(tensor: Tensor, has_rows: bool) -> dict[str, Any]:
    """A tensor as the configuration has it: without the axis of the rows, where all have it."""
    datatype = "STRING" if tensor.datatype == "BYTES" else tensor.datatype
    return {
        "name": tensor.name,
        "data_type": f"TYPE_{datatype}",
        "dims": tensor.wire_shape[1:] if has_rows else tensor.wire_shape,
    }
