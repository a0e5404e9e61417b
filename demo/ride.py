"""Writes an hour of a made-up ride as CSV, for those who have no recording at hand.

python demo/ride.py > ride.csv
"""

from __future__ import annotations

import csv
import math
import random
import sys
from datetime import UTC, datetime, timedelta

START = datetime(2024, 5, 1, 6, tzinfo=UTC)
SECONDS = 3600
COLUMNS = ("timestamp", "latitude", "longitude", "altitude (m)", "distance (m)", "speed (km/h)",
           "heart_rate (bpm)", "power (W)", "cadence (rpm)")  # fmt: skip


def main() -> None:
    """Up and down a hill near Lyon; the heart follows the legs after half a minute."""
    chance = random.Random(0)  # noqa: S311  # repeatable, not secret
    rows = csv.writer(sys.stdout)
    rows.writerow(COLUMNS)
    metres, heart = 0.0, 105.0
    for second in range(SECONDS):
        slope = math.cos(second / 600) * 0.04
        power = max(0.0, 210 + 2500 * slope + chance.gauss(0, 25))
        speed_kmh = 29 - 250 * slope
        metres += speed_kmh / 3.6
        heart += (90 + 0.3 * power - heart) / 35
        rows.writerow([
            (START + timedelta(seconds=second)).isoformat(),
            *place(metres),
            f"{170 + 140 * math.sin(second / 600):.1f}", f"{metres:.1f}", f"{speed_kmh:.1f}",
            round(heart), round(power), round(88 + chance.gauss(0, 3)),
        ])  # fmt: skip


def place(metres: float) -> tuple[str, str]:
    """Latitude and longitude on a bent loop of 29.5 km."""
    turn = 2 * math.pi * metres / 29_500
    reach_m = 4_000 + 1_200 * math.sin(3 * turn)
    latitude = 45.76 + reach_m * math.sin(turn) / 111_320
    longitude = 4.84 + reach_m * math.cos(turn) / (111_320 * math.cos(math.radians(45.76)))
    return f"{latitude:.6f}", f"{longitude:.6f}"


if __name__ == "__main__":
    main()
