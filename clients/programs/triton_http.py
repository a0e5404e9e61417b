"""tritonclient over HTTP, blocking and asyncio, does everything it can against the server."""

from __future__ import annotations

import asyncio
from functools import partial

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

from clients.checks import Checks, orders, row, same


def inputs(numbers: list[float], binary: bool, model: str = "ramp") -> list[triton.InferInput]:
    """One tensor whose rows add up to the numbers."""
    if model == "signal":
        rows = np.zeros((len(numbers), 128, 9), np.float32)
        one = triton.InferInput("signal", rows.shape, "FP32")
    else:
        rows = np.array([row(n) for n in numbers], np.float32)
        one = triton.InferInput("features", rows.shape, "FP32")
    one.set_data_from_numpy(rows, binary_data=binary)
    return [one]


def blocking(url: str) -> None:
    """tritonclient.http."""
    checks = Checks("tritonclient http")
    client = triton.InferenceServerClient(url, concurrency=4)
    score = triton.InferRequestedOutput

    def infer(binary_in: bool, binary_out: bool, **more: object) -> None:
        outputs = [score("score", binary_data=binary_out)]
        answer = client.infer("ramp", inputs([7, 8], binary_in), outputs=outputs, **more)
        same(answer.as_numpy("score").tolist(), [[7.0], [8.0]])
        same(answer.get_response()["model_name"], "ramp")

    def with_id() -> None:
        answer = client.infer("ramp", inputs([5], True), request_id="q-5")
        same((answer.get_response()["id"], answer.as_numpy("score").tolist()), ("q-5", [[5.0]]))

    def at_once() -> None:
        pending = [client.async_infer("ramp", inputs([float(n)], True)) for n in range(16)]
        answers = [one.get_result().as_numpy("score")[0, 0] for one in pending]
        same(answers, [float(n) for n in range(16)])

    def classified() -> None:
        outputs = [score("score", class_count=2)]
        answer = client.infer("signal", inputs([0], True, "signal"), outputs=outputs)
        found = answer.as_numpy("score")
        same(found.shape, (1, 2))
        value, index = found[0, 0].decode().split(":")[:2]
        assert float(value) >= float(found[0, 1].decode().split(":")[0])
        assert 0 <= int(index) < 6

    def listed() -> None:
        index = {entry["name"]: entry for entry in client.get_model_repository_index()}
        same({"ramp", "signal"} <= set(index), True)
        same(index["ramp"]["state"], "READY")

    def unloaded() -> None:
        client.unload_model("spare")
        same(client.is_model_ready("spare"), False)
        states = {e["name"]: e["state"] for e in client.get_model_repository_index()}
        same(states["spare"], "UNAVAILABLE")

    def loaded() -> None:
        client.load_model("spare")
        same(client.is_model_ready("spare"), True)
        answer = client.infer("spare", inputs([3], True))
        same(answer.as_numpy("score").tolist(), [[3.0]])

    def counted() -> None:
        found = client.get_inference_statistics("ramp")["model_stats"]
        same((found[0]["name"], found[0]["version"]), ("ramp", "1"))
        assert found[0]["inference_count"] > 0
        assert found[0]["inference_stats"]["success"]["count"] > 0

    def metadata() -> None:
        found = client.get_model_metadata("ramp")
        same(found["name"], "ramp")
        same(found["inputs"], [{"name": "features", "datatype": "FP32", "shape": [-1, 32]}])
        same(found["outputs"][0]["name"], "score")

    checks.check("server is live", lambda: same(client.is_server_live(), True))
    checks.check("server is ready", lambda: same(client.is_server_ready(), True))
    checks.check("model is ready", lambda: same(client.is_model_ready("ramp", "1"), True))
    checks.check("server metadata", lambda: same(client.get_server_metadata()["name"], "stadion"))
    checks.check("model metadata", metadata)
    checks.check("model config", lambda: same(client.get_model_config("ramp")["name"], "ramp"))
    checks.check("infer, JSON", lambda: infer(False, False))
    checks.check("infer, binary", lambda: infer(True, True))
    checks.check("infer, binary in and JSON out", lambda: infer(True, False))
    checks.check("infer, JSON in and binary out", lambda: infer(False, True))
    checks.check("infer, of a version", lambda: infer(True, True, model_version="1"))
    checks.check(
        "infer, priority and timeout", lambda: infer(True, True, priority=1, timeout=10**6)
    )
    checks.check("infer, parameters", lambda: infer(True, True, parameters={"sport": "rowing"}))
    for name in ("gzip", "deflate"):
        more = {"request_compression_algorithm": name, "response_compression_algorithm": name}
        checks.check(f"infer, {name}", partial(infer, True, True, **more))
    checks.check("infer, with an id", with_id)
    checks.check("infer, 16 at once", at_once)
    checks.check("infer, classification", classified)
    checks.check("repository index", listed)
    checks.check("unload", unloaded)
    checks.refused("infer of an unloaded model", lambda: client.infer("spare", inputs([1], True)))
    checks.check("load", loaded)
    checks.check("statistics", counted)
    checks.check("statistics of all", lambda: client.get_inference_statistics()["model_stats"][0])
    checks.check("log settings", lambda: same("log_info" in client.get_log_settings(), True))
    checks.check("trace settings", lambda: same("trace_level" in client.get_trace_settings(), True))
    checks.refused("unknown model", lambda: client.infer("nobody", inputs([1], True)), "nobody")
    checks.refused("unknown version", lambda: client.get_model_metadata("ramp", "99"), "99")
    narrow = triton.InferInput("features", [1, 3], "FP32")
    narrow.set_data_from_numpy(np.zeros((1, 3), np.float32))
    checks.refused("wrong shape", lambda: client.infer("ramp", [narrow]), "features", "[1, 3]")
    whole = triton.InferInput("features", [1, 32], "INT64")
    whole.set_data_from_numpy(np.zeros((1, 32), np.int64))
    checks.refused("wrong datatype", lambda: client.infer("ramp", [whole]), "INT64", "FP32")

    def kind() -> None:
        try:
            client.infer("nobody", inputs([1], True))
        except InferenceServerException as error:
            same(error.status(), "404")

    checks.check("an error is the client's own", kind)
    client.close()


