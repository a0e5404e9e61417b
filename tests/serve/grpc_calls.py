"""A real gRPC client of the tests over this house's messages: arrays in, arrays out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import grpc
import numpy as np
import pytest

from stadion.core.arrays import Array
from stadion.core.signature import DATATYPES
from stadion.serve.binary import read_binary_tensor, write_binary_tensor
from stadion.serve.grpc import inference_pb2 as pb
from tests.serve.running import Server

__all__ = ["FIELDS", "Client", "arrays", "client", "failing", "parameter", "request"]

SERVICE = "/inference.GRPCInferenceService/"
FIELDS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Where typed contents lie, as the protocol says."""


class Client:
    """Calls one server; methods by their names in the protocol."""

    def __init__(self, address: str, channel: Any) -> None:
        self.address = address
        self.channel = channel

    def __getattr__(self, name: str) -> Callable[..., Any]:
        reply = getattr(pb, f"{name}Response", pb.SharedMemoryResponse)
        call = self.channel.unary_unary(
            SERVICE + name,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=reply.FromString,
        )
        return lambda message, timeout=20, **more: call(message, timeout=timeout, **more)

    def raw(self, body: bytes, path: str = f"{SERVICE}ModelInfer", timeout: float = 20) -> bytes:
        """One call with these bytes as its message."""
        answer: bytes = self.channel.unary_unary(path)(body, timeout=timeout)
        return answer

    def infer(self, model: str, inputs: Mapping[str, Array], **more: Any) -> dict[str, Array]:
        """Outputs by name."""
        return arrays(self.ModelInfer(request(model, inputs, **more)))

    def later(self, message: pb.ModelInferRequest, timeout: float | None = 20) -> Any:
        """A call under way."""
        call = self.channel.unary_unary(
            f"{SERVICE}ModelInfer",
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=pb.ModelInferResponse.FromString,
        )
        return call.future(message, timeout=timeout)

    def stream(self, messages: Iterator[pb.ModelInferRequest], timeout: float = 20) -> Any:
        """An open stream: iterate over it for the answers."""
        call = self.channel.stream_stream(
            f"{SERVICE}ModelStreamInfer",
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=pb.ModelStreamInferResponse.FromString,
        )
        return call(messages, timeout=timeout)


@contextlib.contextmanager
def client(server: Server, **options: int) -> Iterator[Client]:
    """A client with a connection of its own; options are gRPC core's, '__' for '.'."""
    address = str(server.said["grpc"])
    given = [(f"grpc.{name.replace('__', '.')}", value) for name, value in options.items()]
    given += [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    given += [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(address, options=given) as channel:
        yield Client(address, channel)


def request(
    model: str,
    inputs: Mapping[str, Array],
    *,
    typed: bool = False,
    outputs: Sequence[str] = (),
    **more: Any,
) -> pb.ModelInferRequest:
    """The message that asks this, with raw or typed values."""
    message = pb.ModelInferRequest(model_name=model, **more)
    for name, array in inputs.items():
        datatype = next(d for d, dtype in DATATYPES.items() if dtype == array.dtype)
        given = message.inputs.add(name=name, datatype=datatype, shape=array.shape)
        if typed:
            getattr(given.contents, FIELDS[datatype]).extend(array.reshape(-1).tolist())
        else:
            message.raw_input_contents.append(write_binary_tensor(array))
    for name in outputs:
        message.outputs.add(name=name)
    return message


def arrays(response: pb.ModelInferResponse) -> dict[str, Array]:
    """Outputs by name, whichever form they have; never a mixture of both."""
    raw = response.raw_output_contents
    assert len(raw) in (0, len(response.outputs))
    found: dict[str, Array] = {}
    for at, given in enumerate(response.outputs):
        assert not (raw and given.HasField("contents"))
        if raw:
            found[given.name] = read_binary_tensor(
                raw[at], 0, len(raw[at]), given.datatype, given.shape, given.name
            )
            continue
        values = list(getattr(given.contents, FIELDS[given.datatype]))
        array = np.empty(len(values), DATATYPES[given.datatype])
        array[:] = values
        found[given.name] = array.reshape(given.shape)
    return found


def parameter(value: bool | int | float | str) -> pb.InferParameter:
    """A value as the protocol has it; whole numbers as tritonclient sends `priority`."""
    if isinstance(value, bool):
        return pb.InferParameter(bool_param=value)
    if isinstance(value, int):
        return pb.InferParameter(uint64_param=value)
    if isinstance(value, float):
        return pb.InferParameter(double_param=value)
    return pb.InferParameter(string_param=value)


@contextlib.contextmanager
def failing(status: grpc.StatusCode, *words: str) -> Iterator[None]:
    """The block must fail with that status, saying these words."""
    with pytest.raises(grpc.RpcError) as caught:
        yield
    error: Any = caught.value
    assert error.code() == status, (error.code(), error.details())
    for word in words:
        assert word in (error.details() or ""), error.details()
