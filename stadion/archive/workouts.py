"""Rows of recordings in, those of one workout joined: recognised, joined by hand, taken apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy import orm

from stadion.archive.candidates import candidates, unseen_beside
from stadion.archive.catalogue import Catalogue
from stadion.archive.clocks import Pace, pace_of
from stadion.archive.history import changed, current_edits, note
from stadion.archive.merging import Part, merged
from stadion.archive.profiles import profile_on
from stadion.archive.rows import ActivityRow, ApartRow
from stadion.archive.summary import facts_of, fill
from stadion.archive.twins import About, Verdict, compared, may_be_one
from stadion.core.activity import Activity
from stadion.core.errors import Code, StadionError
from stadion.science.times import local_date

__all__ = ["Workouts", "merged_activity"]

_US = 1_000_000
_COVERS = 0.9
_MACHINE = "stadion"
"""Who joins recordings by themselves, in the history."""


@dataclass(slots=True)
class Workouts:
    """The recordings of one writing session, as workouts.

    Parameters
    ----------
    read
        Recording -> the activity as its file holds it.
    """

    catalogue: Catalogue
    session: orm.Session
    read: Callable[[str], Activity]
    _paces: dict[str, Pace] = field(default_factory=dict)

    def recognise(self, row: ActivityRow, pending: Iterable[str] = ()) -> str:
        """Join a new recording to what it is a twin of; the id that led that before, or ''.

        Parameters
        ----------
        pending
            Recordings that are new as well and whose turn comes later.
        """
        self._look_at(row)
        if not row.can_be_twin:
            return ""
        found: list[tuple[Verdict, str, list[ActivityRow]]] = []
        for members in self._candidates(row, pending):
            verdict, twin = self._judged(row, members)
            if verdict.is_twin:
                found.append((verdict, twin, members))
        found.sort(key=lambda each: -each[0].score)
        former = found[0][2][0].workout if found else ""
        joined: list[ActivityRow] = [row]
        reasons: list[str] = []
        for verdict, twin, members in found:
            if all(self._fit(one, other) for one in joined[1:] for other in members):
                self._set_clocks(row, members, twin, verdict.shift_s, is_first=len(joined) == 1)
                joined += members
                reasons.append(verdict.why)
        if len(joined) > 1:
            self._lead(joined, _MACHINE, "; ".join(reasons))
        return former

    def join(self, rows: Sequence[ActivityRow], who: str) -> str:
        """Make one workout of several because somebody says so; the id that leads it.

        Raises
        ------
        StadionError
            INVALID when they are one already or one has no date; CONFLICT when athletes differ.
        """
        groups = {row.workout: self.catalogue.members(row.id, self.session) for row in rows}
        if len(groups) < 2:
            raise StadionError(Code.INVALID, "these are one workout already; expected several")
        everyone = [row for group in groups.values() for row in group]
        if any(row.start_us is None for row in everyone):
            raise StadionError(Code.INVALID, "a recording without a date cannot be joined")
        if len(names := sorted({row.athlete for row in everyone} - {""})) > 1:
            raise StadionError(
                Code.CONFLICT,
                f"these are of {len(names)} athletes; expected one",
                "edit the athlete of the wrong one first",
            )
        self._let_together([row.id for row in everyone])
        first, *others = groups.values()
        for group in others:
            shift = self._compare(first[0], group[0]).shift_s
            moved = first[0].correction_s + shift - group[0].correction_s
            for row in group:
                row.correction_s += moved
        self._lead(everyone, who, "by hand")
        return everyone[0].workout

    def part(self, row: ActivityRow, who: str) -> None:
        """Take one recording out of its workout; it is never joined to these again by itself.

        Raises
        ------
        StadionError
            INVALID when it is the only one.
        """
        members = self.catalogue.members(row.id, self.session)
        rest = [other for other in members if other.id != row.id]
        if not rest:
            raise StadionError(
                Code.INVALID, f"activity {row.id[:12]} is one recording; nothing to take apart"
            )
        before = [member.id for member in members]
        for other in rest:
            one, two = sorted((row.id, other.id))
            self.session.merge(ApartRow(one=one, other=two))
        row.workout, row.correction_s = row.id, 0.0
        note(self.session, row.id, who, "part", before, [row.id])
        leader = _leader(rest)
        note(self.session, leader.id, who, "part", before, sorted(other.id for other in rest))
        for other in rest:
            other.workout = leader.id
        self.session.flush()
        self.refresh([row])
        self.refresh(rest)

    def refresh(self, members: Sequence[ActivityRow]) -> None:
        """Make the rows of one workout say what its recordings and edits say now."""
        ids = [row.id for row in members]
        leader = next(row for row in members if row.id == row.workout)
        activity = merged_activity(members, self.read, current_edits(self.session, ids))
        for row in members:
            row.athlete = activity.athlete
            row.is_stale = False
        self.session.flush()
        day = local_date(activity)
        profile = profile_on(self.session, activity.athlete, day, activity.profile)
        fill(leader, facts_of(activity, profile), is_own=len(members) == 1)

    def _look_at(self, row: ActivityRow) -> None:
        """Let a row of schema 1 know what tells twins."""
        if not row.source and row.start_us is not None:
            self.refresh([row])
            self.session.flush()

    def _candidates(self, row: ActivityRow, pending: Iterable[str]) -> list[list[ActivityRow]]:
        """Workouts worth comparing with a recording."""
        for unseen in unseen_beside(self.session, row):
            self._look_at(self.session.get_one(ActivityRow, unseen))
        workouts = candidates(self.session, row, pending)
        return [self.catalogue.members(workout, self.session) for workout in workouts]

    def _judged(self, row: ActivityRow, members: Sequence[ActivityRow]) -> tuple[Verdict, str]:
        """The best verdict about a recording and a workout's; none when one speaks against it."""
        nobody = Verdict(is_twin=False, is_other=False)
        if self._are_apart(row.id, [member.id for member in members]):
            return nobody, ""
        best, twin = nobody, ""
        for member in members:
            if not may_be_one(_about(row), _about(member)):
                return nobody, ""
            verdict = self._compare(member, row)
            if verdict.is_other:
                return nobody, ""
            if verdict.is_twin and verdict.score > best.score:
                best, twin = verdict, member.id
        return best, twin

    def _compare(self, one: ActivityRow, other: ActivityRow) -> Verdict:
        if not (one.can_be_twin and other.can_be_twin):
            return Verdict(is_twin=False, is_other=False)
        return compared(self._pace(one.id), self._pace(other.id), _about(one), _about(other))

    def _pace(self, recording: str) -> Pace:
        if recording not in self._paces:
            self._paces[recording] = pace_of(self.read(recording))
        return self._paces[recording]

    def _fit(self, one: ActivityRow, other: ActivityRow) -> bool:
        """Whether two that both have the new one as a twin may be one: nothing speaks against it.

        Parts of a whole share no time, a strap and a power meter no channel; two people do.
        """
        return (
            one.athlete in ("", other.athlete or one.athlete)
            and not self._are_apart(one.id, [other.id])
            and not self._compare(one, other).is_other
        )

    def _set_clocks(
        self,
        row: ActivityRow,
        members: Sequence[ActivityRow],
        twin: str,
        shift_s: float,
        is_first: bool,
    ) -> None:
        """One clock for all: the first workout's."""
        match = next(member for member in members if member.id == twin)
        if is_first:
            row.correction_s = match.correction_s + shift_s
            return
        moved = row.correction_s - shift_s - match.correction_s
        for member in members:
            member.correction_s += moved

    def _lead(self, rows: Sequence[ActivityRow], who: str, why: str) -> None:
        """Give rows one leader, write it down and say in its row what the workout is."""
        led = {row.workout for row in rows}
        leader = _leader(rows)
        for row in rows:
            row.workout = leader.id
        self.session.flush()
        note(
            self.session, leader.id, who, "join",
            {"workouts": sorted(led)}, {"recordings": sorted(r.id for r in rows), "why": why},
        )  # fmt: skip
        self.refresh([leader, *(row for row in rows if row is not leader)])

    def _are_apart(self, recording: str, others: Iterable[str]) -> bool:
        pairs = [tuple(sorted((recording, other))) for other in others]
        held = sa.tuple_(ApartRow.one, ApartRow.other).in_(pairs)
        return self.session.scalar(sa.select(ApartRow.one).where(held).limit(1)) is not None

    def _let_together(self, ids: Sequence[str]) -> None:
        self.session.execute(
            sa.delete(ApartRow).where(ApartRow.one.in_(ids), ApartRow.other.in_(ids))
        )


def merged_activity(
    members: Sequence[ActivityRow], read: Callable[[str], Activity], edits: dict[str, object]
) -> Activity:
    """A workout from its recordings' files, with what was changed by hand."""
    leader = next(row for row in members if row.id == row.workout)
    order = [leader, *sorted((r for r in members if r is not leader), key=_order)]
    return changed(merged([Part(read(row.id), row.correction_s) for row in order]), edits)


def _leader(rows: Sequence[ActivityRow]) -> ActivityRow:
    """Who tells the others' times and laps: one that covers most of the whole, then by rank."""
    begins = [(row.start_us or 0) / _US + row.correction_s for row in rows]
    ends = [begin + row.duration_s for begin, row in zip(begins, rows, strict=True)]
    whole = max(ends) - min(begins)
    longest = max(row.duration_s for row in rows)
    enough = min(_COVERS * whole, longest)
    return min((row for row in rows if row.duration_s >= enough), key=_order)


def _order(row: ActivityRow) -> tuple[int, int, str]:
    return row.rank, -row.known_values, row.id


def _about(row: ActivityRow) -> About:
    return About(row.source, row.athlete, row.sport, (row.start_us or 0) / _US, row.duration_s)
