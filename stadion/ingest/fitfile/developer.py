"""Descriptions of developers' fields in, named streams in known units out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Repair
from stadion.core.arrays import FloatArray
from stadion.core.channels import CHANNELS, canonical
from stadion.ingest._units import as_channel
from stadion.ingest.fitfile.messages import Messages
from stadion.ingest.fitfile.profile import RECORD, Message
from stadion.ingest.fitfile.values import base_type
from stadion.ingest.fitfile.walk import Definition

__all__ = ["developer_channels"]


@dataclass(frozen=True, slots=True)
class _Description:
    position: int
    base: int
    name: str
    unit: str
    scale: float
    offset: float
    stands_for: str


def developer_channels(
    data: bytes, definitions: Sequence[Definition], records: Messages
) -> tuple[dict[str, FloatArray], list[Repair]]:
    """Streams of the fields that apps on the watch have added to the records.

    A name of the vocabulary is served first; a field that says which field of FIT it stands
    for takes that name where it is still free. A description may come late; of several for
    one field the last before its first record counts.
    """
    described = _descriptions(Messages.of(data, definitions, Message.FIELD_DESCRIPTION))
    found: list[tuple[_Description, FloatArray]] = []
    unknown = 0
    for owner, number in records.developer_fields:
        description = _for_first_record(described.get((owner, number), []), records)
        if description is None:
            unknown += 1
            continue
        column = records.column(number, owner, description.base)
        if column is not None:
            values = column.values / description.scale - description.offset
            found.append((description, values.astype(np.float32)))
    repairs = [Repair("developer fields without a description dropped", unknown)] if unknown else []
    return _named(found), repairs


def _named(found: Sequence[tuple[_Description, FloatArray]]) -> dict[str, FloatArray]:
    channels: dict[str, FloatArray] = {}
    for each, values in sorted(found, key=lambda pair: canonical(pair[0].name) not in CHANNELS):
        name, converted = as_channel(each.name, each.unit, values)
        if each.stands_for and name not in CHANNELS:
            own, in_own_unit = as_channel(each.stands_for, each.unit, values)
            if own in CHANNELS and own not in channels:
                name, converted = own, in_own_unit
        free = (f"{name}_{k}" if k > 1 else name for k in range(1, len(found) + 2))
        channels[next(key for key in free if key not in channels)] = converted
    return channels


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
        is_of_record = at["message"] in (Message.RECORD, np.nan) or np.isnan(at["message"])
        native = RECORD.get(int(at["field"])) if np.isfinite(at["field"]) else None
        index, number = int(at["index"]), int(at["number"])
        description = _Description(
            position,
            int(at["base"]),
            names.get(position, "") or f"developer_{index}_{number}",
            units.get(position, ""),
            at["scale"] if np.isfinite(at["scale"]) and at["scale"] else 1.0,
            at["offset"] if np.isfinite(at["offset"]) else 0.0,
            native.name if native is not None and is_of_record else "",
        )
        found.setdefault((index, number), []).append(description)
    return found


def _for_first_record(
    descriptions: Sequence[_Description], records: Messages
) -> _Description | None:
    first = records.positions[0] if len(records) else 0
    before = [each for each in descriptions if each.position < first]
    return before[-1] if before else next(iter(descriptions), None)
