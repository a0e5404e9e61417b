"""The law of the house: who imports whom, how large a file is, what an import costs."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stadion.core.plugins import Cupboard, checks_in
from tests.places import ROOT

PACKAGE = ROOT / "stadion"
FILES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("torch", "ray", "onnxruntime", "grpc", "fastapi", "lightgbm", "sklearn", "pyarrow")
CUPBOARDS = sorted(path.parent for path in PACKAGE.rglob("checks.py"))


def room(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).parts)


def test_the_rooms_keep_the_import_law() -> None:
    command = [Path(sys.executable).parent / "lint-imports"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sorted({{n.partition('.')[0] for n in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split())


def test_importing_stadion_loads_no_heavy_library() -> None:
    assert loaded_after("import stadion").isdisjoint(HEAVY)


def test_listing_plugins_loads_no_heavy_library() -> None:
    rooms = [room(path) for path in CUPBOARDS]
    code = "from stadion.core.plugins import Cupboard\n"
    code += "\n".join(f"assert Cupboard({name!r}).names()" for name in rooms)
    assert loaded_after(code).isdisjoint(HEAVY)


def test_help_answers_in_half_a_second() -> None:
    command = [sys.executable, "-m", "stadion", "--help"]
    subprocess.run(command, capture_output=True, timeout=60, check=True)  # compiles the files
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        seconds.append(time.perf_counter() - started)
    assert "predict" in done.stdout
    assert min(seconds) < 0.5, seconds


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_short_and_says_what_it_does(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text)), "the file has no docstring"


@pytest.mark.parametrize("path", CUPBOARDS, ids=lambda path: path.name)
def test_every_file_of_a_cupboard_is_a_plugin_named_like_it(path: Path) -> None:
    cupboard: Cupboard[object] = Cupboard(room(path))
    files = {
        file.stem
        for file in path.glob("*.py")
        if file.stem not in {"base", "checks"} and not file.stem.startswith("_")
    }
    assert files, "the cupboard is empty"
    assert files <= set(cupboard.names())
    for name in files:
        assert getattr(cupboard.get(name), "name", None) == name


@pytest.mark.parametrize("path", CUPBOARDS, ids=lambda path: path.name)
def test_every_cupboard_ships_its_contract_and_a_test_runs_it(path: Path) -> None:
    checks = importlib.import_module(f"{room(path)}.checks")
    assert checks_in(checks), "checks.py holds no check_ function"
    tests = "\n".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    assert f"from {room(path)} import checks" in tests, "no test runs these checks"
