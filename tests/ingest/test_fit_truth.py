"""On every healthy FIT file two other decoders say the same as Stadion, of every field.

Long files are shortened here to the first and last records of each layout; the whole corpus
is compared by `python -m tests.ingest.compare_fit`, which takes some minutes.
"""

from __future__ import annotations

import pytest

from tests.ingest.compare_fit import healthy, unexplained
from tests.ingest.fit_differences import EXCEPTIONS, differences
from tests.ingest.fit_slices import shortened
from tests.ingest.fit_truth import oracle
from tests.ingest.fit_twins import disagreements
from tests.ingest.real_files import only, raw, read_bytes


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {name: shortened(data) for name, data in healthy()}


def test_all_fields_equal_those_of_fitdecode(files: dict[str, bytes]) -> None:
    assert len(files) == 94
    wrong = {name: found[:5] for name, data in files.items() if (found := unexplained(data))}
    assert not wrong


def test_the_slow_decoder_agrees_about_every_field_of_every_message(
    files: dict[str, bytes],
) -> None:
    wrong = {name: found for name, data in files.items() if (found := list(disagreements(data)))}
    assert not wrong


def test_each_exception_is_one_still() -> None:
    data = raw("fit/sportslib__6914538454.fit")
    found = list(differences(data, only(read_bytes("fit", data)), oracle(data)))
    for start in EXCEPTIONS:
        assert any(each.startswith(start) for each in found), start


def test_a_single_wrong_value_is_seen() -> None:
    data = raw("fit/tormoder__0134902991.fit")
    told = oracle(data)
    assert not list(differences(data, only(read_bytes("fit", data)), told))
    told.of("lap")[0].values["distance_m"] += 0.01
    told.of("record")[7].values["heart_rate"] += 1
    found = list(differences(data, only(read_bytes("fit", data)), told))
    assert [each.partition(":")[0] for each in found] == ["record.heart_rate", "lap.distance_m"]
