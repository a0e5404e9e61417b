"""Messages of a recording in, its sport, title, device and time zone in words out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stadion.ingest._sports import fit_sport
from stadion.ingest.fitfile.messages import RELATIVE_BELOW, Messages, clock_of
from stadion.ingest.fitfile.profile import Message
from stadion.ingest.fitfile.walk import Definition
from stadion.ingest.fitfile.words import GARMIN_PRODUCTS, MAKERS, SUB_SPORTS

__all__ = ["Names", "names_of", "zone_of"]

_GARMIN = 1
_FARTHEST_H = 14  # no place on earth is further from UTC


@dataclass(frozen=True, slots=True)
class Names:
    """Words about a recording; empty = the file does not say."""

    sport: str
    sub_sport: str
    title: str
    device: str


def names_of(data: bytes, definitions: Sequence[Definition]) -> Names:
    """What the recording is of, what it is called, and what made it."""
    sessions = Messages.of(data, definitions, Message.SESSION)
    sport = Messages.of(data, definitions, Message.SPORT)
    laps = Messages.of(data, definitions, Message.LAP)
    titles = [*sessions.texts(110).values()] or [*sport.texts(3).values()]
    return Names(
        _sport((sessions, 5), (sport, 0), (laps, 25)),
        _sub_sport((sessions, 6), (sport, 1), (laps, 39)),
        titles[0] if len(set(titles)) == 1 else "",
        _device(Messages.of(data, definitions, Message.FILE_ID), data, definitions),
    )


def _sport(*sources: tuple[Messages, int]) -> str:
    """The sport that the first source names; `multisport` where it names several."""
    for messages, number in sources:
        words = [fit_sport(code) for code in _codes(messages, number)]
        named = [word for word in words if word != "transition"] or words
        if named:
            return named[0] if len(named) == 1 else "multisport"
    return ""


def _sub_sport(*sources: tuple[Messages, int]) -> str:
    """The kind of the sport, where the first source that says so knows only one."""
    for messages, number in sources:
        codes = _codes(messages, number)
        if codes:
            word = SUB_SPORTS.get(codes[0], f"sub_sport_{codes[0]}" if codes[0] else "")
            return word if len(codes) == 1 else ""
    return ""


def _codes(messages: Messages, number: int) -> list[int]:
    values = messages.values(number)
    return list(dict.fromkeys(int(value) for value in values[np.isfinite(values)]))


def _device(file_id: Messages, data: bytes, definitions: Sequence[Definition]) -> str:
    """Maker and model as words where they are known, else as numbers; never a serial number."""
    infos = Messages.of(data, definitions, Message.DEVICE_INFO)
    makers, products = _codes(file_id, 1), _codes(file_id, 2)
    if not makers and len(infos):
        of_creator = infos.values(0) == 0  # the device itself; the others are its sensors
        makers = _first(infos.values(2)[of_creator])
        products = _first(infos.values(4)[of_creator])
    if not makers:
        return ""
    maker = MAKERS.get(makers[0], str(makers[0]))
    model = next(iter(file_id.texts(8).values()), "")
    if not model and products and (makers[0], products[0]) != (0, 0):
        own = GARMIN_PRODUCTS if makers[0] == _GARMIN else {}
        model = own.get(products[0], str(products[0]))
    is_told = model.lower().startswith(maker.lower())
    return model if is_told else f"{maker} {model}".strip() if makers[0] or model else ""


def _first(values: np.ndarray[tuple[int, ...], np.dtype[np.floating]]) -> list[int]:
    return [int(value) for value in values[np.isfinite(values)][:1]]


def zone_of(data: bytes, definitions: Sequence[Definition]) -> str:
    """A zone of whole hours from the device's local time; empty where that cannot be one."""
    messages = Messages.of(data, definitions, Message.ACTIVITY)
    here, utc = messages.values(5), clock_of(data, definitions, messages)
    known = np.isfinite(here) & np.isfinite(utc) & (np.minimum(here, utc) >= RELATIVE_BELOW)
    if not known.any():
        return ""
    hours = float((here - utc)[known][0]) / 3600
    if abs(hours - round(hours)) > 1 / 60 or abs(hours) > _FARTHEST_H:
        return ""
    # These names count the other way round: Etc/GMT-2 is two hours ahead of UTC.
    return f"Etc/GMT{-round(hours):+d}" if round(hours) else "Etc/GMT"
