"""Which recordings must stay together in a split: one athlete's, and twins of one workout."""

from __future__ import annotations

from collections.abc import Sequence

from stadion.core.activity import Activity

__all__ = ["recording_groups"]


def recording_groups(activities: Sequence[Activity]) -> list[str]:
    """A group name for each activity.

    An athlete's recordings share a group. Recordings of unknown athletes share one when they
    overlap in time: two devices on one workout, or one workout saved in two formats.
    """
    groups = [activity.athlete or activity.id for activity in activities]
    dated = [
        (activity.start.timestamp(), activity.start.timestamp() + activity.duration_s, index)
        for index, activity in enumerate(activities)
        if activity.start is not None and not activity.athlete
    ]
    end, leader = float("-inf"), ""
    for start_s, end_s, index in sorted(dated):
        if start_s >= end:
            leader = groups[index]
        groups[index] = leader
        end = max(end, end_s)
    return groups
