"""What schemathesis must know beyond the document: hooks, named in `schemathesis.toml`."""

from __future__ import annotations

from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure

RAW = "Inference-Header-Content-Length"


@schemathesis.hook
def filter_failure(
    _context: HookContext, failure: Failure, case: Case[Any], _response: Response
) -> bool:
    """A body that is announced as one raw tensor need not be the JSON that it looks like."""
    announced = str(dict(case.headers or {}).get(RAW, ""))
    return not (failure.code == "ST201" and announced == "0")
