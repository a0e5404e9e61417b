"""Tables are kept once, come back as they were, and are gone when erased."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from stadion.archive import Tables
from stadion.core.activity import Repair, Source, Table
from stadion.core.errors import Code, StadionError


def days(digest: str = "a" * 64) -> Table:
    return Table(
        "days",
        {
            "person": np.array(["ada", "", "ben"]),
            "date": np.array(["2026-01-01", "NaT", "2026-01-03"], "datetime64[D]"),
            "woke": np.array(["2026-01-01T06:30:00", "NaT", "NaT"], "datetime64[s]"),
            "steps": np.array([9_000.0, np.nan, -0.0]),
            "resting heart rate; bpm": np.array([50.5, 51.0, np.nan]),
        },
        {"person": "", "date": "", "woke": "", "steps": "1", "resting heart rate; bpm": "bpm"},
        Source("made_up", digest, "days.csv", (Repair("a day twice", 2),)),
    )


def test_a_table_comes_back_as_it_was(tmp_path: Path) -> None:
    shelf = Tables(tmp_path / "tables")
    assert shelf.add_all([days()]) == [True]
    (found,) = Tables(tmp_path / "tables").read()
    assert found.kind == "days"
    assert found.source == days().source
    assert found.units == days().units
    assert list(found.columns) == list(days().columns)
    for name, values in days().columns.items():
        assert found.columns[name].dtype == values.dtype, name
        np.testing.assert_array_equal(found.columns[name], values)


def test_the_same_table_is_kept_once(tmp_path: Path) -> None:
    shelf = Tables(tmp_path)
    assert shelf.add_all([days(), days()]) == [True, False]
    assert shelf.add_all([days(), days("b" * 64)]) == [False, True]
    assert [(s.kind, s.rows, s.reader) for s in shelf.find()] == [("days", 3, "made_up")] * 2


def test_an_erased_table_is_gone_from_the_disk(tmp_path: Path) -> None:
    shelf = Tables(tmp_path)
    shelf.add_all([days()])
    (summary,) = shelf.find()
    assert shelf.erase(summary.id)
    assert not shelf.erase(summary.id)
    assert shelf.read() == []
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_named_not_believed(tmp_path: Path) -> None:
    shelf = Tables(tmp_path)
    shelf.add_all([days()])
    (path,) = tmp_path.iterdir()
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    with pytest.raises(StadionError) as caught:
        shelf.read()
    assert caught.value.code is Code.INTERNAL
    assert "damaged" in caught.value.message


def test_a_table_without_rows_is_kept_too(tmp_path: Path) -> None:
    empty = dataclasses.replace(
        days(), columns={name: values[:0] for name, values in days().columns.items()}
    )
    Tables(tmp_path).add_all([empty])
    assert len(Tables(tmp_path).read()[0]) == 0
