"""tritonclient over gRPC, blocking, streaming and asyncio, does everything it can."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio

from clients.checks import Checks, orders, row, same


def inputs(numbers: list[float]) -> list[triton.InferInput]:
    """One tensor whose rows add up to the numbers."""
    rows = np.array([row(n) for n in numbers], np.float32)
    one = triton.InferInput("features", rows.shape, "FP32")
    one.set_data_from_numpy(rows)
    return [one]


def blocking(url: str) -> None:
    """tritonclient.grpc."""
    checks = Checks("tritonclient grpc")
    client = triton.InferenceServerClient(url)

    def infer(**more: Any) -> None:
        outputs = [triton.InferRequestedOutput("score")]
        answer = client.infer("ramp", inputs([7, 8]), outputs=outputs, **more)
        same(answer.as_numpy("score").tolist(), [[7.0], [8.0]])
        same(answer.get_response().model_name, "ramp")

    def with_id() -> None:
        answer = client.infer("ramp", inputs([5]), request_id="q-5")
        same((answer.get_response().id, answer.as_numpy("score").tolist()), ("q-5", [[5.0]]))

    def called_back() -> None:
        answers: queue.Queue[Any] = queue.Queue()
        for number in range(16):
            client.async_infer(
                "ramp",
                inputs([float(number)]),
                callback=lambda result, error: answers.put((result, error)),
                request_id=str(number),
            )
        found = {}
        for _ in range(16):
            result, error = answers.get(timeout=20)
            same(error, None)
            found[result.get_response().id] = result.as_numpy("score")[0, 0]
        same(found, {str(number): float(number) for number in range(16)})

    def metadata() -> None:
        found = client.get_model_metadata("ramp")
        same(
            (found.name, found.inputs[0].name, list(found.inputs[0].shape)),
            ("ramp", "features", [-1, 32]),
        )

    def listed() -> None:
        index = {model.name: model.state for model in client.get_model_repository_index().models}
        same(index["ramp"], "READY")

    def unloaded() -> None:
        client.unload_model("spare")
        same(client.is_model_ready("spare"), False)

    def loaded() -> None:
        client.load_model("spare")
        same(client.is_model_ready("spare"), True)

    def counted() -> None:
        found = client.get_inference_statistics("ramp").model_stats[0]
        same(found.name, "ramp")
        assert found.inference_count > 0
        assert found.inference_stats.success.count > 0

    def classified() -> None:
        one = triton.InferInput("signal", [1, 128, 9], "FP32")
        one.set_data_from_numpy(np.zeros((1, 128, 9), np.float32))
        outputs = [triton.InferRequestedOutput("score", class_count=2)]
        found = client.infer("signal", [one], outputs=outputs).as_numpy("score")
        same(found.shape, (1, 2))

    checks.check("server is live", lambda: same(client.is_server_live(), True))
    checks.check("server is ready", lambda: same(client.is_server_ready(), True))
    checks.check("model is ready", lambda: same(client.is_model_ready("ramp", "1"), True))
    checks.check("server metadata", lambda: same(client.get_server_metadata().name, "stadion"))
    checks.check("model metadata", metadata)
    checks.check("model config", lambda: same(client.get_model_config("ramp").config.name, "ramp"))
    checks.check("infer", infer)
    checks.check("infer, of a version", lambda: infer(model_version="1"))
    checks.check("infer, priority and timeout", lambda: infer(priority=1, timeout=10**6))
    checks.check("infer, client timeout", lambda: infer(client_timeout=10))
    checks.check("infer, parameters", lambda: infer(parameters={"sport": "rowing"}))
    for name in ("gzip", "deflate"):
        checks.check(f"infer, {name}", partial(infer, compression_algorithm=name))
    checks.check("infer, with an id", with_id)
    checks.check("infer, 16 with callbacks", called_back)
    checks.check("infer, classification", classified)
    checks.check("repository index", listed)
    checks.check("unload", unloaded)
    checks.refused("infer of an unloaded model", lambda: client.infer("spare", inputs([1])))
    checks.check("load", loaded)
    checks.check("statistics", counted)
    checks.check("log settings", lambda: client.get_log_settings().settings["log_info"])
    checks.check("trace settings", lambda: client.get_trace_settings().settings["trace_level"])
    checks.refused(
        "unknown model", lambda: client.infer("nobody", inputs([1])), "nobody", "NOT_FOUND"
    )
    narrow = triton.InferInput("features", [1, 3], "FP32")
    narrow.set_data_from_numpy(np.zeros((1, 3), np.float32))
    checks.refused("wrong shape", lambda: client.infer("ramp", [narrow]), "features", "INVALID")
    checks.check("stream", lambda: streamed(client))
    client.close()


def streamed(client: triton.InferenceServerClient) -> None:
    """Thirty questions on one stream; a bad one in the middle must not end it."""
    answers: queue.Queue[Any] = queue.Queue()
    client.start_stream(callback=lambda result, error: answers.put((result, error)))
    for number in range(30):
        model = "nobody" if number == 15 else "ramp"
        client.async_stream_infer(model, inputs([float(number)]), request_id=str(number))
    found, errors = {}, []
    for _ in range(30):
        result, error = answers.get(timeout=20)
        if error is not None:
            errors.append(str(error))
        else:
            found[result.get_response().id] = result.as_numpy("score")[0, 0]
    client.stop_stream()
    same(found, {str(number): float(number) for number in range(30) if number != 15})
    same(len(errors) == 1 and "nobody" in errors[0], True)


async def waiting(url: str) -> None:
    """tritonclient.grpc.aio."""
    checks = Checks("tritonclient grpc aio")
    async with triton_aio.InferenceServerClient(url) as client:

        async def infer() -> None:
            answer = await client.infer("ramp", inputs([7, 8]))
            same(answer.as_numpy("score").tolist(), [[7.0], [8.0]])

        async def at_once() -> None:
            calls = (client.infer("ramp", inputs([float(n)])) for n in range(32))
            answers = await asyncio.gather(*calls)
            same([a.as_numpy("score")[0, 0] for a in answers], [float(n) for n in range(32)])

        async def health() -> None:
            same(await client.is_server_live(), True)
            same(await client.is_server_ready(), True)
            same(await client.is_model_ready("ramp"), True)

        async def described() -> None:
            same((await client.get_server_metadata()).name, "stadion")
            same((await client.get_model_metadata("ramp")).name, "ramp")

        async def repository() -> None:
            index = await client.get_model_repository_index()
            same("spare" in {model.name for model in index.models}, True)
            await client.unload_model("spare")
            same(await client.is_model_ready("spare"), False)
            await client.load_model("spare")
            same(await client.is_model_ready("spare"), True)

        async def stream() -> None:
            async def questions() -> AsyncIterator[dict[str, Any]]:
                for number in range(20):
                    yield {
                        "model_name": "ramp",
                        "inputs": inputs([float(number)]),
                        "request_id": str(number),
                    }

            found = {}
            async for result, error in client.stream_infer(questions()):
                same(error, None)
                found[result.get_response().id] = result.as_numpy("score")[0, 0]
            same(found, {str(number): float(number) for number in range(20)})

        await checks.acheck("health", health)
        await checks.acheck("metadata", described)
        await checks.acheck("infer", infer)
        await checks.acheck("infer, 32 at once", at_once)
        await checks.acheck("repository index, unload, load", repository)
        await checks.acheck("stream", stream)
        await checks.arefused(
            "unknown model", lambda: client.infer("nobody", inputs([1])), "nobody"
        )


if __name__ == "__main__":
    blocking(orders()["grpc"])
    asyncio.run(waiting(orders()["grpc"]))
