"""Questions in, what came back for each out: over raw HTTP, gRPC calls and gRPC streams at once."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import grpc
import numpy as np

from reliability.tongues import Question, Tongue
from stadion.core.arrays import Array
from stadion.serve.grpc import inference_pb2 as pb

__all__ = ["Asked", "ask_grpc", "ask_http", "ask_stream"]

_LIMIT_S = 60.0
_SERVICE = "/inference.GRPCInferenceService/"
Next = Callable[[], Question | None]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, in which tongue it was asked, and what came back; `failure` when nothing did."""

    tongue: str
    question: Question
    numbers: Array | None
    id: str | None
    failure: str = ""

    @property
    def is_right(self) -> bool:
        """True when every number of the answer is the one wanted."""
        return self.numbers is not None and np.array_equal(self.numbers, self.question.wanted)


async def ask_http(
    port: int, next_one: Callable[[], tuple[Question, Tongue] | None]
) -> list[Asked]:
    """One connection, one question after the other."""
    done: list[Asked] = []
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    try:
        while (pair := next_one()) is not None:
            it, tongue = pair
            writer.write(tongue.ask(it))
            async with asyncio.timeout(_LIMIT_S):
                head, body = await _answer(reader)
            if head[9:12] != b"200":
                failure = f"{head[9:12].decode()} {body[:200].decode(errors='replace')}"
                done.append(Asked(tongue.name, it, None, None, failure))
            else:
                done.append(Asked(tongue.name, it, *tongue.read(head, body)))
    finally:
        writer.close()
    return done


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    low = head.lower()
    at = low.index(b"content-length: ") + 16
    return head, await reader.readexactly(int(low[at:].partition(b"\r")[0]))


def ask_grpc(target: str, next_one: Next) -> list[Asked]:
    """One channel, one unary call after the other; odd questions as raw bytes, others typed."""
    done: list[Asked] = []
    with grpc.insecure_channel(target) as channel:
        call = channel.unary_unary(
            f"{_SERVICE}ModelInfer",
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=pb.ModelInferResponse.FromString,
        )
        for it in iter(next_one, None):
            try:
                reply = call(_request(it), timeout=_LIMIT_S)
            except grpc.RpcError as error:
                done.append(Asked("gRPC", it, None, None, str(error.code())))
            else:
                done.append(Asked("gRPC", it, _numbers(reply), reply.id))
    return done


def ask_stream(target: str, next_one: Next, window: int = 8) -> list[Asked]:
    """One stream with several questions under way; answers find their questions by their ids."""
    done: list[Asked] = []
    open_ones: dict[str, Question] = {}
    room = threading.Semaphore(window)
    lost: queue.SimpleQueue[Question] = queue.SimpleQueue()

    def questions() -> Iterator[pb.ModelInferRequest]:
        for it in iter(next_one, None):
            if not room.acquire(timeout=_LIMIT_S):
                lost.put(it)
                return
            open_ones[it.id] = it
            yield _request(it)

    with grpc.insecure_channel(target) as channel:
        call = channel.stream_stream(
            f"{_SERVICE}ModelStreamInfer",
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=pb.ModelStreamInferResponse.FromString,
        )
        ends = time.monotonic() + 1800
        failure = "no answer on the stream"
        try:
            for reply in call(questions(), timeout=ends - time.monotonic()):
                answer = reply.infer_response
                it = open_ones.pop(answer.id, None)
                room.release()
                if it is None or reply.error_message:
                    stray = Question("", np.empty(0), np.empty(0), "")
                    text = reply.error_message or "an answer with a foreign id"
                    done.append(Asked("gRPC stream", it or stray, None, None, text))
                else:
                    done.append(Asked("gRPC stream", it, _numbers(answer), answer.id))
        except grpc.RpcError as error:
            failure = str(error.code())
    left = [*open_ones.values(), *(lost.get() for _ in range(lost.qsize()))]
    return done + [Asked("gRPC stream", it, None, None, failure) for it in left]


def _request(it: Question) -> pb.ModelInferRequest:
    tensor = pb.ModelInferRequest.InferInputTensor(
        name="features", datatype="FP32", shape=it.rows.shape
    )
    request = pb.ModelInferRequest(model_name=it.model, id=it.id, inputs=[tensor])
    if int(it.id[1:]) % 2:
        request.raw_input_contents.append(it.rows.tobytes())
    else:
        request.inputs[0].contents.fp32_contents.extend(it.rows.ravel().tolist())
    return request


def _numbers(reply: pb.ModelInferResponse) -> Array:
    if reply.raw_output_contents:
        return np.frombuffer(reply.raw_output_contents[0], "<f4")
    return np.array(reply.outputs[0].contents.fp32_contents, np.float32)


def run_threads(work: Sequence[Callable[[], list[Asked]]]) -> Callable[[], list[Asked]]:
    """Begin all at once; the function that is returned waits for them and gives what they got."""
    results: list[list[Asked]] = [[] for _ in work]

    def go(place: int) -> None:
        results[place] = work[place]()

    threads = [threading.Thread(target=go, args=(i,), daemon=True) for i in range(len(work))]
    for thread in threads:
        thread.start()

    def wait() -> list[Asked]:
        for thread in threads:
            thread.join(1800)
        return [asked for result in results for asked in result]

    return wait
