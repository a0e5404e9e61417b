"""The name of a column in whatever language and spelling in, what it means out."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from stadion.core.channels import CHANNELS, canonical
from stadion.core.units import UNITS
from stadion.ingest._units import known_unit

__all__ = ["PACES", "TIMES", "Meaning", "is_unit", "meaning_of", "unit_named"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column holds.

    Parameters
    ----------
    role
        `channel`; `pace` (time per distance, becomes a speed); `time`; `lap` (a number that
        changes with each lap); `athlete`; `number` (of the row, left out); or
        empty for a name nobody knows: a channel of that name if it holds numbers.
    name
        The channel; for times the key in `TIMES`.
    unit
        As the file spells it, or what such a column is always in; empty when it does not say.
    """

    role: str
    name: str
    unit: str = ""


TIMES = (
    "timestamp", "datetime", "utc", "utctime", "timestampepoch", "epoch", "unix", "unixtime",
    "recordedat", "time", "localtime", "date", "elapsed", "elapsedtime", "elapseds", "times",
    "seconds", "secs", "sec", "t", "minutes", "milliseconds", "timeoffset", "hhmmss",
)  # fmt: skip
"""Words for times; the first column that holds dates is the clock, else the first at all."""

_TIME_WORDS: dict[str, str] = {
    "timestampms": "epoch", "epochms": "epoch", "datetimeutc": "utc", "timestamputc": "utc",
    "zeitstempel": "timestamp", "zeit": "time", "uhrzeit": "time", "temps": "time",
    "heure": "time", "horodatage": "timestamp", "tiempo": "time", "hora": "time",
    "tijd": "time", "orario": "time", "时间": "time", "时刻": "time", "時間": "time",
    "时间戳": "timestamp", "时间秒": "seconds", "用时": "elapsed", "运动时间": "elapsed",
    "datum": "date", "fecha": "date", "日期": "date", "mmdd": "date", "dauer": "elapsed",
    "secondselapsed": "elapsed", "elapsedseconds": "elapsed", "runtime": "elapsed",
    "createdat": "timestamp", "min": "minutes", "mins": "minutes",
    "ms": "milliseconds", "lsec": "seconds", "timesec": "seconds", "timesecs": "seconds",
    "s": "seconds",
}  # fmt: skip
_TIME_UNITS = {"minutes": "min", "milliseconds": "ms"}

_CHANNELS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("hr", "hrate", "hrbpm", "heartrate", "heartbeat", "pulse", "pulsrate", "pulserate", "puls",
         "herzfrequenz", "hf", "fc", "frequencecardiaque", "frecuenciacardiaca",
         "frequenzacardiaca", "hartslag", "心率", "心跳", "脉搏", "心率值"), ("heart_rate", "")),
    **dict.fromkeys(
        ("speed", "velocity", "velocitysmooth", "enhancedspeed", "geschwindigkeit", "vitesse",
         "velocidad", "velocita", "snelheid", "gpsspeed", "速度", "时速"), ("speed", "")),
    **dict.fromkeys(
        ("power", "watts", "watt", "leistung", "puissance", "potencia", "potenza", "vermogen",
         "功率"), ("power", "")),
    **dict.fromkeys(
        ("cadence", "cad", "trittfrequenz", "kadenz", "cadencia", "cadenza", "trapfrequentie",
         "strokerate", "strokespermin", "strokesperminute", "schlagfrequenz", "踏频", "桨频",
         "划频"), ("cadence", "")),
    **dict.fromkeys(
        ("stepspermin", "stepsperminute", "stepfrequency", "schrittfrequenz", "步频"),
        ("cadence", "steps/min")),
    **dict.fromkeys(
        ("altitude", "alt", "elevation", "ele", "hohe", "hoehe", "hoogte", "altitud",
         "altitudine", "enhancedaltitude", "gpsaltitude", "海拔", "高度", "海拔高度"),
        ("altitude", "")),
    **dict.fromkeys(
        ("distance", "dist", "strecke", "distanz", "entfernung", "distancia", "distanza",
         "afstand", "距离", "里程", "路程"), ("distance", "")),
    **dict.fromkeys(
        ("temperature", "temp", "temperatur", "temperatura", "atemp", "温度", "气温"),
        ("temperature", "")),
    **dict.fromkeys(
        ("grade", "slope", "gradient", "gradesmooth", "hillslope", "steigung", "坡度"),
        ("grade", "")),
    **dict.fromkeys(
        ("lat", "latitude", "positionlat", "gpslat", "gpslatitude", "breitengrad", "latitud",
         "纬度"), ("position_lat", "")),
    **dict.fromkeys(
        ("lon", "lng", "long", "longitude", "positionlong", "gpslon", "gpslongitude",
         "langengrad", "longitud", "经度"), ("position_long", "")),
    **dict.fromkeys(("rr", "rrinterval", "rrintervals", "ibi"), ("rr", "")),
    **dict.fromkeys(
        ("respirationrate", "breathingrate", "breathrate", "atemfrequenz", "呼吸频率"),
        ("respiration_rate", "")),
    **dict.fromkeys(("groundcontacttime", "stancetime", "触地时间"), ("stance_time", "")),
    **dict.fromkeys(("verticaloscillation", "垂直振幅"), ("vertical_oscillation", "")),
    **dict.fromkeys(("steplength", "步幅"), ("step_length", "")),
    **dict.fromkeys(("torq", "torque", "drehmoment"), ("torque", "")),
    **dict.fromkeys(("corebodytemperature", "coretemp", "coretemperature"),
                    ("core_temperature", "")),
}  # fmt: skip
_PACE_WORDS = {"pace", "tempo", "allure", "ritmo", "配速", "runpace", "estimated500mtime"}
_LAPS = {"lap", "laps", "lapnumber", "lapindex", "lapno", "interval", "intervalid", "intervall",
         "workoutintervalid", "runde", "圈", "圈数", "计圈"}  # fmt: skip
