"""KServe's InferenceRESTClient in both protocols, and its gRPC client, against the server."""

from __future__ import annotations

import asyncio

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, RESTConfig
from kserve.protocol.infer_type import InferInput, InferRequest

from clients.checks import Checks, orders, row, same


def request(numbers: list[float], binary: bool, model: str = "ramp") -> InferRequest:
    """One tensor whose rows add up to the numbers."""
    rows = np.array([row(n) for n in numbers], np.float32)
    one = InferInput("features", list(rows.shape), "FP32")
    one.set_data_from_numpy(rows, binary_data=binary)
    return InferRequest(model_name=model, infer_inputs=[one], request_id="q-1")


async def first(url: str) -> None:
    """Protocol v1."""
    checks = Checks("kserve v1")
    client = InferenceRESTClient(RESTConfig(protocol="v1", retries=1, timeout=20))

    async def infer() -> None:
        answer = await client.infer(url, {"instances": [row(7), row(8)]}, model_name="ramp")
        same([np.ravel(one).tolist() for one in answer["predictions"]], [[7.0], [8.0]])

    async def named() -> None:
        instances = [{"features": row(9)}]
        answer = await client.infer(url, {"instances": instances}, model_name="ramp")
        same(np.ravel(answer["predictions"]).tolist(), [9.0])

    async def health() -> None:
        same(await client.is_server_live(url), True)
        same(await client.is_model_ready(url, "ramp"), True)

    await checks.acheck("health", health)
    await checks.acheck("infer", infer)
    await checks.acheck("infer, named", named)
    await checks.arefused(
        "unknown model", lambda: client.infer(url, {"instances": [row(1)]}, model_name="nobody")
    )
    await checks.arefused(
        "wrong shape", lambda: client.infer(url, {"instances": [[1, 2]]}, model_name="ramp")
    )
    await checks.arefused(
        "explain", lambda: client.explain(url, {"instances": [row(1)]}, model_name="ramp")
    )
    await client.close()


async def second(url: str) -> None:
    """Protocol v2."""
    checks = Checks("kserve v2")
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=1, timeout=20))

    async def infer(binary: bool) -> None:
        answer = await client.infer(url, request([7, 8], binary), model_name="ramp")
        same(answer.outputs[0].as_numpy().tolist(), [[7.0], [8.0]])
        same((answer.id, answer.model_name), ("q-1", "ramp"))

    async def health() -> None:
        same(await client.is_server_live(url), True)
        same(await client.is_server_ready(url), True)
        same(await client.is_model_ready(url, "ramp"), True)

    await checks.acheck("health", health)
    await checks.acheck("infer, JSON", lambda: infer(False))
    await checks.acheck("infer, binary", lambda: infer(True))
    await checks.arefused(
        "unknown model",
        lambda: client.infer(url, request([1], False, "nobody"), model_name="nobody"),
    )
    await client.close()


async def third(target: str) -> None:
    """The same protocol over gRPC."""
    checks = Checks("kserve grpc")
    async with InferenceGRPCClient(target) as client:

        async def infer() -> None:
            answer = await client.infer(request([7, 8], True))
            same(answer.outputs[0].as_numpy().tolist(), [[7.0], [8.0]])

        async def health() -> None:
            same(await client.is_server_live(), True)
            same(await client.is_server_ready(), True)
            same(await client.is_model_ready("ramp"), True)

        await checks.acheck("health", health)
        await checks.acheck("infer", infer)
        await checks.arefused("unknown model", lambda: client.infer(request([1], True, "nobody")))


async def main(where: dict[str, str]) -> None:
    """All three."""
    await first(f"http://{where['http']}")
    await second(f"http://{where['http']}")
    await third(where["grpc"])


if __name__ == "__main__":
    asyncio.run(main(orders()))
