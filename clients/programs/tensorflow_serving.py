"""Calls as TensorFlow Serving's REST guide shows them, by requests, against the server."""

from __future__ import annotations

import json
from typing import Any

import requests

from clients.checks import Checks, orders, row, same

LIMIT_S = 20


def main(url: str) -> None:
    """Status, metadata, predictions in both forms, and errors."""
    checks = Checks("tensorflow serving")
    session = requests.Session()

    def get(path: str) -> Any:
        reply = session.get(f"{url}/v1/models/{path}", timeout=LIMIT_S)
        same(reply.status_code, 200)
        return reply.json()

    def predict(path: str, content: Any, status: int = 200) -> Any:
        data = json.dumps(content)
        reply = session.post(f"{url}/v1/models/{path}:predict", data=data, timeout=LIMIT_S)
        same(reply.status_code, status)
        return reply.json()

    def state() -> None:
        found = get("ramp")["model_version_status"][0]
        same((found["version"], found["state"]), ("1", "AVAILABLE"))
        same(found["status"]["error_code"], "OK")

    def described() -> None:
        found = get("ramp/metadata")
        same(found["model_spec"]["name"], "ramp")
        signature = found["metadata"]["signature_def"]["signature_def"]["serving_default"]
        same(signature["inputs"]["features"]["dtype"], "DT_FLOAT")

    def flat(answer: Any) -> list[float]:
        return [one[0] if isinstance(one, list) else one for one in answer]

    def rows() -> None:
        same(flat(predict("ramp", {"instances": [row(7), row(8)]})["predictions"]), [7.0, 8.0])

    def named_rows() -> None:
        content = {
            "signature_name": "serving_default",
            "instances": [{"features": row(7)}, {"features": row(8)}],
        }
        same(flat(predict("ramp", content)["predictions"]), [7.0, 8.0])

    def columns() -> None:
        same(flat(predict("ramp", {"inputs": [row(7), row(8)]})["outputs"]), [7.0, 8.0])

    def named_columns() -> None:
        content = {"inputs": {"features": [row(7), row(8)]}}
        same(flat(predict("ramp", content)["outputs"]), [7.0, 8.0])

    def refused(path: str, content: Any, status: int) -> None:
        same(list(predict(path, content, status)), ["error"])

    one = {"instances": [row(3)]}
    checks.check("model status", state)
    checks.check("version status", lambda: get("ramp/versions/1")["model_version_status"])
    checks.check("metadata", described)
    checks.check("predict, rows", rows)
    checks.check("predict, named rows", named_rows)
    checks.check("predict, columns", columns)
    checks.check("predict, named columns", named_columns)
    checks.check("predict, of a version", lambda: predict("ramp/versions/1", one))
    checks.check("unknown model", lambda: refused("nobody", one, 404))
    checks.check("unknown version", lambda: refused("ramp/versions/99", one, 404))
    checks.check("both forms at once", lambda: refused("ramp", one | {"inputs": [row(3)]}, 400))
    checks.check("wrong shape", lambda: refused("ramp", {"instances": [[1.0, 2.0]]}, 400))
    checks.check("no JSON", lambda: refused("ramp", "hello", 400))


if __name__ == "__main__":
    main(f"http://{orders()['http']}")
