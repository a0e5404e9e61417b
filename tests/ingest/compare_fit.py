"""Compares every healthy FIT file of the corpus, whole, with fitdecode and the slow decoder.

`python -m tests.ingest.compare_fit` takes some minutes; the tests do the same with the long
files shortened. `python -m tests.ingest.compare_fit NAME` compares the files of that name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.ingest.fit_differences import EXCEPTIONS, differences
from tests.ingest.fit_truth import oracle
from tests.ingest.fit_twins import disagreements
from tests.ingest.real_files import index, only, raw, read_bytes

__all__ = ["healthy", "unexplained"]

_NO_RECORDING = ("fit/tormoder__Settings2.fit",)


def healthy() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of the FIT files that fitdecode reads without complaint."""
    for name, row in index().items():
        is_read = name.startswith("fit/") and row["reader_status"] == "ok"
        if is_read and name not in _NO_RECORDING and (data := raw(name)):
            yield name, data


def unexplained(data: bytes) -> list[str]:
    """Where Stadion and fitdecode differ and none of the exceptions says why."""
    activity = only(read_bytes("fit", data))
    found = differences(data, activity, oracle(data))
    return [each for each in found if not each.startswith(tuple(EXCEPTIONS))]


def main() -> None:
    """One line per file; ends with 1 when anything differs."""
    wrong = 0
    for name, data in healthy():
        if all(asked in name for asked in sys.argv[1:]):
            found = [*unexplained(data), *(f"slow twin: {each}" for each in disagreements(data))]
            wrong += len(found)
            print(f"{name}: {'; '.join(found[:5]) or 'equal'}", flush=True)
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
