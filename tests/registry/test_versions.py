"""Packages become versions: numbered for good, found by number or alias, kept with their files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stadion.core.deployment import Route
from stadion.core.errors import Code, StadionError
from stadion.core.names import ModelReference
from stadion.core.package import GRAPH, ModelFile, ModelPackage
from stadion.registry import Registry
from tests.registry.conftest import Make


def refused(code: Code, *words: str) -> pytest.RaisesExc[StadionError]:
    return pytest.RaisesExc(
        StadionError,
        check=lambda error: error.code is code and all(word in str(error) for word in words),
    )


def test_a_registered_package_comes_back_with_its_files(registry: Registry, make: Make) -> None:
    package = make("a")
    version = registry.register("sprint", package)
    found = registry.version("sprint:1")
    assert found == version
    assert (found.model, found.number, found.digest) == ("sprint", 1, package.digest)
    assert replace(found.package, files={}) == replace(package, files={})
    for name, file in found.package.files.items():
        path = Path(file.path)
        assert path.is_absolute()
        assert path.read_bytes() == Path(package.files[name].path).read_bytes()
        assert path.stat().st_mode & 0o777 == 0o444


def test_it_comes_back_after_the_registry_was_closed_and_the_sources_are_gone(
    registry: Registry, make: Make, tmp_path: Path
) -> None:
    package = make("a")
    registry.register("sprint", package)
    registry.close()
    for file in package.files.values():
        Path(file.path).unlink()
    with Registry.open(tmp_path / "registry") as again:
        assert again.version("sprint").digest == package.digest
        assert again.verify().is_sound


def test_numbers_rise_from_1_in_each_model(registry: Registry, make: Make) -> None:
    assert [registry.register("sprint", make(label)).number for label in "abc"] == [1, 2, 3]
    assert registry.register("row", make("a")).number == 1
    assert [v.number for v in registry.versions("sprint")] == [1, 2, 3]


def test_a_deleted_number_is_never_used_again(registry: Registry, make: Make) -> None:
    for label in "ab":
        registry.register("sprint", make(label))
    registry.delete("sprint", 2)
    with refused(Code.NOT_FOUND, "sprint:2", "sprint has: 1"):
        registry.version("sprint:2")
    assert registry.register("sprint", make("b")).number == 3
    registry.delete("sprint", 1)
    registry.delete("sprint", 3)
    assert registry.models() == []
    assert registry.register("sprint", make("c")).number == 4


def test_a_failed_registration_leaves_nothing_and_no_gap(
    registry: Registry, make: Make, tmp_path: Path
) -> None:
    package = make("a")
    Path(package.files[GRAPH].path).write_bytes(b"swapped after the digest was taken")
    with refused(Code.INVALID, "model.onnx", package.files[GRAPH].sha256):
        registry.register("sprint", package)
    assert registry.models() == []
    assert not list((tmp_path / "registry" / "blobs").glob("*/.tmp-*"))
    assert registry.register("sprint", make("b")).number == 1


def test_the_same_package_without_a_key_is_a_new_version(registry: Registry, make: Make) -> None:
    assert registry.register("sprint", make("a")).number == 1
    assert registry.register("sprint", make("a")).number == 2
    assert registry.verify().blobs == 3, "blobs are shared"


def test_the_same_key_answers_with_the_same_version(registry: Registry, make: Make) -> None:
    first = registry.register("sprint", make("a"), idempotency_key="k1")
    registry.register("sprint", make("b"))
    assert registry.register("sprint", make("a"), idempotency_key="k1") == first
    assert registry.register("row", make("a"), idempotency_key="k1").number == 1
    with refused(Code.CONFLICT, "'k1'"):
        registry.register("sprint", make("c"), idempotency_key="k1")
    registry.delete("sprint", 1)
    with refused(Code.CONFLICT, "sprint:1", "deleted"):
        registry.register("sprint", make("a"), idempotency_key="k1")


def test_a_bare_name_means_the_newest_until_there_is_a_champion(
    registry: Registry, make: Make
) -> None:
    for label in "abc":
        registry.register("sprint", make(label))
    assert registry.version("sprint").number == 3
    registry.set_alias("sprint", "champion", 2)
    assert registry.version("sprint").number == 2
    assert registry.version(ModelReference("sprint", alias="champion")).aliases == ("champion",)
    registry.delete_alias("sprint", "champion")
    assert registry.version("sprint").number == 3


def test_an_alias_moves_and_belongs_to_one_version(registry: Registry, make: Make) -> None:
    registry.register("sprint", make("a"), aliases=["champion", "stable"])
    second = registry.register("sprint", make("b"), aliases=["champion"])
    assert second.aliases == ("champion",)
    assert registry.version("sprint@stable").number == 1
    assert [v.aliases for v in registry.versions("sprint")] == [("stable",), ("champion",)]
    with refused(Code.NOT_FOUND, "sprint@best", "champion, stable"):
        registry.version("sprint@best")
    with refused(Code.NOT_FOUND, "sprint:9"):
        registry.set_alias("sprint", "best", 9)
    with refused(Code.NOT_FOUND, "sprint@best"):
        registry.delete_alias("sprint", "best")


def test_what_is_in_use_is_not_deleted(registry: Registry, make: Make) -> None:
    registry.register("sprint", make("a"))
    registry.register("sprint", make("b"), aliases=["stable"])
    registry.record_deployment("sprint", [Route(1)])
    with refused(Code.CONFLICT, "sprint:1 is deployed"):
        registry.delete("sprint", 1)
    with refused(Code.CONFLICT, "sprint:2", "stable"):
        registry.delete("sprint", 2)
    with refused(Code.NOT_FOUND, "sprint:7"):
        registry.delete("sprint", 7)
    registry.undeploy("sprint")
    registry.delete("sprint", 1)
    assert [v.number for v in registry.versions("sprint")] == [2]


def test_a_list_of_models_says_what_there_is(registry: Registry, make: Make) -> None:
    for label in "ab":
        registry.register("sprint", make(label), aliases=["champion"])
    registry.register("row", make("a"))
    registry.record_deployment("sprint", [Route(1, 0.9), Route(2, 0.1)])
    row, sprint = registry.models()
    assert (row.model, row.versions, row.newest, row.deployed) == ("row", 1, 1, ())
    assert (sprint.versions, sprint.newest, sprint.deployed) == (2, 2, (1, 2))
    assert sprint.aliases == {"champion": 2}
    assert sprint.updated == registry.version("sprint:2").created


def test_what_is_not_there_is_not_found(registry: Registry) -> None:
    for reference in ("sprint", "sprint:1", "sprint@champion"):
        with refused(Code.NOT_FOUND, "sprint"):
            registry.version(reference)
    with refused(Code.NOT_FOUND, "sprint"):
        registry.versions("sprint")
    with refused(Code.NOT_FOUND, "sprint"):
        registry.history("sprint")


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", "x" * 65, "a\0", "a..b"])
def test_a_bad_name_is_refused(registry: Registry, make: Make, name: str) -> None:
    with refused(Code.INVALID, "model"):
        registry.register(name, make("a"))
    with refused(Code.INVALID, "alias"):
        registry.register("sprint", make("a"), aliases=[name])
    with refused(Code.INVALID):
        registry.version(f"{name}:1")
    assert registry.models() == []


def changed(package: ModelPackage, name: str = GRAPH, **fields: object) -> ModelPackage:
    file = replace(package.files[GRAPH], **fields)  # type: ignore[arg-type]  # wrong on purpose
    return replace(package, files={**package.files, name: file})


def test_a_package_that_cannot_be_is_refused(
    registry: Registry, make: Make, tmp_path: Path
) -> None:
    package = make("a")
    metrics = package.metrics
    assert metrics is not None
    bad: dict[str, ModelPackage] = {
        "no graph": replace(package, files={}),
        "digest of another kind": changed(package, sha256="../" + "0" * 61),
        "wrong digest": changed(package, sha256="0" * 64),
        "wrong size": changed(package, bytes=3),
        "size below 0": changed(package, bytes=-1),
        "name that climbs": changed(package, "../evil"),
        "absolute name": changed(package, "/etc/evil"),
        "file that is not there": changed(package, path=str(tmp_path / "nowhere")),
        "folder": changed(package, path=str(tmp_path)),
        "path with a NUL": changed(package, path="a\0b"),
        "metric that is no number": replace(package, metrics=replace(metrics, value=float("nan"))),
        "whole number for a float": replace(package, metrics=replace(metrics, value=1)),
        "setting without a word in JSON": replace(
            package,
            lineage=replace(package.lineage, settings={"x": object()}),  # type: ignore[dict-item]  # wrong on purpose
        ),
    }  # fmt: skip
    for why, each in bad.items():
        with pytest.raises(StadionError) as caught:
            registry.register("sprint", each)
        assert caught.value.code is Code.INVALID, why
    assert registry.models() == []
    assert registry.register("sprint", package).number == 1


def test_large_files_are_streamed(registry: Registry, make: Make, tmp_path: Path) -> None:
    import hashlib
    import tracemalloc

    path = tmp_path / "weights.bin"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    package = make("a")
    weights = ModelFile(str(path), digest, 64 << 20)
    tracemalloc.start()
    registry.register("big", replace(package, files={**package.files, "w/weights.bin": weights}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
