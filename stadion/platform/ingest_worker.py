"""Jobs in, recordings read and written for the archive out: one process of several.

`python -m stadion.platform.ingest_worker` reads JSON from its standard input, a line of settings
and then a job a line, and answers a line for each recording and one at the end of each job. It
ends with its input, or when nobody reads its answers any more.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from stadion.archive import Archive, Tables
from stadion.core.errors import StadionError
from stadion.ingest import Archives, Job
from stadion.platform.keeping import Found, found_in
from stadion.platform.reading import readers

__all__ = ["Answer", "Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker has to know before its first job."""

    archive: str
    plugins: str
    athlete: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One recording, or group of files, of a job; or, without one, the job's end.

    `error` is a failure of the archive itself: no other file would fare better.
    """

    found: Found | None = None
    error: str = ""


def main() -> None:
    """Serve until the input ends."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # whatever a plug-in prints must not stand between the answers
        lines = iter(sys.stdin.buffer)
        settings = msgspec.json.decode(next(lines), type=Settings)
        try:
            _serve(lines, settings, answers)
        except BrokenPipeError:
            os._exit(1)


def _serve(lines: object, settings: Settings, answers: IO[bytes]) -> None:
    archive = Archive.open(Path(settings.archive))
    tables = Tables(Path(settings.archive) / "tables")
    known = readers(Path(settings.plugins) if settings.plugins else None)
    with Archives() as archives:
        for line in lines:  # type: ignore[attr-defined]
            job = msgspec.json.decode(line, type=Job)
            try:
                for opened in job.run(known, settings.athlete, True, archives):
                    _tell(answers, Answer(found_in(opened, archive, tables, sync=False)))
            except StadionError as error:
                _tell(answers, Answer(error=error.message))
            _tell(answers, Answer())


def _tell(answers: IO[bytes], answer: Answer) -> None:
    answers.write(msgspec.json.encode(answer) + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
