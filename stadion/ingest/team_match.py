"""Tracking and events of football matches in, activities and tables of events out."""

from __future__ import annotations

from collections.abc import Sequence

from stadion.core.activity import Activity, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest.base import Member, activity_id, digest_of, source_of
from stadion.ingest.teamsport.families import Family, match_of, matches_in

__all__ = ["PLUGIN", "TeamMatchReader"]


class TeamMatchReader:
    """Whatever of one match lies in one folder or archive, from one provider.

    Tracking of Metrica, Tracab, Second Spectrum, SkillCorner, Sportec and StatsPerform becomes
    an activity with a track per player (`home 7`) and one for the ball; events of StatsBomb,
    Wyscout, Opta, DataFactory, Sportec, Metrica and StatsPerform become a table of kind
    `events`. kloppy does the decoding and must be installed.
    """

    name = "team_match"
    layout = "Tracking or event files of a football data provider, with the metadata beside them."
    guesses = False

    def example(self) -> list[Member]:
        """Two frames of two players a side and the ball."""
        return [
            Member.of("match_home.csv", _tracking("Home", (11, 1), "0.10,0.20,0.30,0.40")),
            Member.of("match_away.csv", _tracking("Away", (25, 15), "0.90,0.80,0.70,0.60")),
        ]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """The files of each match, told by their first bytes."""
        return matches_in(members)

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity for its tracking, one table for its events."""
        match = match_of(group)
        if not match.families:
            raise StadionError(Code.INVALID, "no tracking or event file of a known provider")
        for family in match.families:
            for part in family.needs:
                if part not in match.members:
                    raise StadionError(
                        Code.INVALID,
                        f"a {family.anchor} file without the {part} file beside it; "
                        "put both into one folder or archive",
                    )
        datas = {member.path: member.data for member in group}
        digest = digest_of(datas.values())
        values: list[Activity | Table] = []
        for family in match.families:
            parts = {p: datas[match.members[p].path] for p in family.parts if p in match.members}
            name = match.members[family.anchor].path
            values.append(self._value(family, parts, digest, name, len(values)))
        return values

    def _value(
        self, family: Family, parts: dict[str, bytes], digest: str, name: str, index: int
    ) -> Activity | Table:
        try:
            # The library is optional and takes a quarter of a second to load.
            from stadion.ingest.teamsport.events import table_of
            from stadion.ingest.teamsport.loading import TRACKING, loaded
            from stadion.ingest.teamsport.tracking import activity_of
        except ImportError as error:
            raise StadionError(
                Code.UNSUPPORTED, "matches need kloppy: pip install 'stadion[team]'"
            ) from error
        source = source_of(self.name, name, digest)
        try:
            if family.name in TRACKING:
                identity = activity_id(digest, index)
                return activity_of(loaded(family, parts), identity, source, family.name)
            return table_of(loaded(family, parts), source, family.name)
        except StadionError:
            raise
        except (AttributeError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise StadionError(
                Code.INVALID, f"files of {family.name} with values that cannot be: {error}"
            ) from error


def _tracking(team: str, numbers: tuple[int, int], places: str) -> bytes:
    one, two = numbers
    return (
        f",,,{team},,{team},,\n,,,{one},,{two},,\n"
        f"Period,Frame,Time [s],Player{one},,Player{two},,Ball,\n"
        f"1,1,0.04,{places},0.5,0.5\n1,2,0.08,{places},0.51,0.52\n"
    ).encode()


PLUGIN = TeamMatchReader()
