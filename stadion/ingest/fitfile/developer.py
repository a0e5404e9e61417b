"""Descriptions of developers' fields in, their numbers with names and units out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stadion.core.activity import Repair
from stadion.core.arrays import FloatArray, IntArray
from stadion.core.channels import CHANNELS, canonical
from stadion.ingest._units import as_channel
from stadion.ingest.fitfile.messages import Messages
from stadion.ingest.fitfile.profile import RECORD, Message
from stadion.ingest.fitfile.values import base_type
from stadion.ingest.fitfile.walk import Definition

__all__ = ["Described", "described_fields", "developer_channels"]


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """A developer's field of one message, under one description.

    `columns` are (n,) values in the description's unit, several when the field is a list;
    `stands_for` is the number of the field of FIT that it replaces, -1 = none.
    """

    name: str
    unit: str
    stands_for: int
    columns: tuple[FloatArray, ...]


@dataclass(frozen=True, slots=True)
class _Description:
    position: int
    base: int
    name: str
    unit: str
    scale: float
    offset: float
    stands_for: int


def described_fields(
    data: bytes, definitions: Sequence[Definition], messages: Messages
) -> tuple[list[Described], int]:
    """The developers' fields of some messages, and how many fields nobody describes.

    A description may come late, and an index may be described anew: the last description
    before a record counts, for records before all of them the first.
    """
    wanted = messages.developer_fields
    if not wanted:
        return [], 0
    described = _descriptions(Messages.of(data, definitions, Message.FIELD_DESCRIPTION))
    valid = {key: _valid(described.get(key, []), messages.positions) for key in wanted}
    messages.check_size(sum(len(kinds) for kinds, _ in valid.values()))
    found: list[Described] = []
    for (owner, number), (kinds, mine) in valid.items():
        for k, each in kinds.items():
            lists = messages.lists(number, owner, each.base) / each.scale - each.offset
            columns = lists.T if len(kinds) == 1 else np.where(mine == k, lists.T, np.nan)
            found.append(Described(each.name, each.unit, each.stands_for, tuple(columns)))
    return found, sum(key not in described for key in wanted)


def developer_channels(
    data: bytes, definitions: Sequence[Definition], records: Messages
) -> tuple[dict[str, FloatArray], list[Repair]]:
    """Streams of the fields that apps on the watch have added to the records.

    A name of the vocabulary is served first; a field that says which field of FIT it stands
    for takes that name where it is still free.
    """
    fields, unknown = described_fields(data, definitions, records)
    repairs = [Repair("developer fields without a description dropped", unknown)] if unknown else []
    channels: dict[str, FloatArray] = {}
    for each in sorted(fields, key=lambda field: canonical(field.name) not in CHANNELS):
        native = RECORD.get(each.stands_for)
        for place, column in enumerate(each.columns):
            values = column.astype(np.float32)
            told = f"{each.name}_{place + 1}" if place else each.name
            name, converted = as_channel(told, each.unit, values)
            if native and not place and name not in CHANNELS:
                own, in_own_unit = as_channel(native.name, each.unit, values)
                if own in CHANNELS and own not in channels:
                    name, converted = own, in_own_unit
            _add(channels, name, converted)
    return channels, repairs


def _add(channels: dict[str, FloatArray], name: str, values: FloatArray) -> None:
    """Under its name, or in the gaps of a stream of that name, or else under NAME_2 and on."""
    known = channels.get(name)
    if known is None:
        channels[name] = values
    elif not (np.isfinite(known) & np.isfinite(values)).any():
        channels[name] = np.where(np.isnan(known), values, known)
    else:
        free = (f"{name}_{k}" for k in range(2, len(channels) + 3))
        channels[next(key for key in free if key not in channels)] = values


def _descriptions(messages: Messages) -> dict[tuple[int, int], list[_Description]]:
    names, units = messages.texts(3), messages.texts(8)
    keys = ("index", "number", "base", "scale", "offset", "message", "field")
    columns = dict(zip(keys, map(messages.values, (0, 1, 2, 6, 7, 14, 15)), strict=True))
    found: dict[tuple[int, int], list[_Description]] = {}
    for row, position in enumerate(messages.positions.tolist()):
        at = {key: float(values[row]) for key, values in columns.items()}
        if np.isnan([at["index"], at["number"], at["base"]]).any():
            continue
        if base_type(int(at["base"])) is None:
            continue
        is_of_record = np.isnan(at["message"]) or at["message"] == Message.RECORD
        is_native = is_of_record and np.isfinite(at["field"])
        index, number = int(at["index"]), int(at["number"])
        description = _Description(
            position,
            int(at["base"]),
            names.get(row, "") or f"developer_{index}_{number}",
            units.get(row, ""),
            at["scale"] if np.isfinite(at["scale"]) and at["scale"] else 1.0,
            at["offset"] if np.isfinite(at["offset"]) else 0.0,
            int(at["field"]) if is_native else -1,
        )
        known = found.setdefault((index, number), [])
        # Devices repeat their descriptions for every sport: only a new one starts anew.
        if not known or replace(description, position=known[-1].position) != known[-1]:
            known.append(description)
    return found


def _valid(
    descriptions: Sequence[_Description], positions: IntArray
) -> tuple[dict[int, _Description], IntArray]:
    """The descriptions of any record by their place, and the (n,) place of each record's."""
    if len(descriptions) < 2:
        return dict(enumerate(descriptions)), np.zeros(len(positions), np.int64)
    starts = np.array([each.position for each in descriptions], np.int64)
    mine = (np.searchsorted(starts, positions) - 1).clip(min=0)
    return {k: descriptions[k] for k in np.unique(mine).tolist()}, mine
