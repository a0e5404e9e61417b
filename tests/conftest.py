"""What several tests share: a home with trained models, and a server on it."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stadion.platform import Platform
from tests.servers import Server, running_server

MODEL = "motions"

_LONGEST = ("test_crash.py", "test_reliability.py", "test_cli.py", "test_learners_contract.py",
            "test_resume.py", "test_docs.py", "test_search.py", "test_main_job.py",
            "test_tuning.py")  # fmt: skip
"""Files that take longest: begun first, so that no process is left alone with one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order of files only; within a file, and among the others, it stays."""
    places = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(_LONGEST)))


@pytest.fixture(scope="session")
def basic_motions() -> Path:
    """Folder with BasicMotions_TRAIN.ts and BasicMotions_TEST.ts, from aeon's wheel."""
    spec = importlib.util.find_spec("aeon")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data" / "BasicMotions"


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory, basic_motions: Path) -> Path:
    """A home with two versions of one model, none deployed; tests work on copies."""
    home = tmp_path_factory.mktemp("trained")
    place = Platform.open(home)
    for learner in ("rocket", "boosting"):
        place.train(
            "activity_recognition",
            basic_motions / "BasicMotions_TRAIN.ts",
            learner=learner,
            name=MODEL,
            folds=2,
        )
    return home


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Path:
    """A copy of the trained home for one test."""
    return Path(shutil.copytree(trained_home, tmp_path / "home"))


@pytest.fixture(scope="module")
def server(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with version 1 deployed, shared by the tests of one file."""
    copy = Path(shutil.copytree(trained_home, tmp_path_factory.mktemp("served") / "home"))
    Platform.open(copy).deploy(f"{MODEL}:1")
    with running_server(copy) as running:
        yield running
