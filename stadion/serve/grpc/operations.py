"""What an operator's client asks in, repository, statistics and settings out."""

from __future__ import annotations

from google.protobuf import json_format

from stadion.core.access import Access
from stadion.core.errors import Code, StadionError
from stadion.serve.grpc import inference_pb2 as pb
from stadion.serve.grpc.call import Call
from stadion.serve.grpc.heading import version_of
from stadion.serve.grpc.reading import read_message
from stadion.serve.grpc.service import Method
from stadion.serve.plane import Plane
from stadion.serve.repository import Repository
from stadion.serve.statistics import all_statistics

__all__ = ["Operations"]

_SHARED = tuple(
    f"{kind}SharedMemory{verb}"
    for kind in ("System", "Cuda")
    for verb in ("Status", "Register", "Unregister")
)
_TRACE = {
    "log_frequency": "0",
    "trace_count": "-1",
    "trace_file": "",
    "trace_level": "OFF",
    "trace_mode": "opentelemetry",
    "trace_rate": "1000",
}
_LOG: dict[str, bool | int | str] = {
    "log_error": True,
    "log_file": "",
    "log_format": "default",
    "log_info": False,
    "log_verbose_level": 0,
    "log_warning": True,
}


class Operations:
    """Triton's extensions beyond inference."""

    def __init__(self, plane: Plane, repository: Repository) -> None:
        self._plane = plane
        self._repository = repository

    def methods(self) -> dict[str, Method]:
        """Name -> method."""
        refused = Method(Access.KEY, _no_shared_memory)
        return {
            "ModelStatistics": Method(Access.KEY, self._statistics),
            "RepositoryIndex": Method(Access.CATALOGUE, self._index),
            "RepositoryModelLoad": Method(Access.CONTROL, self._load),
            "RepositoryModelUnload": Method(Access.CONTROL, self._unload),
            "TraceSetting": Method(Access.CONTROL, self._trace),
            "LogSettings": Method(Access.CONTROL, self._log),
            **dict.fromkeys(_SHARED, refused),
        }

    async def _statistics(self, call: Call, body: bytes) -> bytes:
        asked = read_message(pb.ModelStatisticsRequest, body)
        call.caller.check(Access.PREDICT if asked.name else Access.CATALOGUE, asked.name)
        version = version_of(asked.version, asked.name) if asked.name else None
        found = await all_statistics(self._plane, asked.name or None, version)
        return pb.ModelStatisticsResponse(
            model_stats=[json_format.ParseDict(one, pb.ModelStatistics()) for one in found]
        ).SerializeToString()

    def _index(self, _call: Call, body: bytes) -> bytes:
        asked = read_message(pb.RepositoryIndexRequest, body)
        return pb.RepositoryIndexResponse(
            models=[
                pb.RepositoryIndexResponse.ModelIndex(**entry)
                for entry in self._repository.index(asked.ready)
            ]
        ).SerializeToString()

    async def _load(self, _call: Call, body: bytes) -> bytes:
        asked = read_message(pb.RepositoryModelLoadRequest, body)
        if asked.parameters:
            raise StadionError(
                Code.UNSUPPORTED,
                f"load takes no parameters here; received {sorted(asked.parameters)[:4]}",
                "deploy a version to change a model",
            )
        model = _model(asked)
        await self._repository.load(model)
        return pb.RepositoryModelLoadResponse(model_name=model, is_loaded=True).SerializeToString()

    async def _unload(self, _call: Call, body: bytes) -> bytes:
        model = _model(read_message(pb.RepositoryModelUnloadRequest, body))
        await self._repository.unload(model)
        return pb.RepositoryModelUnloadResponse(
            model_name=model, is_unloaded=True
        ).SerializeToString()

    def _trace(self, _call: Call, body: bytes) -> bytes:
        asked = read_message(pb.TraceSettingRequest, body)
        _refuse_changes("trace", sorted(name for name, s in asked.settings.items() if s.value))
        response = pb.TraceSettingResponse()
        for name, value in _TRACE.items():
            response.settings[name].value.append(value)
        return response.SerializeToString()

    def _log(self, _call: Call, body: bytes) -> bytes:
        asked = read_message(pb.LogSettingsRequest, body)
        _refuse_changes("log", sorted(asked.settings))
        response = pb.LogSettingsResponse()
        for name, value in _LOG.items():
            field = "uint32_param" if type(value) is int else f"{type(value).__name__}_param"
            setattr(response.settings[name], _FIELDS.get(field, field), value)
        return response.SerializeToString()


_FIELDS = {"str_param": "string_param"}


def _model(asked: pb.RepositoryModelLoadRequest | pb.RepositoryModelUnloadRequest) -> str:
    """The name of the model: KServe's clients send it where Triton's have the repository."""
    return asked.model_name or asked.repository_name


def _no_shared_memory(_call: Call, _body: bytes) -> bytes:
    raise StadionError(
        Code.UNSUPPORTED, "this server shares no memory", "send tensors in the messages"
    )


def _refuse_changes(kind: str, names: list[str]) -> None:
    if names:
        raise StadionError(
            Code.UNSUPPORTED,
            f"{kind} settings are fixed while the server runs; received {names[:8]}",
        )
