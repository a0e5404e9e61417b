"""API keys: made once, kept by their digest only, safe whatever happens to the process."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stadion.core.access import ApiKey, Quota, key_digest, key_id
from stadion.core.errors import Code, StadionError
from stadion.trust import KeyBook
from stadion.trust.book import written
from tests.places import ROOT

MAKE_KEYS = """
import sys
from pathlib import Path
from stadion.trust import KeyBook
book = KeyBook(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    key, text = book.create(f"{sys.argv[2]}-{number}")
    print(key.id, flush=True)
"""


@pytest.fixture
def book(tmp_path: Path) -> KeyBook:
    return KeyBook(tmp_path / "trust")


def making(book: KeyBook, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", MAKE_KEYS, str(book.folder), name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_the_text_of_a_key_is_told_once_and_kept_nowhere(book: KeyBook) -> None:
    key, text = book.create("club-app")
    assert key_id(text) == key.id
    assert key.digest == key_digest(text)
    for file in book.folder.iterdir():
        assert text not in file.read_text()
        assert text.rpartition("_")[2] not in file.read_text()
    assert book.all() == [key]


def test_keys_are_256_random_bits_in_a_file_of_the_owner(book: KeyBook) -> None:
    texts = {book.create(f"k{number}")[1] for number in range(20)}
    assert len({text[-43:] for text in texts}) == 20  # 43 characters of 6 bits hold 256
    assert (book.folder / "keys.json").stat().st_mode & 0o777 == 0o600
    assert book.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({"name": "Club App"}, "name of the key"),
        ({"scopes": ()}, "scopes"),
        ({"scopes": ("admin",)}, "scopes"),
        ({"models": ("../x",)}, "model"),
        ({"models": ("a",), "scopes": ("control",)}, "list of models"),
        ({"models": tuple(f"m{n}" for n in range(300))}, "300 models"),
        ({"expires_s": 12.0}, "time to come"),
        ({"expires_s": float("nan")}, "time to come"),
        ({"expires_s": float("inf")}, "time to come"),
        ({"quota": Quota(per_second=0)}, "per second"),
        ({"quota": Quota(per_second=float("nan"))}, "per second"),
        ({"quota": Quota(per_second=1, burst=0)}, "burst"),
        ({"quota": Quota(at_once=0)}, "at once"),
    ],
)
def test_what_cannot_be_meant_is_refused(book: KeyBook, wish: dict[str, Any], word: str) -> None:
    with pytest.raises(StadionError, match=word) as caught:
        book.create(**{"name": "app", **wish})
    assert caught.value.code is Code.INVALID
    assert book.all() == []


def test_a_name_is_free_again_when_its_key_is_revoked_or_expired(book: KeyBook) -> None:
    first, _ = book.create("app")
    with pytest.raises(StadionError, match="'app' already") as caught:
        book.create("app")
    assert caught.value.code is Code.CONFLICT
    assert book.revoke("app").id == first.id
    second, _ = book.create("app", expires_s=time.time() + 0.05)
    time.sleep(0.06)
    third, _ = book.create("app")
    assert book.revoke("app").id == third.id
    states = {key.id: key.revoked_s is None for key in book.all()}
    assert states == {first.id: False, second.id: True, third.id: False}


def test_only_a_key_that_is_there_can_be_revoked(book: KeyBook) -> None:
    key, _ = book.create("app")
    assert book.revoke(key.id).revoked_s is not None
    with pytest.raises(StadionError, match="there is no key") as caught:
        book.revoke("app")
    assert caught.value.code is Code.NOT_FOUND


def test_when_there_are_very_many_the_ended_ones_are_forgotten_first(book: KeyBook) -> None:
    key, _ = book.create("app")
    with written(book.folder) as keys:
        keys += [replace(key, id=f"{n:012x}", name=f"k{n}") for n in range(4095)]
    with pytest.raises(StadionError, match="4096 valid keys") as caught:
        book.create("more")
    assert caught.value.code is Code.CONFLICT
    book.revoke("k17")
    book.create("more")
    names = [key.name for key in book.all()]
    assert len(names) == 4096
    assert "k17" not in names


def test_processes_that_make_keys_together_lose_none(book: KeyBook) -> None:
    makers = [making(book, f"maker{n}", 12) for n in range(3)]
    told = [maker.communicate(timeout=60)[0].split() for maker in makers]
    assert {key.id for key in book.all()} == {id for ids in told for id in ids}
    assert sum(map(len, told)) == 36


def test_a_process_killed_at_any_moment_loses_no_key_that_was_told(book: KeyBook) -> None:
    told: set[str] = set()
    for round in range(4):
        maker = making(book, f"round{round}", 10_000)
        assert maker.stdout is not None
        told.add(maker.stdout.readline().strip())
        time.sleep(0.03 * round)
        maker.send_signal(signal.SIGKILL)
        maker.wait(10)
        told |= set(maker.stdout.read().split())
        maker.stdout.close()
        assert told <= {key.id for key in book.all()}
    book.create("afterwards")  # nobody holds the lock


def test_a_damaged_file_is_told_and_not_written_over(book: KeyBook) -> None:
    book.create("app")
    file = book.folder / "keys.json"
    damaged = file.read_bytes()[:-20]
    file.write_bytes(damaged)
    for attempt in (book.all, lambda: book.create("more"), book.reader()):
        with pytest.raises(StadionError, match="damaged") as caught:
            attempt()
        assert caught.value.code is Code.INTERNAL
    assert file.read_bytes() == damaged


def test_a_reader_tells_the_keys_only_when_they_are_others(book: KeyBook) -> None:
    read = book.reader()
    assert read() == []
    assert read() is None
    key, _ = book.create("app")
    assert read() == [key]
    assert read() is None
    assert book.reader()() == [key]
    revoked = book.revoke("app")
    assert read() == [revoked]
    (book.folder / "keys.json").unlink()
    assert read() == []
    assert read() is None


def test_a_key_is_valid_until_it_is_revoked_or_expires() -> None:
    key = ApiKey("0" * 12, "app", "", ("predict",), expires_s=100.0)
    assert key.is_valid(99.9)
    assert not key.is_valid(100.0)
    assert not replace(key, revoked_s=1.0).is_valid(50.0)
