"""A trained version says what it was made from: licence, energy, people, and what holes cost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from stadion.core.errors import StadionError
from stadion.platform import Platform
from stadion.platform.licences import licence_in
from tests.train.series_sets import motions_folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of recordings of its own."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(motions_folder() / "BasicMotions_TRAIN.ts", folder)
    return folder


def trained(home: Path, data: Path, licence: str = "") -> dict[str, Any]:
    place = Platform.open(home)
    return place.train(
        "activity_recognition",
        data,
        learner="boosting",
        settings={"trees": 5},
        folds=2,
        licence=licence,
    )


def test_the_licence_is_what_was_said_else_the_folders_own(tmp_path: Path, data: Path) -> None:
    home = tmp_path / "home"
    assert "Licence of the data: not stated." in trained(home, data)["card"]
    (data / "LICENSE").write_text("\n# Creative Commons Attribution 4.0\n\nCreative Commons ...\n")
    view = trained(home, data)
    assert view["lineage"]["licence"] == "Creative Commons Attribution 4.0"
    assert "Licence of the data: Creative Commons Attribution 4.0." in view["card"]
    assert "Licence of the data: ODbL." in trained(home, data, licence="ODbL")["card"]
    with pytest.raises(StadionError, match="201 characters"):
        trained(home, data, licence="x" * 201)


def test_energy_and_the_cost_of_holes_stand_in_the_card(tmp_path: Path, data: Path) -> None:
    view = trained(tmp_path / "home", data)
    lineage = view["lineage"]
    assert lineage["energy_j"] > 0
    assert lineage["energy_how"].startswith(("RAPL", "estimated"))
    text = view["card"]
    assert f"J ({lineage['energy_how']})" in text
    assert "| 30% |" in text
    again = Platform.open(tmp_path / "home").model("activity_recognition:1")
    assert again["lineage"] == lineage


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("LICENSE", "MIT License\n\nCopyright", "MIT License"),
        ("LICENCE.md", "## CC BY-NC 4.0 ##\n", "CC BY-NC 4.0"),
        ("COPYING", "=====\n\n   GNU   GPL\n", "GNU GPL"),
        ("LICENSE_of_set", "Open Data Commons\n", "Open Data Commons"),
        ("LICENSE.txt", "", ""),
        ("README", "MIT License", ""),
    ],
)
def test_a_licence_file_is_named_by_its_first_line(
    tmp_path: Path, name: str, text: str, found: str
) -> None:
    (tmp_path / name).write_text(text)
    assert licence_in(tmp_path) == found
    assert licence_in(tmp_path / name) == ""
