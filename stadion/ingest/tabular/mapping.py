"""What a caller states about the columns of a table: their channels, units, the time, the zone."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from stadion.core.channels import CHANNELS, canonical
from stadion.core.errors import Code, StadionError
from stadion.core.units import UNITS
from stadion.ingest._sports import sport_named
from stadion.ingest.base import Member
from stadion.ingest.tabular.words import PACES, Meaning, unit_named

__all__ = [
    "ColumnMapping",
    "grouped",
    "mapping_name",
    "mapping_of",
    "stated",
    "unused",
    "with_mapping",
]

_SUFFIX = ".mapping.json"
_TARGET = re.compile(r"\s*([^\[\]]*?)\s*(?:\[\s*([^\[\]]*?)\s*\])?\s*")
_ROLES = {"time": "time", "date": "time", "lap": "lap", "athlete": "athlete", "pace": "pace"}
_LEFT_OUT = {"", "-", "ignore", "none", "skip"}
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Column -> meaning, stated rather than guessed; columns not named are guessed as ever.

    Parameters
    ----------
    columns
        Header as it stands in the file (blanks around it and case do not count) -> what it
        holds; None = the column is left out.
    zone
        IANA zone of times that name none; empty = they are UTC.
    sport
        FIT's word; empty when unknown.
    """

    columns: Mapping[str, Meaning | None] = field(default_factory=dict)
    zone: str = ""
    sport: str = ""

    def to_json(self) -> bytes:
        """The text of a sidecar file, which `mapping_of` reads."""
        targets = {
            header: None if meaning is None else _spelled(meaning)
            for header, meaning in self.columns.items()
        }
        return orjson.dumps({"columns": targets, "zone": self.zone, "sport": self.sport})

    def of(self, header: str) -> tuple[bool, Meaning | None]:
        """Whether the header is named here, and what it then means."""
        key = _key(header)
        for named, meaning in self.columns.items():
            if _key(named) == key:
                return True, meaning
        return False, None


def stated(pairs: Iterable[str], zone: str = "", sport: str = "") -> ColumnMapping:
    """A mapping from words such as a command line gives.

    Parameters
    ----------
    pairs
        `HEADER=CHANNEL` or `HEADER=CHANNEL[UNIT]`. A channel is one of `core.channels` or a
        name of one's own; `time`, `date`, `lap`, `athlete` and `pace[min/km]` are special, and
        `-` leaves the column out.
    zone, sport
        As in `ColumnMapping`.

    Raises
    ------
    StadionError
        INVALID for what is no such pair, naming it and what would be right.

    Examples
    --------
    >>> mapping = stated(["HR=heart_rate[bpm]", "Zeit=time", "Notiz=-"], zone="Europe/Berlin")
    >>> mapping.of("hr")[1].name, mapping.of("Zeit")[1].role, mapping.of("Notiz")
    ('heart_rate', 'time', (True, None))
    """
    columns: dict[str, Meaning | None] = {}
    for pair in pairs:
        header, equals, target = pair.rpartition("=")
        if not equals or not header.strip():
            raise StadionError(
                Code.INVALID, f"mapping {pair!r} has no '='; expected HEADER=CHANNEL[UNIT]"
            )
        columns[header.strip()] = _meaning(header.strip(), target)
    return _checked(ColumnMapping(columns, zone, sport))


def mapping_of(data: bytes) -> ColumnMapping:
    """The mapping a sidecar file holds.

    It is a JSON object `{"columns": {"HR": "heart_rate[bpm]", "Zeit": "time", "Notiz": null},
    "zone": "Europe/Berlin", "sport": "running"}`; `zone` and `sport` may be missing.

    Raises
    ------
    StadionError
        INVALID for anything else.
    """
    expected = 'expected {"columns": {"HEADER": "CHANNEL[UNIT]", ...}, "zone": "...", ...}'
    try:
        given: Any = orjson.loads(data[:_MOST_BYTES])
    except ValueError as error:
        raise StadionError(Code.INVALID, f"the mapping is no JSON; {expected}") from error
    columns = given.get("columns") if isinstance(given, dict) else None
    if not isinstance(columns, dict):
        raise StadionError(Code.INVALID, f"the mapping names no columns; {expected}")
    for name, value in columns.items():
        if not isinstance(value, str | None):
            raise StadionError(
                Code.INVALID, f"the mapping of column {name!r} is {value!r}; expected a text"
            )
    found = {n: None if target is None else _meaning(n, target) for n, target in columns.items()}
    return _checked(
        ColumnMapping(found, str(given.get("zone") or ""), str(given.get("sport") or ""))
    )


def mapping_name(path: str) -> str:
    """Path of the sidecar of a table: `runs/a.csv` -> `runs/a.csv.mapping.json`."""
    return path + _SUFFIX


