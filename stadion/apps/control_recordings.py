"""The control REST's part about recordings: taken in, looked at, changed, given out, erased."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from stadion.apps.bodies import EditBody, JoinBody, ProfileBody
from stadion.apps.replies import received
from stadion.platform import Platform
from stadion.platform.encoding import MEDIA_TYPES
from stadion.platform.fields import chosen

__all__ = ["add_athletes", "add_recordings"]

Id = Annotated[str, Path(pattern=r"^[0-9a-f]{1,128}$")]
Who = Annotated[str, Path(max_length=64)]
Limit = Annotated[int, Query(ge=1, le=1_000)]
Words = Annotated[str | None, Query(max_length=2_000)]
Moment = Annotated[
    datetime | None, Query(description="a day or a moment; UTC where it names no zone")
]
_EVERYTHING = {"text/csv": "csv", "application/vnd.apache.arrow.stream": "arrow"}

_FILES = {
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv",
    "gpx": "application/gpx+xml",
    "json": "application/json",
}

_BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_FILE_IN: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/octet-stream": _BYTES}}
}
_STREAMS_OUT: dict[int | str, dict[str, Any]] = {
    200: {"content": dict.fromkeys(_EVERYTHING, _BYTES)}
}
_FILES_OUT: dict[int | str, dict[str, Any]] = {
    200: {"content": dict.fromkeys(_FILES.values(), _BYTES)}
}


def add_recordings(app: FastAPI, platform: Platform) -> None:
    """Routes over the archive of the platform's home."""

    @app.post("/api/v1/activities", tags=["activities"], openapi_extra=_FILE_IN)
    async def ingest(
        request: Request,
        name: Annotated[str, Query(max_length=256)] = "",
        athlete: Annotated[str, Query(max_length=64)] = "",
        map: Annotated[
            list[str], Query(max_length=64, description="COLUMN=CHANNEL[UNIT] of a table")
        ] = [],  # noqa: B006  # FastAPI copies it
    ) -> dict[str, Any]:
        """Upload one file or archive as the body; what is in it is kept once."""
        with tempfile.TemporaryDirectory(dir=_uploads(platform)) as folder:
            file = await received(request, FilePath(folder), name)
            return await run_in_threadpool(platform.ingest, [file], athlete, mapping=map)

    @app.post("/api/v1/guess", tags=["activities"], openapi_extra=_FILE_IN)
    async def guess(request: Request) -> dict[str, Any]:
        """How the table in the body would be read; `map` of the upload can say otherwise."""
        with tempfile.TemporaryDirectory(dir=_uploads(platform)) as folder:
            file = await received(request, FilePath(folder), "table")
            return await run_in_threadpool(platform.guess, file)

    @app.get("/api/v1/activities", tags=["activities"])
    def activities(
        request: Request,
        response: Response,
        athlete: str | None = None,
        sport: str | None = None,
        since: Moment = None,
        until: Moment = None,
        limit: Limit = 100,
        after: Annotated[str | None, Query(pattern=r"^[0-9a-f]{1,128}$")] = None,
        newest_first: bool = False,
        fields: Words = None,
    ) -> list[dict[str, Any]]:
        """Recordings by time. The header `Link` leads to the next page, while there is one."""
        page = platform.activities(
            athlete,
            sport,
            _zoned(since),
            _zoned(until),
            limit + 1,
            after,
            newest_first=newest_first,
        )
        if len(page) > limit:
            query = {**request.query_params, "after": page[limit - 1]["id"]}
            response.headers["Link"] = f'</api/v1/activities?{urlencode(query)}>; rel="next"'
        return [chosen(view, _split(fields)) for view in page[:limit]]

    @app.get("/api/v1/activities/{id}", tags=["activities"])
    def activity(id: Id, fields: Words = None) -> dict[str, Any]:
        """One recording: summary, laps, zones and quality, without its samples."""
        return chosen(platform.activity(id), _split(fields))

    @app.get("/api/v1/activities/{id}/streams", tags=["activities"], responses=_STREAMS_OUT)
    def streams(
        request: Request,
        id: Id,
        channels: Words = None,
        every_s: Annotated[float | None, Query(gt=0, le=86_400)] = None,
        points: Annotated[int | None, Query(ge=10, le=1_000_000)] = None,
        max_gap_s: Annotated[float, Query(ge=0, le=86_400)] = 30.0,
        format: Literal["json", "csv", "arrow"] | None = None,
    ) -> Any:
        """Samples per track, as they are, every so many seconds, or thinned out to so many points.

        `channels` is a list with commas. JSON unless `format` or the header Accept asks for CSV
        or an Arrow stream. No gap of over `max_gap_s` is bridged.
        """
        form = format or _EVERYTHING.get(request.headers.get("accept", ""), "json")
        wanted = _split(channels)
        if form == "json":
            return platform.streams(id, wanted, every_s, points, max_gap_s)
        data = platform.streams_as(form, id, wanted, every_s, points, max_gap_s)
        return Response(data, media_type=MEDIA_TYPES[form])

    @app.get(
        "/api/v1/activities/{id}/file",
        tags=["activities"],
        response_class=Response,
        responses=_FILES_OUT,
    )
    def file(id: Id, format: Literal["parquet", "csv", "gpx", "json"] = "json") -> Response:
        """The whole recording as a file that other programs read."""
        data = platform.export(id, format)
        named = {"Content-Disposition": f'attachment; filename="{id[:12]}.{format}"'}
        return Response(data, media_type=_FILES[format], headers=named)

    @app.patch("/api/v1/activities/{id}", tags=["activities"])
    def edit(id: Id, body: EditBody) -> dict[str, Any]:
        """Change what people say of a recording; what the file said is kept in its history."""
        return platform.edit(id, body.model_dump(exclude_unset=True))

    @app.get("/api/v1/activities/{id}/history", tags=["activities"])
    def history(id: Id) -> list[dict[str, Any]]:
        """Everything that was changed, by whom and when, with the values before."""
        return platform.history(id)

    @app.delete("/api/v1/activities/{id}", tags=["activities"])
    def erase(id: Id) -> dict[str, Any]:
        """Remove one recording with the twins that were merged into it, or a table."""
        return platform.erase(id)

    @app.post("/api/v1/activities/{id}/part", tags=["activities"])
    def part(id: Id) -> dict[str, Any]:
        """Take a recording out of the workout it was merged into, for good."""
        return platform.part(id)

    @app.post("/api/v1/activities/recognise", tags=["activities"])
    def recognise() -> dict[str, Any]:
        """Join what is one workout among all that is kept: for an archive of an earlier Stadion."""
        return platform.recognise()

    @app.post("/api/v1/activities/join", tags=["activities"])
    def join(body: JoinBody) -> dict[str, Any]:
        """Make recordings of one workout one, whatever was thought of them."""
        return platform.join(body.ids)

    @app.get("/api/v1/tables", tags=["activities"])
    def tables() -> list[Any]:
        """Tables in the archive: matches, strokes, days, sessions."""
        return platform.tables()


