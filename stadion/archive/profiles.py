"""What is known of an athlete, each fact from some day on; on any day a profile out."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import orm

from stadion.archive.catalogue import Catalogue
from stadion.archive.rows import ActivityRow, ProfileRow, moment
from stadion.core.errors import Code, StadionError
from stadion.core.profile import Profile

__all__ = ["Fact", "Profiles", "forget", "mark_stale", "profile_on"]

_FILE = "file"
# As text, since they are asked for every recording that comes in.
_FILES_SAY = sa.text(
    "SELECT profile FROM activities WHERE athlete = :athlete AND profile != '{}' AND day != ''"
    " AND day <= :day GROUP BY profile ORDER BY max(start_us)"
)
_PEOPLE_SAY = sa.text(
    'SELECT "values" FROM profiles WHERE athlete = :athlete AND day <= :day ORDER BY day, number'
)


@dataclass(frozen=True, slots=True)
class Fact:
    """What one source said of an athlete.

    Parameters
    ----------
    source
        Who said it; `file` for what a recording's own file holds.
    recorded
        When it was said; None for a file's.
    recording
        Id of the recording whose file says so.
    """

    day: date
    source: str
    profile: Profile
    recorded: datetime | None = None
    recording: str = ""


@dataclass(frozen=True, slots=True)
class Profiles:
    """The dated profiles of an archive's athletes; '' is the one nobody named.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> from stadion.archive import Archive
    >>> profiles = Archive.open(Path(mkdtemp())).profiles
    >>> profiles.set("ada", date(2026, 1, 1), Profile(ftp_w=240, mass_kg=61), "lab test")
    >>> profiles.set("ada", date(2026, 3, 1), Profile(ftp_w=250), "ramp test")
    >>> profiles.on("ada", date(2026, 4, 1)).known
    {'mass_kg': 61, 'ftp_w': 250}
    """

    catalogue: Catalogue

    def set(self, athlete: str, day: date, part: Profile, source: str = "person") -> None:
        """From that day on, what `part` knows is so; what it does not know stays as it was.

        Metrics of the athlete's workouts from that day on are made anew when they are asked for.

        Raises
        ------
        StadionError
            INVALID when `part` knows nothing, or `source` is the word kept for files.
        """
        if not part.known:
            raise StadionError(Code.INVALID, "the profile says nothing; expected a value at least")
        if source == _FILE or not source:
            raise StadionError(
                Code.INVALID, f"source is {source!r}; expected who says it, such as 'person'"
            )
        with self.catalogue.writing() as session:
            session.add(
                ProfileRow(
                    athlete=athlete,
                    day=day.isoformat(),
                    values=json.dumps(part.known),
                    source=source,
                    at_us=time.time_ns() // 1000,
                )
            )
            mark_stale(session, athlete, day)

    def on(self, athlete: str, day: date | None = None) -> Profile:
        """Latest known values up to that day, each field by itself; None = up to now."""
        with self.catalogue.reading() as session:
            return profile_on(session, athlete, day)

    def history(self, athlete: str) -> list[Fact]:
        """Everything that was ever said, by day; what files say among it."""
        with self.catalogue.reading() as session:
            facts = [*_of_files(session, athlete), *_of_people(session, athlete)]
        return sorted(facts, key=lambda fact: fact.day)

    def athletes(self) -> list[str]:
        """Everybody of whom there is a workout or a profile; '' is the one nobody named."""
        with self.catalogue.reading() as session:
            named = set(session.scalars(sa.select(ActivityRow.athlete).distinct()))
            named |= set(session.scalars(sa.select(ProfileRow.athlete).distinct()))
        return sorted(named)


def profile_on(
    session: orm.Session, athlete: str, day: date | None, own: Profile | None = None
) -> Profile:
    """Latest known values up to a day.

    What a person said counts more than what files say, however old it is.

    Parameters
    ----------
    own
        What the file of a recording of that day says that is not in the catalogue yet.
    """
    asked = {"athlete": athlete, "day": "9999-12-31" if day is None else day.isoformat()}
    texts = list(session.scalars(_FILES_SAY, asked))
    texts += [json.dumps(own.known)] if own else []
    texts += list(session.scalars(_PEOPLE_SAY, asked))
    profile = Profile()
    for text in texts:
        profile = profile.updated(Profile(**json.loads(text)))
    return profile


def _of_files(session: orm.Session, athlete: str) -> list[Fact]:
    row = ActivityRow
    query = (
        sa.select(row.day, row.profile, row.id)
        .where(row.athlete == athlete, row.profile != "{}", row.day != "")
        .order_by(row.start_us, row.id)
    )
    return [
        Fact(date.fromisoformat(day), _FILE, Profile(**json.loads(values)), None, recording)
        for day, values, recording in session.execute(query)
    ]


def _of_people(session: orm.Session, athlete: str) -> list[Fact]:
    said = sa.select(ProfileRow).where(ProfileRow.athlete == athlete)
    return [
        Fact(
            date.fromisoformat(row.day),
            row.source,
            Profile(**json.loads(row.values)),
            moment(row.at_us),
        )
        for row in session.scalars(said.order_by(ProfileRow.day, ProfileRow.number))
    ]


def mark_stale(session: orm.Session, athlete: str, day: date) -> None:
    """The metrics of an athlete's workouts from that day on no longer hold."""
    row = ActivityRow
    session.execute(
        sa.update(row)
        .where(row.athlete == athlete, row.workout == row.id, row.day >= day.isoformat())
        .values(is_stale=True)
        .execution_options(synchronize_session=False)
    )


def forget(session: orm.Session, athletes: Sequence[str]) -> int:
    """Strike out all that people said of athletes; how many lines that were."""
    gone = session.execute(sa.delete(ProfileRow).where(ProfileRow.athlete.in_(athletes)))
    return int(getattr(gone, "rowcount", 0))
