"""Bytes of a match in, kloppy's view of it out: the one file that knows that library."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kloppy import (
    datafactory,
    metrica,
    opta,
    secondspectrum,
    skillcorner,
    sportec,
    statsbomb,
    statsperform,
    tracab,
    wyscout,
)

from stadion.core.errors import Code, StadionError
from stadion.ingest.teamsport.families import Family

__all__ = ["TRACKING", "loaded"]

TRACKING = {
    "metrica_csv", "metrica_epts", "tracab", "secondspectrum", "skillcorner", "sportec_tracking",
    "statsperform_tracking",
}  # fmt: skip
"""Families of places of players; the others are of events."""

_MOST_BYTES = 256 << 20
_PIECE_BYTES = 4 << 20
_HEADER_LINES = {"metrica_csv": 3}
_BY_LINE = {"metrica_csv", "metrica_epts", "tracab", "secondspectrum", "statsperform_tracking"}
_DECLARES = (b"<!DOCTYPE", b"<!ENTITY")

_Files = Mapping[str, Any]
_LOADERS: dict[str, Callable[[_Files], Any]] = {
    "metrica_csv": lambda f: metrica.load_tracking_csv(
        home_data=f["metrica home"], away_data=f["metrica away"], coordinates="metrica"),
    "metrica_epts": lambda f: metrica.load_tracking_epts(
        meta_data=f["epts metadata"], raw_data=f["epts frames"], coordinates="metrica"),
    "metrica_events": lambda f: metrica.load_event(
        event_data=f["metrica events"], meta_data=f["epts metadata"], coordinates="metrica"),
    "tracab": lambda f: tracab.load(
        meta_data=f["tracab metadata"], raw_data=f["tracab frames"], coordinates="tracab"),
    "secondspectrum": lambda f: secondspectrum.load(
        meta_data=f["secondspectrum metadata"], raw_data=f["secondspectrum frames"],
        additional_meta_data=f.get("secondspectrum details"), coordinates="secondspectrum"),
    "skillcorner": lambda f: skillcorner.load(
        meta_data=f["skillcorner metadata"], raw_data=f["skillcorner frames"],
        coordinates="skillcorner"),
    "sportec_tracking": lambda f: sportec.load_tracking(
        meta_data=f["sportec metadata"], raw_data=f["sportec positions"],
        coordinates="sportec:tracking"),
    "sportec_events": lambda f: sportec.load_event(
        event_data=f["sportec events"], meta_data=f["sportec metadata"],
        coordinates="sportec:event"),
    "statsperform_tracking": lambda f: statsperform.load_tracking(
        ma1_data=f["statsperform MA1"], ma25_data=f["statsperform MA25"], coordinates="sportvu"),
    "statsperform_events": lambda f: statsperform.load_event(
        ma1_data=f["statsperform MA1"], ma3_data=f["statsperform MA3"], coordinates="opta"),
    "statsbomb": lambda f: statsbomb.load(
        event_data=f["statsbomb events"], lineup_data=f["statsbomb lineup"],
        coordinates="statsbomb"),
    "wyscout": lambda f: wyscout.load(event_data=f["wyscout events"], coordinates="wyscout"),
    "opta": lambda f: opta.load(
        f7_data=f["opta F7"], f24_data=f["opta F24"], coordinates="opta"),
    "datafactory": lambda f: datafactory.load(
        event_data=f["datafactory events"], coordinates="datafactory"),
}  # fmt: skip


def loaded(family: Family, datas: Mapping[str, bytes]) -> Iterator[Any]:
    """Datasets of a match in the provider's own coordinates, piece by piece.

    Where a file has a line per moment, some mebibytes are loaded at a time: the library needs
    about thirteen times the size of what it holds.

    Raises
    ------
    StadionError
        INVALID for whatever goes wrong: the library raises errors of any kind on bad files.
    """
    for part, data in datas.items():
        if len(data) > _MOST_BYTES:
            raise StadionError(
                Code.INVALID, f"the {part} file is over {_MOST_BYTES >> 20} MiB; split it"
            )
        if data[:64].lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<") and (
            any(word in data for word in _DECLARES) or b"\0" in data
        ):
            raise StadionError(Code.INVALID, f"the {part} file declares entities; refused")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for piece in _pieces(family, datas):
                files = {part: io.BytesIO(data) for part, data in piece.items()}
                yield _LOADERS[family.name](files)
    except StadionError:
        raise
    except Exception as error:  # a bad file can raise anything in there
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise StadionError(
            Code.INVALID, f"files of {family.name} that cannot be read: {reason}"
        ) from error


def _pieces(family: Family, datas: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
    """The same files with no more than some mebibytes of frames each."""
    frames = [family.anchor]
    if family.name == "metrica_csv":
        frames.append("metrica away")
    first = datas[family.anchor]
    is_one = first.lstrip()[:1] == b"{" and family.name != "secondspectrum"
    if family.name not in _BY_LINE or is_one:
        yield dict(datas)
        return
    # A blank line at the end is no frame, though the library takes it for one.
    split = {part: datas[part].rstrip().split(b"\n") for part in frames}
    heads = _HEADER_LINES.get(family.name, 0)
    count = max(map(len, split.values())) - heads
    step = max(count * _PIECE_BYTES // max(len(first), 1), 100)
    for start in range(heads, heads + count, step):
        cut = {p: [*rows[:heads], *rows[start : start + step]] for p, rows in split.items()}
        yield {**datas, **{part: b"\n".join(rows) + b"\n" for part, rows in cut.items()}}
