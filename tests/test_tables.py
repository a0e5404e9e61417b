"""Tables of matches and strokes go the whole way: file, archive, training, server, advice."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from stadion.core.errors import Code, StadionError
from stadion.platform import Platform
from tests.places import shared_data
from tests.servers import running_server

STROKES = 3_000
"""Enough of the file for a dozen matches."""


@pytest.fixture(scope="module")
def strokes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first matches of the challenge's training part, as a folder with its list of matches."""
    source = shared_data("F_event_tactics", "coachai_track2")
    folder = tmp_path_factory.mktemp("strokes")
    for file in sorted(source.rglob("*")):
        if file.name.startswith("train.csv"):
            lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
            (folder / "train.csv").write_bytes(b"".join(lines[: STROKES + 1]))
    return folder


@pytest.mark.data
def test_strokes_become_a_model_that_recommends(strokes: Path, tmp_path: Path) -> None:
    place = Platform.open(tmp_path)
    assert place.ingest([strokes])["tables"] == 1
    assert place.ingest([strokes])["known"] == 1
    (table,) = place.tables()
    assert (table["kind"], table["rows"]) == ("strokes", STROKES)
    view = place.train(
        "rally_winner", learner="boosting", settings={"trees": 10, "missing_rate": 0}, folds=1
    )
    assert view["metrics"]["protocol"].startswith("one fifth held out")
    place.deploy("rally_winner")
    advice = place.recommend("rally_winner", strokes / "train.csv")
    assert advice == sorted(advice, key=lambda one: -one["win"])
    assert all(0 <= one["win"] <= 1 and one["type"] for one in advice)
    with running_server(place.home.path, workers=1) as server:
        assert server.client.recommend("rally_winner", strokes / "train.csv") == advice
        assert [t["id"] for t in server.client.tables()] == [table["id"]]
        answer = server.client.predict("rally_winner", strokes / "train.csv")
        assert set(answer["output"]["win"][0]["probabilities"]) == {"lost", "won"}
    assert place.erase(table["id"]) == {"erased": table["id"]}
    assert place.tables() == []


@pytest.mark.data
def test_a_model_without_advice_says_so(tmp_path: Path, basic_motions: Path) -> None:
    place = Platform.open(tmp_path)
    train = basic_motions / "BasicMotions_TRAIN.ts"
    place.train("activity_recognition", train, learner="baseline", folds=2)
    with pytest.raises(StadionError, match="gives no advice") as caught:
        place.recommend("activity_recognition", train)
    assert caught.value.code is Code.UNSUPPORTED
