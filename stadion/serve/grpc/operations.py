"""What an operator's client asks in, repository, statistics and settings out."""

from __future__ import annotations

from google.protobuf import json_format

from stadion.core.access import Access
from stadion.core.errors import Code, StadionError
from stadion.serve.fixed_settings import check_unchanged, log_settings, trace_settings
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
        asked = read_message(pb.RepositoryModelUnloadRequest, body)
        if unknown := sorted(set(asked.parameters) - {"unload_dependents"}):
            raise StadionError(
                Code.UNSUPPORTED,
                f"unload takes no parameter but unload_dependents; received {unknown[:4]}",
            )
        model = _model(asked)
        await self._repository.unload(model)
        return pb.RepositoryModelUnloadResponse(
            model_name=model, is_unloaded=True
        ).SerializeToString()

    def _trace(self, call: Call, body: bytes) -> bytes:
        asked = read_message(pb.TraceSettingRequest, body)
        if asked.model_name:
            self._plane.table.check(asked.model_name)
        known = trace_settings()
        check_unchanged(
            "trace", {n: list(s.value) or None for n, s in asked.settings.items()}, known
        )
        response = pb.TraceSettingResponse()
        for name, value in known.items():
            values = [str(value)] if isinstance(value, str | int) else value
            response.settings[name].value.extend(values)
        return response.SerializeToString()

    def _log(self, _call: Call, body: bytes) -> bytes:
        known = log_settings()
        asked = read_message(pb.LogSettingsRequest, body)
        check_unchanged("log", {name: _value(s) for name, s in asked.settings.items()}, known)
        response = pb.LogSettingsResponse()
        for name, value in known.items():
            setattr(response.settings[name], _FIELDS[type(value)], value)
        return response.SerializeToString()


_FIELDS: dict[type, str] = {bool: "bool_param", int: "uint32_param", str: "string_param"}


def _value(given: pb.LogSettingsRequest.SettingValue) -> bool | int | str | None:
    """Whichever field is set."""
    kind = given.WhichOneof("parameter_choice")
    value: bool | int | str | None = getattr(given, kind) if kind else None
    return value


def _model(asked: pb.RepositoryModelLoadRequest | pb.RepositoryModelUnloadRequest) -> str:
    """The name of the model: KServe's clients send it where Triton's have the repository."""
    return asked.model_name or asked.repository_name


def _no_shared_memory(_call: Call, _body: bytes) -> bytes:
    raise StadionError(
        Code.UNSUPPORTED, "this server shares no memory", "send tensors in the messages"
    )
