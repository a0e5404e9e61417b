"""China's shifted maps: where they are, by how much, and back to under ten centimetres."""

from __future__ import annotations

import numpy as np
import pytest

from stadion.science.gcj02 import from_wgs84, is_in_china, to_wgs84
from stadion.science.quality.ground import metres_apart

CITIES = {
    "Beijing": (39.9087, 116.3975),
    "Shanghai": (31.2304, 121.4737),
    "Guangzhou": (23.1291, 113.2644),
    "Chengdu": (30.5728, 104.0668),
    "Urumqi": (43.8256, 87.6168),
    "Harbin": (45.8038, 126.5350),
    "Lhasa": (29.6525, 91.1721),
    "Sanya": (18.2528, 109.5119),
    "Shekou": (22.4850, 113.9150),
}
ABROAD = {
    "Hong Kong": (22.3193, 114.1694),
    "Macau": (22.1987, 113.5439),
    "Taipei": (25.0330, 121.5654),
    "Tokyo": (35.6762, 139.6503),
    "Hanoi": (21.0278, 105.8342),
    "Delhi": (28.6139, 77.2090),
    "Berlin": (52.52, 13.405),
}


def test_the_mainland_is_told_from_its_neighbours() -> None:
    for places, expected in ((CITIES, True), (ABROAD, False)):
        lat, long = np.array(list(places.values())).T
        assert (is_in_china(lat, long) == expected).all(), dict(zip(places, lat, strict=True))
    assert not is_in_china(np.array([np.nan, 31.0]), np.array([120.0, np.nan])).any()


def test_published_pairs_of_positions_agree() -> None:
    """Pairs that converters of the field print in their own tests ("eviltransform")."""
    given = np.array([[31.1774276, 121.5272106], [22.543847, 113.912316], [39.911954, 116.377817]])
    shown = np.array(
        [
            [31.175303983, 121.531541859],
            [22.540796131, 113.917176480],
            [39.913345455, 116.384047224],
        ]
    )
    found = np.stack(from_wgs84(*given.T), axis=1)
    assert metres_apart(*found.T, *shown.T).max() < 0.1


def test_there_and_back_is_under_ten_centimetres_everywhere() -> None:
    chance = np.random.default_rng(5)
    lat, long = chance.uniform(18, 53, 20_000), chance.uniform(74, 134, 20_000)
    inside = is_in_china(lat, long)
    lat, long = lat[inside], long[inside]
    shifted = from_wgs84(lat, long)
    moved = metres_apart(lat, long, *shifted)
    assert 20 < moved.min() < moved.max() < 1000
    still_in = is_in_china(*shifted)
    back = to_wgs84(*shifted)
    away = metres_apart(lat, long, *back)[still_in]
    print(f"back within {away.max():.1e} m of {still_in.sum()} places")
    assert away.max() < 0.1


@pytest.mark.filterwarnings("error")
def test_what_lies_abroad_or_nowhere_stays() -> None:
    lat, long = np.array([*ABROAD.values(), (np.nan, 120.0), (np.inf, 116.0)]).T
    for turned in (from_wgs84(lat, long), to_wgs84(lat, long)):
        np.testing.assert_array_equal(turned[0], lat)
        np.testing.assert_array_equal(turned[1], long)
