"""The platform's verbs about recordings, on a running server."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

from stadion.client.wire import View, Wire, quoted
from stadion.core.errors import Code, StadionError

__all__ = ["Recordings"]


class Recordings(Wire):
    """Files in, activities and tables kept there."""

    def ingest(
        self,
        paths: Iterable[str | Path],
        athlete: str = "",
        progress: Callable[[str, int, int], None] | None = None,
        *,
        workers: int | None = None,
        mapping: Sequence[str] = (),
    ) -> View:
        """Upload files, and folders as one archive each; the server has workers of its own."""
        total: View = {
            "added": [], "known": 0, "twins": [], "tables": 0, "refused": [], "repairs": [],
            "files": [],
        }  # fmt: skip
        given = [Path(path) for path in paths]
        for number, path in enumerate(given):
            if progress:
                progress(path.name, number, len(given))
            with _uploaded(path) as (name, body):
                query = {"name": name, "athlete": athlete, "map": list(mapping)}
                report = self._view("POST", "activities", query, body)
            for key, value in report.items():
                total[key] += value
        return total

    def guess(self, file: str | Path) -> View:
        """How a table would be read when nobody states its columns; nothing is kept."""
        with _uploaded(Path(file)) as (_, body):
            return self._view("POST", "guess", body=body)

    def activities(
        self,
        athlete: str | None = None,
        sport: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        after: str | None = None,
        newest_first: bool = False,
    ) -> list[View]:
        """Workouts in the archive, by time; `after` is the id of the last one known."""
        query = {
            "athlete": athlete,
            "sport": sport,
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "newest_first": "true" if newest_first else None,
        }
        found: list[View] = []
        while limit is None or len(found) < limit:
            size = _PAGE if limit is None else min(_PAGE, limit - len(found))
            page = list(self._call("GET", "activities", query | {"limit": size, "after": after}))
            found += page
            if len(page) < size:
                break
            after = page[-1]["id"]
        return found

    def activity(self, id: str) -> View:
        """One recording: summary, laps, zones and quality, without its samples."""
        return self._view("GET", f"activities/{quoted(id)}")

    def streams(
        self,
        id: str,
        channels: Sequence[str] | None = None,
        every_s: float | None = None,
        points: int | None = None,
        max_gap_s: float = 30.0,
    ) -> list[View]:
        """Samples of one recording per track; null = missing."""
        query = _how(channels, every_s, points, max_gap_s)
        return list(self._call("GET", f"activities/{quoted(id)}/streams", query))

    def streams_as(
        self,
        form: str,
        id: str,
        channels: Sequence[str] | None = None,
        every_s: float | None = None,
        points: int | None = None,
        max_gap_s: float = 30.0,
    ) -> bytes:
        """The same as CSV or as an Arrow stream."""
        query = _how(channels, every_s, points, max_gap_s) | {"format": form}
        return self._bytes(f"activities/{quoted(id)}/streams", query)

    def export(self, id: str, kind: str = "json") -> bytes:
        """The whole recording as a file: parquet, csv, gpx or json."""
        return self._bytes(f"activities/{quoted(id)}/file", {"format": kind})

    def edit(self, id: str, changes: Mapping[str, Any]) -> View:
        """Change what people say of a recording: title, sport, sub_sport, athlete, laps."""
        return self._view("PATCH", f"activities/{quoted(id)}", body=changes)

    def history(self, id: str) -> list[View]:
        """Everything that was changed, by whom and when, with the values before."""
        return list(self._call("GET", f"activities/{quoted(id)}/history"))

    def part(self, id: str) -> View:
        """Take a recording out of the workout it was merged into, for good."""
        return self._view("POST", f"activities/{quoted(id)}/part")

    def join(self, ids: Sequence[str]) -> View:
        """Make recordings of one workout one, whatever was thought of them."""
        return self._view("POST", "activities/join", body={"ids": list(ids)})

    def recognise(self) -> View:
        """Join what is one workout among all that is kept: for an archive of an earlier Stadion."""
        return self._view("POST", "activities/recognise")

    def erase(self, id: str) -> View:
        """Remove one recording with its twins from the archive."""
        return self._view("DELETE", f"activities/{quoted(id)}")

    def tables(self) -> list[View]:
        """Tables in the archive: matches, strokes, days, sessions."""
        return list(self._call("GET", "tables"))

    def athletes(self) -> list[View]:
        """Who has recordings or a profile here."""
        return list(self._call("GET", "athletes"))

    def athlete(self, name: str, day: date | None = None) -> View:
        """Profile on a day (today), form curve, best efforts and totals."""
        query = {"day": day.isoformat() if day else None}
        return self._view("GET", f"athletes/{quoted(name)}", query)

    def set_profile(self, name: str, values: Mapping[str, Any], day: date | None = None) -> View:
        """Say what holds of an athlete from some day on."""
        body = dict(values) | ({"day": day.isoformat()} if day else {})
        return self._view("PUT", f"athletes/{quoted(name)}/profile", body=body)

    def erase_athlete(self, name: str) -> View:
        """Erase everything of an athlete: recordings, profile, history."""
        return self._view("DELETE", f"athletes/{quoted(name)}")


_PAGE = 1_000


def _how(
    channels: Sequence[str] | None, every_s: float | None, points: int | None, max_gap_s: float
) -> View:
    wanted: View = {"channels": _commas(channels), "every_s": every_s, "points": points}
    return wanted | {"max_gap_s": max_gap_s}


def _commas(words: Sequence[str] | None) -> str | None:
    return ",".join(words) if words else None


@contextmanager
def _uploaded(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and bytes of what is sent: the file, or a folder packed into one archive."""
    if not path.exists():
        raise StadionError(Code.NOT_FOUND, f"there is no file or folder {str(path)!r}")
    try:
        if path.is_file():
            with path.open("rb") as file:
                yield path.name, file
            return
        with tempfile.TemporaryFile() as packed:
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
                for file_path in sorted(p for p in path.rglob("*") if p.is_file()):
                    archive.write(file_path, file_path.relative_to(path.parent).as_posix())
            packed.seek(0)
            yield f"{path.resolve().name}.zip", packed
    except OSError as error:
        raise StadionError(Code.NOT_FOUND, f"cannot read {str(path)!r}: {error.strerror}") from None