async def waiting(url: str) -> None:
    """tritonclient.http.aio."""
    checks = Checks("tritonclient http aio")
    async with triton_aio.InferenceServerClient(url) as client:

        async def infer(binary: bool) -> None:
            outputs = [triton.InferRequestedOutput("score", binary_data=binary)]
            answer = await client.infer("ramp", inputs([7, 8], binary), outputs=outputs)
            same(answer.as_numpy("score").tolist(), [[7.0], [8.0]])

        async def at_once() -> None:
            calls = (client.infer("ramp", inputs([float(n)], True)) for n in range(32))
            answers = await asyncio.gather(*calls)
            same([a.as_numpy("score")[0, 0] for a in answers], [float(n) for n in range(32)])

        async def health() -> None:
            same(await client.is_server_live(), True)
            same(await client.is_server_ready(), True)
            same(await client.is_model_ready("ramp"), True)

        async def described() -> None:
            same((await client.get_server_metadata())["name"], "stadion")
            same((await client.get_model_metadata("ramp"))["name"], "ramp")
            same((await client.get_model_config("ramp"))["name"], "ramp")

        async def repository() -> None:
            names = {entry["name"] for entry in await client.get_model_repository_index()}
            same("spare" in names, True)
            await client.unload_model("spare")
            same(await client.is_model_ready("spare"), False)
            await client.load_model("spare")
            same(await client.is_model_ready("spare"), True)

        async def counted() -> None:
            found = await client.get_inference_statistics("ramp")
            assert found["model_stats"][0]["inference_count"] > 0
            everything = await client.get_inference_statistics()  # long: must not be deflated
            same({one["name"] for one in everything["model_stats"]} >= {"ramp", "spare"}, True)

        await checks.acheck("health", health)
        await checks.acheck("metadata and config", described)
        await checks.acheck("infer, JSON", lambda: infer(False))
        await checks.acheck("infer, binary", lambda: infer(True))
        await checks.acheck("infer, 32 at once", at_once)
        await checks.acheck("repository index, unload, load", repository)
        await checks.acheck("statistics", counted)
        await checks.arefused(
            "unknown model", lambda: client.infer("nobody", inputs([1], True)), "nobody"
        )


if __name__ == "__main__":
    blocking(orders()["http"])
    asyncio.run(waiting(orders()["http"]))
