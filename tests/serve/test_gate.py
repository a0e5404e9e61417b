"""Who calls, by the headers; and how much one key may ask for. The clock is the test's."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from stadion.core.access import Access, ApiKey, Quota, key_digest
from stadion.core.errors import Code, StadionError
from stadion.serve.callers import ANYBODY, Metered
from stadion.serve.gate import Gate, Unauthenticated
from stadion.serve.guesses import Guesses
from stadion.serve.pace import Pace
from stadion.serve.pool import Overloaded
from stadion.serve.table import Table


def a_key(number: int = 0, *scopes: str, **more: object) -> tuple[ApiKey, bytes]:
    text = f"stadion_{number:012x}_" + f"{number:043d}"
    key = ApiKey(f"{number:012x}", f"key{number}", key_digest(text), scopes or ("predict",))
    return replace(key, **more), text.encode()  # type: ignore[arg-type]  # fields by name


def bearer(text: bytes) -> dict[bytes, bytes]:
    return {b"authorization": b"Bearer " + text}


class Keys:
    """What a reader reads: all keys when they are others than at its last call."""

    def __init__(self, *keys: ApiKey) -> None:
        self.keys: Sequence[ApiKey] | None = keys

    def __call__(self) -> Sequence[ApiKey] | None:
        found, self.keys = self.keys, None
        return found


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def code_of(gate: Gate, headers: dict[bytes, bytes], *asked: object) -> Code | None:
    try:
        gate.caller(headers, *asked)  # type: ignore[arg-type]  # access and model
    except StadionError as error:
        return error.code
    return None


# --- who calls


def test_a_key_comes_as_a_bearer_or_in_a_header_of_its_own() -> None:
    key, text = a_key()
    gate = Gate(Keys(key), is_required=True)
    for headers in (
        {b"authorization": b"Bearer " + text},
        {b"authorization": b"bearer  " + text},
        {b"x-api-key": text},
        {b"x-api-key": text, b"authorization": b"Basic dXNlcjpwYXNz"},
        {b"x-api-key": text, b"authorization": b"Bearer of-the-proxy"},
    ):
        assert gate.caller(headers).name == "key0"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"authorization": b"Basic dXNlcjpwYXNz"},
        {b"authorization": b"Bearer "},
        {b"authorization": b"Bearer"},
        {b"x-api-key": b""},
        {b"x-api-key": b"\xff\xfe"},
        {b"x-api-key": b"stadion_000000000000_" + b"x" * 43},
        {b"x-api-key": b"stadion_ffffffffffff_" + b"0" * 43},
        {b"x-api-key": a_key()[1] + b"0"},
        {b"x-api-key": a_key()[1].upper()},
        {b"authorization": b"Bearer " + a_key()[1] + b", Bearer " + a_key()[1]},
    ],
)
def test_whoever_has_no_right_key_is_not_known(headers: dict[bytes, bytes]) -> None:
    gate = Gate(Keys(a_key()[0]), is_required=True)
    with pytest.raises(Unauthenticated) as caught:
        gate.caller(headers)
    assert caught.value.code is Code.FORBIDDEN
    assert gate.caller(headers, Access.OPEN) is ANYBODY


def test_where_no_key_is_needed_one_that_is_sent_must_be_right_all_the_same() -> None:
    key, text = a_key(1, quota=Quota(per_second=1.0))
    gate = Gate(Keys(key))
    assert gate.caller({}) is ANYBODY
    assert gate.caller({}, Access.CONTROL) is ANYBODY
    assert isinstance(gate.caller(bearer(text)), Metered)
    with pytest.raises(Unauthenticated):
        gate.caller(bearer(b"wrong"))


def test_where_nobody_has_a_key_what_looks_like_one_means_nothing() -> None:
    for gate in (Gate(), Gate(Keys())):
        assert gate.caller(bearer(b"whatever")) is ANYBODY


def test_each_call_asks_for_what_the_key_must_allow() -> None:
    gate = Gate(
        Keys(a_key(1)[0], a_key(2, "control")[0], a_key(3, "predict", "control")[0]),
        is_required=True,
    )
    allowed = {
        access: [n for n in (1, 2, 3) if code_of(gate, bearer(a_key(n)[1]), access) is None]
        for access in (*Access, None)
    }
    assert allowed == {
        Access.OPEN: [1, 2, 3],
        Access.KEY: [1, 2, 3],
        Access.PREDICT: [1, 3],
        Access.CATALOGUE: [1, 3],
        Access.CONTROL: [2, 3],
        None: [],
    }
    assert code_of(gate, bearer(a_key(1)[1]), None) is Code.FORBIDDEN


def test_a_model_of_others_is_answered_word_for_word_as_one_that_is_not_there() -> None:
    key, text = a_key(1, models=("mine",))
    gate = Gate(Keys(key), is_required=True)
    assert gate.caller(bearer(text), Access.PREDICT, "mine").name == "key1"
    with pytest.raises(StadionError) as of_others:
        gate.caller(bearer(text), Access.PREDICT, "theirs")
    with pytest.raises(StadionError) as not_there:
        Table().get("theirs")
    assert str(of_others.value) == str(not_there.value)
    assert code_of(gate, bearer(text), Access.CATALOGUE) is Code.FORBIDDEN


# --- keys that change


def test_a_key_counts_from_the_next_look_on_and_no_longer_than_it_is_valid() -> None:
    clock = Clock()
    keys = Keys()
    gate = Gate(keys, is_required=True, now_s=clock)
    (key, text), (lasting, other) = a_key(1, expires_s=1_010.0), a_key(2)
    assert code_of(gate, bearer(text)) is Code.FORBIDDEN
    seen = [gate.generation]
    keys.keys = [key, lasting]
    gate.refresh()
    assert gate.caller(bearer(text)).name == "key1"
    seen.append(gate.generation)
    gate.refresh()
    assert gate.generation == seen[-1], "nothing has changed"
    clock.now_s = 1_010.0
    assert code_of(gate, bearer(text)) is None, "remembered until the next look"
    gate.refresh()
    assert code_of(gate, bearer(text)) is Code.FORBIDDEN
    seen.append(gate.generation)
    keys.keys = [key, replace(lasting, revoked_s=1_010.0)]
    gate.refresh()
    assert code_of(gate, bearer(other)) is Code.FORBIDDEN
    seen.append(gate.generation)
    assert seen == sorted(set(seen)), "what was remembered of heads must be forgotten each time"


def test_keys_that_cannot_be_read_stay_as_they_were(caplog: pytest.LogCaptureFixture) -> None:
    key, text = a_key()
    is_broken = False

    def read() -> Sequence[ApiKey]:
        if is_broken:
            raise StadionError(Code.INTERNAL, "the file is damaged")
        return [key]

    gate = Gate(read, is_required=True)
    is_broken = True
    for _ in range(3):
        gate.refresh()
    assert gate.caller(bearer(text)).name == "key0"
    assert caplog.text.count("damaged") == 1
    fresh = Gate(read, is_required=True)
    assert code_of(fresh, bearer(text)) is Code.FORBIDDEN, "without keys nobody comes in"


def test_a_quota_is_not_filled_up_by_a_change_of_other_keys() -> None:
    key, text = a_key(1, quota=Quota(per_second=0.001, burst=2))
    keys = Keys(key)
    gate = Gate(keys)
    assert gate.caller(bearer(text)).enter() is None
    keys.keys = [key, a_key(2)[0]]
    gate.refresh()
    assert gate.caller(bearer(text)).enter() is None
    keys.keys = [key]
    gate.refresh()
    assert gate.caller(bearer(text)).enter() is not None


# --- how much


@pytest.mark.parametrize("shares", [1, 4])
@pytest.mark.parametrize(("rate", "burst"), [(50.0, 1), (50.0, 20), (0.5, 3), (1000.0, 1000)])
def test_a_flood_gets_the_burst_and_then_the_rate_and_no_more(
    rate: float, burst: int, shares: int
) -> None:
    clock = Clock()
    caller = Metered(a_key(1, quota=Quota(rate, burst))[0], shares, clock)
    step_s = 0.1 * shares / rate
    admitted = 0
    for _ in range(3_000):
        refusal = caller.enter()
        if refusal is None:
            admitted += 1
            caller.leave()
        clock.now_s += step_s
    expected = max(burst / shares, 1) + rate / shares * 3_000 * step_s
    assert abs(admitted - expected) <= 1.5


def test_who_waits_as_long_as_told_is_admitted_and_a_moment_earlier_is_not() -> None:
    clock = Clock()
    caller = Metered(a_key(1, quota=Quota(0.2, 3))[0], 1, clock)
    for _ in range(3):
        assert caller.enter() is None
    refusal = caller.enter()
    assert isinstance(refusal, Overloaded)
    assert refusal.code is Code.OVERLOADED
    assert refusal.retry_after_s == 5
    clock.now_s += 4.9
    assert isinstance(caller.enter(), Overloaded)
    clock.now_s += 0.1
    assert caller.enter() is None


def test_the_part_of_a_worker_is_at_least_one_request() -> None:
    caller = Metered(a_key(1, quota=Quota(1.0, 1, at_once=1))[0], shares=8)
    assert caller.enter() is None


def test_only_so_many_are_under_way_and_each_end_lets_one_in() -> None:
    clock = Clock()
    caller = Metered(a_key(1, quota=Quota(at_once=3))[0], 1, clock)
    assert [caller.enter() is None for _ in range(4)] == [True, True, True, False]
    for _ in range(40):
        clock.now_s += 7.0
        caller.leave()
        assert caller.enter() is None
    refusal = caller.enter()
    assert isinstance(refusal, Overloaded)
    assert refusal.retry_after_s in (6, 7), "a place falls free after 7 s"


def test_a_refused_request_takes_nothing_from_the_quota() -> None:
    clock = Clock()
    caller = Metered(a_key(1, quota=Quota(1.0, 2, at_once=1))[0], 1, clock)
    assert caller.enter() is None
    assert all(caller.enter() is not None for _ in range(50))
    caller.leave()
    assert caller.enter() is None


def test_threads_that_enter_and_leave_together_leave_no_place_taken() -> None:
    caller = Metered(a_key(1, quota=Quota(at_once=5))[0])
    most: list[int] = []

    def come_and_go() -> None:
        inside = 0
        for _ in range(4_000):
            if caller.enter() is None:
                inside += 1
                caller.leave()
        most.append(inside)

    threads = [threading.Thread(target=come_and_go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(most) > 8 * 1_000
    assert [caller.enter() is None for _ in range(6)] == [True] * 5 + [False]


def test_admission_costs_about_a_microsecond() -> None:
    key, text = a_key(1, quota=Quota(1e6, 1 << 20, at_once=1 << 20))
    gate = Gate(Keys(key), is_required=True)
    caller = gate.caller(bearer(text))
    seconds = []
    for _ in range(50):
        began = time.thread_time()
        for _ in range(2_000):
            caller.enter()
            caller.leave()
        seconds.append((time.thread_time() - began) / 2_000)
    print(f"enter and leave: {1e9 * min(seconds):.0f} ns")
    assert min(seconds) < 3e-6, "far more than was measured: 0.5 us"


def test_refusals_are_spread_over_time_however_many_connections_ask() -> None:
    clock = Clock()
    pace = Pace(per_second=100, longest_s=1.0, clock=clock)
    assert pace.rest_s() == pytest.approx(0.01), "who is refused now and then hardly waits"
    clock.now_s += 1
    rests = [pace.rest_s() for _ in range(300)]
    assert rests[:100] == pytest.approx([0.01 * (n + 1) for n in range(100)])
    assert rests[-1] == pytest.approx(1.0)
    clock.now_s += 5
    assert pace.rest_s() == pytest.approx(0.01)


# --- guessing


def test_wrong_keys_from_an_address_are_looked_at_more_and_more_slowly() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    waited = []
    for _ in range(14):
        waited.append(guesses.pause_s("192.0.2.7"))
        clock.now_s += waited[-1]
        guesses.note("192.0.2.7")
    assert waited == [0] * 6 + [1, 2, 4, 8, 16, 32, 60, 60]
    assert guesses.pause_s("192.0.2.8") == 0
    clock.now_s += 700
    guesses.note("192.0.2.7")
    assert guesses.pause_s("192.0.2.7") == 0, "forgotten after a while"


def test_addresses_of_one_network_count_together_and_memory_is_bounded() -> None:
    guesses = Guesses(Clock())
    for host in range(7):
        guesses.note(f"2001:db8:0:1::{host:x}")
    assert guesses.pause_s("2001:db8:0:1:ffff::1") > 0
    assert guesses.pause_s("2001:db8:0:2::1") == 0
    for _ in range(7):
        guesses.note("::ffff:192.0.2.1")
    assert guesses.pause_s("192.0.2.1") > 0
    for host in range(10_000):
        guesses.note(f"10.0.{host >> 8}.{host & 255}")
    assert len(guesses) == 4096


def test_a_guesser_waits_and_nobody_else_at_its_address() -> None:
    key, text = a_key(1)
    gate = Gate(Keys(key), is_required=True)
    asked = (Access.PREDICT, "m", "192.0.2.7")
    for _ in range(6):
        assert code_of(gate, bearer(b"guess"), *asked) is Code.FORBIDDEN
    with pytest.raises(Overloaded) as caught:
        gate.caller(bearer(b"guess"), *asked)
    assert 1 <= caught.value.retry_after_s <= 2
    assert gate.caller(bearer(text), *asked).name == "key1"
    elsewhere = (Access.PREDICT, "m", "192.0.2.8")
    assert code_of(gate, bearer(b"guess"), *elsewhere) is Code.FORBIDDEN
