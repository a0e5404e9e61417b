"""What is deployed in, what clients ask about server and models before they predict out."""

from __future__ import annotations

from google.protobuf import json_format

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
from stadion.serve.protocols._model_config import model_config
from stadion.serve.protocols._versions import package_of

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
        _, package = self._find(call, asked.name, asked.version)
        versions = self._plane.table.placements[asked.name].packages
        return pb.ModelMetadataResponse(
            name=asked.name,
            versions=[str(number) for number in sorted(versions)],
            platform=_PLATFORM,
            inputs=[_tensor(tensor) for tensor in package.signature.inputs],
            outputs=[_tensor(tensor) for tensor in package.signature.outputs],
        ).SerializeToString()

    def _config(self, call: Call, body: bytes) -> bytes:
        asked = read_message(pb.ModelConfigRequest, body)
        number, _ = self._find(call, asked.name, asked.version)
        config = model_config(self._plane.table.placements[asked.name], number)
        return pb.ModelConfigResponse(
            config=json_format.ParseDict(config, pb.ModelConfig())
        ).SerializeToString()

    def _find(self, call: Call, model: str, version: str) -> tuple[int, ModelPackage]:
        """The version that is asked about, and its package."""
        call.caller.check(Access.PREDICT, model)
        return package_of(self._plane, model, version_of(version, model))


def _tensor(tensor: Tensor) -> pb.ModelMetadataResponse.TensorMetadata:
    return pb.ModelMetadataResponse.TensorMetadata(
        name=tensor.name, datatype=tensor.datatype, shape=tensor.wire_shape
    )