_NUMBERS = {"id", "ref", "index", "row", "rownumber", "no", "nr", "activityid", "recordid", "uuid",
            "序号", "编号"}  # fmt: skip
_WHO = {"athlete", "subject", "participant", "person", "player", "user", "username", "运动员",
        "athleteid", "sportler"}  # fmt: skip

PACES: dict[str, tuple[float, float]] = {
    **{f"{t}/{d}": (seconds, metres)
       for t, seconds in (("min", 60.0), ("", 60.0), ("s", 1.0), ("sec", 1.0))
       for d, metres in (("km", 1e3), ("mi", 1609.344), ("mile", 1609.344), ("100m", 100.0),
                         ("100yd", 91.44), ("100y", 91.44), ("500m", 500.0), ("m", 1.0))},
    "分/公里": (60.0, 1e3), "分钟/公里": (60.0, 1e3), "min/公里": (60.0, 1e3),
}  # fmt: skip
"""Unit of a pace -> seconds of its plain number 1, and its metres."""

_UNIT_WORDS: dict[str, str] = {
    "watt": "W", "l_sec": "s", "sek": "s", "std": "h", "m/s": "m/s", "mt": "m", "bpm/min": "bpm",
    "/min": "rpm", "u/min": "rpm", "steps/minute": "steps/min", "stepsperminute": "steps/min",
    "schritte/min": "steps/min", "步/分": "steps/min", "步/分钟": "steps/min",
    "次/分": "bpm", "次/分钟": "bpm", "公里/小时": "km/h", "千米/时": "km/h", "米/秒": "m/s",
    "公里": "km", "千米": "km", "米": "m", "瓦": "W", "瓦特": "W", "秒": "s", "毫秒": "ms",
    "分钟": "min", "小时": "h", "度": "deg", "摄氏度": "degC", "℃": "degC", "°": "deg",
    "rpm/min": "rpm", "us": "us", "µs": "us", "ns": "ns", "meters/second": "m/s",
    "metres/second": "m/s", "km/hour": "km/h", "miles/hour": "mph", "yards": "yd", "yd": "yd",
    "beats": "bpm",
}  # fmt: skip
_MORE_UNITS = {
    "num",
    "number",
    "spm",
    "°f",
    "f",
    "degf",
    "fahrenheit",
    "steps/min",
    "kgm",
    "count",
    "hh:mm:ss",
    "mm:ss",
    "iso8601",
    "utc",
    "us",
    "ns",
    "yd",
    "knots",
}
_SUFFIXES: dict[str, str] = {
    "kmh": "km/h", "km_h": "km/h", "kph": "km/h", "kmph": "km/h", "mph": "mph", "mps": "m/s",
    "m_s": "m/s", "m_per_s": "m/s", "w": "W", "watts": "W", "watt": "W", "bpm": "bpm",
    "rpm": "rpm", "spm": "spm", "km": "km", "m": "m", "meters": "m", "metres": "m", "mi": "mi",
    "miles": "mi", "ft": "ft", "feet": "ft", "c": "degC", "degc": "degC", "celsius": "degC",
    "f": "degF", "degf": "degF", "fahrenheit": "degF", "deg": "deg", "degrees": "deg",
    "s": "s", "sec": "s", "secs": "s", "seconds": "s", "ms": "ms", "us": "us", "ns": "ns",
    "minutes": "min", "min": "min", "mm": "mm", "cm": "cm", "pct": "%", "percent": "%",
    "g": "g", "m_s2": "m/s^2", "mps2": "m/s^2", "dps": "deg/s", "deg_s": "deg/s",
    "rad_s": "rad/s", "min_km": "min/km", "min_per_km": "min/km", "per_km": "min/km",
    "min_mi": "min/mi", "min_mile": "min/mi", "min_per_mile": "min/mi", "min_per_mi": "min/mi",
    "per_mile": "min/mi", "min_100m": "min/100m", "min_per_100m": "min/100m", "s_km": "s/km",
    "s_per_km": "s/km",
}  # fmt: skip
_BY_DIMENSION = {"speed": "speed", "power": "power", "heart rate": "heart_rate"}
_BY_UNIT = {"rpm": "cadence", "km": "distance", "mi": "distance"}
_DIGITS = re.compile(r"[^0-9a-z\u3400-\u9fff]+")


