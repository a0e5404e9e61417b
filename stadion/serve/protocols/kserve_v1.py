"""The calls that KServe's v1 protocol has beside TensorFlow Serving's in, replies out.

Predicting and the status of a model are in `tensorflow_serving`: the paths are the same.

References
----------
KServe, Data Plane (V1).
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from stadion.core.access import Access
from stadion.core.errors import Code, StadionError
from stadion.serve.protocols._openapi_v1 import KSERVE
from stadion.serve.protocols.base import Call, Reply, Route, Services
from stadion.serve.protocols.tensorflow_serving import PLUGIN as TENSORFLOW_SERVING

__all__ = ["PLUGIN", "KServeV1"]


class KServeV1:
    """What KServe's v1 clients ask for beside predictions."""

    name = "kserve_v1"
    summary = "KServe v1: the list of models, and that nothing is explained there"
    described = KSERVE

    def routes(self, services: Services) -> Sequence[Route]:
        """See `WireProtocol.routes`."""

        def models(_call: Call) -> Reply:
            return Reply(orjson.dumps({"models": services.plane.names()}))

        return [
            Route("GET", "/v1/models", models, Access.CATALOGUE),
            Route("POST", "/v1/models/{model}:explain", _explain, Access.PREDICT),
        ]

    def failure(self, error: StadionError) -> Reply:
        """As TensorFlow Serving's."""
        return TENSORFLOW_SERVING.failure(error)


def _explain(_call: Call) -> Reply:
    raise StadionError(
        Code.UNSUPPORTED, "explain is not answered by this server", "send instances to :predict"
    )


PLUGIN = KServeV1()
