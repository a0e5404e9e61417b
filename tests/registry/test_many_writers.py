"""Eight processes use one folder at once; nobody's write is lost, doubled or seen by half."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

from stadion.core.deployment import Route
from stadion.core.errors import StadionError
from stadion.registry import Registry, restore
from tests.registry.crash import starter
from tests.registry.packages import make_package

WRITERS = 8
EACH = 4


def together(work: Callable[[Path, int], Sequence[int]], home: Path) -> list[Sequence[int]]:
    with ProcessPoolExecutor(WRITERS, mp_context=starter()) as pool:
        return list(pool.map(work, [home] * WRITERS, range(WRITERS), timeout=120))


def test_eight_writers_get_different_numbers_without_gaps(tmp_path: Path) -> None:
    numbers = [number for own in together(_register_own, tmp_path) for number in own]
    assert sorted(numbers) == list(range(1, WRITERS * EACH + 1))
    with Registry.open(tmp_path / "registry") as registry:
        assert [v.number for v in registry.versions("sprint")] == sorted(numbers)
        assert registry.verify().is_sound


def test_eight_writers_with_one_key_get_one_version(tmp_path: Path) -> None:
    assert together(_register_same, tmp_path) == [[1]] * WRITERS
    with Registry.open(tmp_path / "registry") as registry:
        assert len(registry.versions("sprint")) == 1


def test_of_eight_writers_that_expect_a_generation_one_wins(tmp_path: Path) -> None:
    with Registry.open(tmp_path / "registry") as registry:
        registry.register("sprint", make_package(tmp_path, "a"))
        wins = [generation for own in together(_deploy_once, tmp_path) for generation in own]
        assert wins == [1]
        assert len(registry.history("sprint")) == 1


def test_a_sweep_without_grace_harms_no_acknowledged_version(tmp_path: Path) -> None:
    answers = together(_register_or_sweep, tmp_path)
    numbers = sorted(number for own in answers for number in own)
    with Registry.open(tmp_path / "registry") as registry:
        assert [v.number for v in registry.versions("sprint")] == numbers
        assert registry.verify().is_sound
    assert len(numbers) == len(set(numbers)) > 0


def test_a_backup_beside_eight_writers_is_of_one_moment(tmp_path: Path) -> None:
    with (
        Registry.open(tmp_path / "registry") as registry,
        ProcessPoolExecutor(WRITERS, mp_context=starter()) as pool,
    ):
        writers = [pool.submit(_register_own, tmp_path, writer) for writer in range(WRITERS)]
        sizes: list[int] = []
        while not all(writer.done() for writer in writers):
            registry.backup(tmp_path / f"{len(sizes)}.tar")
            restore(tmp_path / f"{len(sizes)}.tar", tmp_path / str(len(sizes)))
            sizes.append(_numbers_from_1(tmp_path / str(len(sizes))))
        assert sizes == sorted(sizes)
        assert len(registry.versions("sprint")) == WRITERS * EACH


def _numbers_from_1(folder: Path) -> int:
    with Registry.open(folder) as registry:
        assert registry.verify().is_sound
        numbers = [v.number for v in registry.versions("sprint")] if registry.models() else []
    assert numbers == list(range(1, len(numbers) + 1))
    return len(numbers)


def _register_own(home: Path, writer: int) -> list[int]:
    with Registry.open(home / "registry") as registry:
        packages = [make_package(home, f"{writer} {turn}") for turn in range(EACH)]
        return [registry.register("sprint", package).number for package in packages]


def _register_same(home: Path, writer: int) -> list[int]:
    package = make_package(home / str(writer), "the same")
    with Registry.open(home / "registry") as registry:
        return [registry.register("sprint", package, idempotency_key="once").number]


def _deploy_once(home: Path, writer: int) -> list[int]:
    with Registry.open(home / "registry") as registry, suppress(StadionError):
        done = registry.record_deployment("sprint", [Route(1)], str(writer), expected_generation=0)
        return [done.generation]
    return []


def _register_or_sweep(home: Path, writer: int) -> list[int]:
    """Half of the writers register; the others sweep as if every leftover were a day old."""
    done: list[int] = []
    until = time.monotonic() + 2.0
    turn = 0
    while time.monotonic() < until:
        turn += 1
        with (
            suppress(StadionError),  # a registration may fail when its temporary file is swept
            Registry.open(home / "registry", grace_s=0.0 if writer % 2 else 3600.0) as registry,
        ):
            if writer % 2 == 0:
                package = make_package(home, f"{writer} {turn}")
                done.append(registry.register("sprint", package).number)
    return done