def add_athletes(app: FastAPI, platform: Platform) -> None:
    """Routes over the people whose recordings these are."""

    @app.get("/api/v1/athletes", tags=["athletes"])
    def athletes() -> list[dict[str, Any]]:
        """Who has recordings or a profile here."""
        return platform.athletes()

    @app.get("/api/v1/athletes/{athlete:path}", tags=["athletes"])
    def athlete(athlete: Who, day: date | None = None, fields: Words = None) -> dict[str, Any]:
        """Profile on a day (today), form curve, best efforts and totals."""
        return chosen(platform.athlete(athlete, day), _split(fields))

    @app.put("/api/v1/athletes/{athlete:path}/profile", tags=["athletes"])
    def profile(athlete: Who, body: ProfileBody) -> dict[str, Any]:
        """Say what holds of an athlete from some day on."""
        values = body.model_dump(exclude_none=True, exclude={"day"})
        return platform.set_profile(athlete, values, body.day)

    @app.delete("/api/v1/athletes/{athlete:path}", tags=["athletes"])
    def erase(athlete: Who) -> dict[str, Any]:
        """Erase everything of an athlete: recordings, profile, history."""
        return platform.erase_athlete(athlete)


def _uploads(platform: Platform) -> FilePath:
    """Nothing that comes in lies outside the home, not even for the time of its reading."""
    folder = platform.home.sockets / "uploads"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _zoned(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _split(words: str | None) -> Sequence[str] | None:
    return [word.strip() for word in words.split(",") if word.strip()] if words else None
