"""Made-up health exports of any size, written piece by piece; what they hold is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

__all__ = [
    "BYTES_PER_DAY",
    "HEAD",
    "TAIL",
    "day_of_records",
    "record",
    "route",
    "workout",
    "write_export",
]

WATCH = (
    'sourceName="Ada’s Apple\u00a0Watch" sourceVersion="10.1" device="&lt;&lt;HKDevice: 0x28&gt;, '
    "name:Apple Watch, manufacturer:Apple Inc., model:Watch, hardware:Watch6,2, "
    'software:10.1&gt;"'
)
PHONE = (
    'sourceName="Ada’s iPhone" sourceVersion="17.1" device="&lt;&lt;HKDevice: 0x29&gt;, '
    'name:iPhone, manufacturer:Apple Inc., model:iPhone, hardware:iPhone12,1, software:17.1&gt;"'
)
# Since iOS 16 the document type that Apple writes is broken in places such as these.
_PARTS = "".join(
    f"<!ELEMENT Part{k} EMPTY>\n<!ATTLIST Part{k} a CDATA #IMPLIED\n" for k in range(90)
)
HEAD = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 14 -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Correlation|Workout|ActivitySummary)*)>
<!ATTLIST HealthData
  locale CDATA #REQUIRED
>
{_PARTS}]>
<HealthData locale="en_DE">
 <ExportDate value="2024-06-01 10:00:00 +0200"/>
 <Me HKCharacteristicTypeIdentifierDateOfBirth="1990-07-14"
  HKCharacteristicTypeIdentifierBiologicalSex="HKBiologicalSexFemale"
  HKCharacteristicTypeIdentifierBloodType="HKBloodTypeNotSet"/>
"""
TAIL = "</HealthData>\n"
BYTES_PER_DAY = 674_000
"""About what `day_of_records` writes."""
_FIRST = datetime(2015, 1, 1, tzinfo=UTC)
_WORKOUT_AT = timedelta(hours=17)
_WORKOUT_S = 1_800


def clock(moment: datetime, ahead_h: int = 2) -> str:
    """A time as Apple writes it, of a UTC moment where the clock is ahead."""
    return f"{moment + timedelta(hours=ahead_h):%Y-%m-%d %H:%M:%S} +{ahead_h:02d}00"


def record(
    kind: str, unit: str, start: datetime, seconds: float, value: object, source: str = WATCH
) -> str:
    """One record of a quantity; `kind` without Apple's prefix."""
    end = start + timedelta(seconds=seconds)
    told = f'unit="{unit}" ' if unit else ""
    return (
        f' <Record type="HK{kind}" {source} {told}creationDate="{clock(end)}" '
        f'startDate="{clock(start)}" endDate="{clock(end)}" value="{value}"/>\n'
    )


def heart_rate(start: datetime, value: int) -> str:
    """A heart rate with the entry that Apple puts into each."""
    plain = record("QuantityTypeIdentifierHeartRate", "count/min", start, 0, value)
    entry = '  <MetadataEntry key="HKMetadataKeyHeartRateMotionContext" value="0"/>\n </Record>\n'
    return plain.replace("/>\n", f">\n{entry}")


def workout(start: datetime, seconds: float, sport: str = "Running", inside: str = "") -> str:
    """One workout of the watch."""
    end = start + timedelta(seconds=seconds)
    return (
        f' <Workout workoutActivityType="HKWorkoutActivityType{sport}" '
        f'duration="{seconds / 60}" durationUnit="min" {WATCH} creationDate="{clock(end)}" '
        f'startDate="{clock(start)}" endDate="{clock(end)}">\n{inside} </Workout>\n'
    )


def route(start: datetime, points: int) -> bytes:
    """A route of the watch, one point a second."""
    lines = "".join(
        f'<trkpt lon="{13.4 + k / 1e5:.6f}" lat="{52.5 + k / 1e5:.6f}"><ele>{34 + k % 5}.25</ele>'
        f"<time>{start + timedelta(seconds=k):%Y-%m-%dT%H:%M:%SZ}</time><extensions>"
        "<speed>2.75</speed><course>45.5</course><hAcc>1.5</hAcc></extensions></trkpt>\n"
        for k in range(points)
    )
    head = '<gpx version="1.1" creator="Apple Health Export"><metadata><time>2024-06-01T08:00:00Z'
    return f"{head}</time></metadata><trk><trkseg>{lines}</trkseg></trk></gpx>".encode()


def day_of_records(number: int) -> Iterator[str]:
    """Records of one day: 5,600 steps, though the watch counted 5,000 and the phone 5,100."""
    day = _FIRST + timedelta(days=number)
    for hour in range(10):
        at = day + timedelta(hours=8 + hour)
        yield record("QuantityTypeIdentifierStepCount", "count", at, 600, 500)
        yield record("QuantityTypeIdentifierStepCount", "count", at, 600, 450, PHONE)
    late = day + timedelta(hours=20)
    yield record("QuantityTypeIdentifierStepCount", "count", late, 600, 600, PHONE)
    for minute in range(0, 22 * 60, 4):
        at = day + timedelta(minutes=minute)
        yield heart_rate(at, 60 + minute % 7)
        yield record("QuantityTypeIdentifierActiveEnergyBurned", "kcal", at, 240, 2)
        yield record("QuantityTypeIdentifierBasalEnergyBurned", "kcal", at, 240, 5)
        yield record("QuantityTypeIdentifierDietaryWater", "mL", at, 0, 200)
    start = day + _WORKOUT_AT
    for second in range(0, _WORKOUT_S, 5):
        yield record(
            "QuantityTypeIdentifierRunningSpeed", "m/s", start + timedelta(seconds=second), 5, 2.75
        )


def write_export(stream: BinaryIO, size: int) -> int:
    """An export of about that many bytes; how many days it holds."""
    days = max(size // BYTES_PER_DAY, 1)
    stream.write(HEAD.encode())
    for number in range(days):
        stream.write("".join(day_of_records(number)).encode())
    for number in range(days):
        start = _FIRST + timedelta(days=number) + _WORKOUT_AT
        stream.write(workout(start, _WORKOUT_S).encode())
    stream.write(TAIL.encode())
    return days
