"""The throwaway process of a trial: an order on standard input, the outcome on standard output."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from stadion.core.errors import Code, StadionError
from stadion.serve.messages import TrialOrder, TrialOutcome, decode, encode, failure_of
from stadion.serve.processes import die_with_parent

__all__ = ["main"]

_NICE = 10  # workers that answer on the same cores go first


def main() -> None:
    """Bound this process, then open the model."""
    order: TrialOrder = decode(sys.stdin.buffer.read(), TrialOrder)
    die_with_parent(order.parent)
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_AS, (order.bytes, order.bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(encode(_try(order)))


def _try(order: TrialOrder) -> TrialOutcome:
    from stadion.serve.loading import load_version

    try:
        found = load_version(0, order.package, Path(order.plugins) if order.plugins else None)
    except MemoryError:
        return TrialOutcome(
            failure=failure_of(
                StadionError(Code.INVALID, f"the model needs more than {order.bytes >> 20} MiB")
            )
        )
    except Exception as error:  # noqa: BLE001  # the outcome of a trial, whatever it is
        return TrialOutcome(failure=failure_of(error))
    return TrialOutcome(found.load_ms, found.plan)


if __name__ == "__main__":
    main()