@lru_cache(maxsize=4096)
def meaning_of(name: str, unit: str = "") -> Meaning:
    """What a column of that name and unit holds.

    Examples
    --------
    >>> meaning_of("speed_kmh")
    Meaning(role='channel', name='speed', unit='km/h')
    >>> meaning_of("心率").name, meaning_of("Zeit").role, meaning_of("Pace [min/km]").role
    ('heart_rate', 'time', 'pace')
    >>> meaning_of("Leg Spring Stiffness")
    Meaning(role='', name='leg_spring_stiffness', unit='')
    """
    name = name[:120]
    tokens = [t for t in _DIGITS.split(_plain(name)) if t]
    found = _known("".join(tokens), unit)
    if found is None and (said := _alone(name)) and unit_named(unit) in ("", said.unit):
        return said
    for length in range(1, min(4, len(tokens))):
        if found is not None:
            break
        suffix = _SUFFIXES.get("_".join(tokens[-length:]))
        rest = [t for t in tokens[:-length] if t != "in"]
        if suffix and rest:
            found = _known("".join(rest), unit or suffix)
            if found and found.name == "speed" and suffix == "ms":
                found = Meaning("channel", "speed", unit or "m/s")
    return found or Meaning("", canonical(name) or "column", unit)


def unit_named(text: str) -> str:
    """The symbol of a unit as this package writes it; as it stands when nobody knows it.

    Examples
    --------
    >>> unit_named("Watt"), unit_named("公里/小时"), unit_named("MIN/KM"), unit_named("furlongs")
    ('W', 'km/h', 'min/km', 'furlongs')
    """
    text = text.strip()
    lower = unicodedata.normalize("NFKC", text).lower().replace("per", "/").replace(" ", "")
    for spelled in (text, lower, lower.replace("minutes", "min").replace("minute", "min")):
        if symbol := known_unit(spelled) or _UNIT_WORDS.get(spelled):
            return symbol
        if spelled in PACES:
            return f"min{spelled}" if spelled.startswith("/") else spelled
    return "degF" if lower in ("°f", "f", "degf", "fahrenheit") else text


def is_unit(text: str) -> bool:
    """True for what stands in a line of units below a header."""
    return (
        unit_named(text) in UNITS
        or text.strip().lower() in _MORE_UNITS
        or (unit_named(text) in PACES or text.strip().lower() in _UNIT_WORDS)
    )


def _plain(text: str) -> str:
    """Lower case without accents; full-width letters become ordinary ones."""
    parted = unicodedata.normalize("NFKD", text)
    return "".join(c for c in parted if not unicodedata.combining(c)).lower()


def _known(word: str, unit: str) -> Meaning | None:
    if word in _LAPS:
        return Meaning("lap", "lap")
    if word in _NUMBERS:
        return Meaning("number", "number")
    if word in _WHO:
        return Meaning("athlete", "athlete")
    if word in _PACE_WORDS:
        return Meaning("pace", "speed", unit or ("s/500m" if "500m" in word else ""))
    time = word if word in TIMES else _TIME_WORDS.get(word)
    if time is not None:
        return Meaning(
            "time",
            time,
            unit
            or ("ms" if word.endswith("ms") and word not in TIMES else _TIME_UNITS.get(time, "")),
        )
    if word in _CHANNELS:
        name, default = _CHANNELS[word]
        return Meaning("channel", name, unit or default)
    key = canonical(word)
    return Meaning("channel", key, unit) if key in CHANNELS else _spaced(word, unit)


@lru_cache(maxsize=1)
def _squeezed() -> dict[str, str]:
    return {name.replace("_", ""): name for name in CHANNELS}


def _spaced(word: str, unit: str) -> Meaning | None:
    name = _squeezed().get(word)
    if name is None and (alias := _AXES.fullmatch(word)):
        name = canonical(f"{alias[1][:3]}_{alias[2]}")
    return Meaning("channel", name, unit) if name in CHANNELS else None


_AXES = re.compile(r"(acc|accel|acceleration|gyr|gyro|mag)([xyz])")


def _alone(name: str) -> Meaning | None:
    """A column that is called by its unit, such as `km/h`."""
    symbol = unit_named(name)
    found = UNITS.get(symbol)
    if found is None:
        return Meaning("pace", "speed", symbol) if symbol in PACES and "/" in name else None
    channel = _BY_DIMENSION.get(found.dimension) or _BY_UNIT.get(symbol)
    return Meaning("channel", channel, symbol) if channel else None