def with_mapping(data: bytes, mapping: ColumnMapping, name: str) -> bytes:
    r"""A table and what is stated about it as one input, for all that takes bytes.

    The reader's interface stays as it is: the mapping travels as the sidecar file that could
    as well lie beside the table in a folder or an archive.

    Parameters
    ----------
    data
        The file, compressed or not.
    mapping
        From `stated(pairs)` or `mapping_of(json)`.
    name
        The file's name, so that refusals and the source can say it.

    Examples
    --------
    >>> from stadion.ingest import open_bytes
    >>> table = b"Zeit,Herz\n0,120\n1,121\n"
    >>> both = with_mapping(table, stated(["Herz=heart_rate"]), "ride.csv")
    >>> open_bytes(both, "ride.csv").activities[0].channels
    ('heart_rate',)
    """
    plain = name.rpartition("/")[2] or "table.csv"
    inner = re.sub(r"\.(gz|xz)$", "", plain, flags=re.IGNORECASE)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, part in ((plain, data), (mapping_name(inner), mapping.to_json())):
            # A fixed date: the same content gives the same bytes.
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), part)
    return packed.getvalue()


def grouped(tables: Sequence[Member], members: Sequence[Member]) -> list[list[Member]]:
    """Each table, with the sidecar beside it that states its columns if there is one.

    That is `NAME.mapping.json`, or `mapping.json` in a folder that holds one table only.
    """
    beside = {m.path: m for m in members if m.path.lower().endswith("mapping.json")}
    folders = Counter(table.path.rpartition("/")[0] for table in tables) if beside else Counter()
    groups = []
    for table in tables:
        folder = table.path.rpartition("/")[0]
        mapping = beside.get(table.path + _SUFFIX)
        if mapping is None and folders[folder] == 1:
            mapping = beside.get(f"{folder}/mapping.json" if folder else "mapping.json")
        groups.append([table] if mapping is None else [table, mapping])
    return groups


def unused(mapping: ColumnMapping, headers: Sequence[str]) -> list[str]:
    """Headers a mapping names that the table lacks."""
    there = {_key(header) for header in headers}
    return [header for header in mapping.columns if _key(header) not in there]


def _key(header: str) -> str:
    return " ".join(header.strip().lstrip("\ufeff").lower().split())


def _spelled(meaning: Meaning) -> str:
    name = meaning.name if meaning.role in ("channel", "") else meaning.role
    return f"{name}[{meaning.unit}]" if meaning.unit else name


def _meaning(header: str, target: str) -> Meaning | None:
    found = _TARGET.fullmatch(target)
    if found is None:
        raise StadionError(
            Code.INVALID, f"column {header!r} is mapped to {target!r}; expected CHANNEL[UNIT]"
        )
    name, unit = found[1].strip(), unit_named(found[2] or "")
    if name.lower() in _LEFT_OUT:
        return None
    if name.lower() in _ROLES:
        role = _ROLES[name.lower()]
        _check_role(header, role, unit)
        return Meaning(role, "speed" if role == "pace" else name.lower(), unit)
    key = canonical(name)
    channel = CHANNELS.get(key)
    if channel is not None and unit:
        known = UNITS.get(unit)
        is_fine = unit in ("degF", "steps/min") or (
            known is not None and known.dimension == UNITS[channel.unit].dimension
        )
        if not is_fine:
            fitting = [u for u in UNITS if UNITS[u].dimension == UNITS[channel.unit].dimension]
            raise StadionError(
                Code.INVALID,
                f"column {header!r} is mapped to {key} in {found[2]!r}; "
                f"expected one of {', '.join(fitting)}",
            )
    return Meaning("channel", key, unit)


def _check_role(header: str, role: str, unit: str) -> None:
    right = {"time": ("", "s", "ms", "us", "ns", "min", "h"), "pace": ("", *PACES)}.get(role)
    if right is not None and unit not in right:
        raise StadionError(
            Code.INVALID,
            f"column {header!r} is mapped to {role} in {unit!r}; expected one of "
            f"{', '.join(u for u in right[:12] if u)}",
        )


def _checked(mapping: ColumnMapping) -> ColumnMapping:
    if mapping.zone:
        try:
            ZoneInfo(mapping.zone)
        except (KeyError, ValueError, OSError) as error:
            raise StadionError(
                Code.INVALID,
                f"zone is {mapping.zone!r}; expected an IANA name such as 'Europe/Berlin'",
            ) from error
    if mapping.sport and not sport_named(mapping.sport):
        raise StadionError(
            Code.INVALID, f"sport is {mapping.sport!r}; expected a word such as 'running'"
        )
    return mapping
