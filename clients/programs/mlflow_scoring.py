"""MLflow's own scoring client and its payload writer against a server with one model."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import requests
from mlflow.deployments import PredictionsResponse
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from mlflow.utils.proto_json_utils import dump_input_data

from clients.checks import FEATURES, Checks, orders, row, same

LIMIT_S = 20
JSON, CSV = "application/json", "text/csv"


def main(address: str) -> None:
    """Health, every kind of payload, and errors."""
    checks = Checks("mlflow")
    host, _, port = address.rpartition(":")
    client = ScoringServerClient(host, int(port))
    rows = np.array([row(7), row(8)], np.float64)
    table = pd.DataFrame(rows, columns=[f"f{n}" for n in range(FEATURES)])

    def post(data: Any, kind: str = JSON, status: int = 200) -> Any:
        reply = requests.post(
            f"http://{address}/invocations",
            data=data,
            headers={"Content-Type": kind},
            timeout=LIMIT_S,
        )
        same(reply.status_code, status)
        return reply

    def good(text: str) -> None:
        found = PredictionsResponse.from_json(text).get_predictions()
        same(np.ravel(found.to_numpy()).tolist(), [7.0, 8.0])

    def invoked(data: Any) -> None:
        good(client.invoke(data).to_json())

    def refused(data: Any, kind: str, status: int) -> None:
        found = post(data, kind, status).json()
        same(sorted(found), ["error_code", "message"])

    records = {"dataframe_records": table.to_dict(orient="records")}
    instances = {"instances": rows.tolist()}
    named = {"inputs": {"features": rows.tolist()}}
    both = named | instances
    checks.check("ping", client.ping)
    checks.check("version", lambda: same(client.get_version() != "", True))
    checks.check("ready", lambda: client.wait_server_ready(timeout=5))
    checks.check("invoke, array", lambda: invoked(rows))
    checks.check("invoke, list", lambda: invoked(rows.tolist()))
    checks.check("invoke, DataFrame", lambda: invoked(table))
    checks.check("payload, dataframe_split", lambda: good(post(dump_input_data(table)).text))
    checks.check("payload, dataframe_records", lambda: good(post(json.dumps(records)).text))
    checks.check("payload, instances", lambda: good(post(json.dumps(instances)).text))
    checks.check("payload, inputs", lambda: good(post(json.dumps(named)).text))
    checks.check("payload, CSV", lambda: good(post(table.to_csv(index=False), CSV).text))
    checks.check("two payloads at once", lambda: refused(json.dumps(both), JSON, 400))
    checks.check("no JSON", lambda: refused("hello", JSON, 400))
    checks.check("foreign content type", lambda: refused("hello", "text/plain", 415))
    checks.refused("an error through the client", lambda: client.invoke([[1.0, 2.0]]), "400")


if __name__ == "__main__":
    main(orders()["single"])
