"""ModelStreamInfer: several messages under way, answers in order, errors in their place."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from stadion.core.arrays import Array
from stadion.serve.grpc import inference_pb2 as pb
from tests.serve import graphs
from tests.serve.crowd import heavy, placed
from tests.serve.grpc_calls import Client, arrays, client, failing, parameter, request
from tests.serve.running import Server, running

LONG = np.array([30_000_000])


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    models = {
        "echo": graphs.echo(home),
        "patient": graphs.patient(home),
        "texts": graphs.texts(home),
    }
    with running(home, models, grpc_port=0) as found:
        yield found


@pytest.fixture
def calls(server: Server) -> Iterator[Client]:
    with client(server) as found:
        yield found


def x(number: float) -> dict[str, Array]:
    return {"x": np.full((1, 2), number, np.float32)}


def first(answer: pb.ModelStreamInferResponse) -> float:
    assert not answer.error_message, answer.error_message
    return float(arrays(answer.infer_response)["y"][0, 0])


class Talk:
    """A stream whose messages are said one by one."""

    def __init__(self, calls: Client) -> None:
        self._said: queue.SimpleQueue[pb.ModelInferRequest | None] = queue.SimpleQueue()
        self.answers = calls.stream(iter(self._said.get, None), timeout=30)

    def say(self, message: pb.ModelInferRequest) -> None:
        self._said.put(message)

    def close(self) -> None:
        self._said.put(None)

    def hear(self) -> pb.ModelStreamInferResponse:
        answer = next(self.answers)
        assert isinstance(answer, pb.ModelStreamInferResponse)
        return answer


def test_answers_come_in_the_order_of_the_messages(calls: Client) -> None:
    sent = [request("echo", x(n), id=str(n)) for n in range(300)]
    answers = list(calls.stream(iter(sent)))
    assert [first(answer) for answer in answers] == list(range(300))
    assert [answer.infer_response.id for answer in answers] == [str(n) for n in range(300)]


def test_a_slow_answer_does_not_lose_its_place(calls: Client) -> None:
    slow = request("patient", {"rounds": np.array([300_000])}, id="slow")
    sent = [slow, *(request("echo", x(n), id=str(n)) for n in range(20))]
    ids = [answer.infer_response.id for answer in calls.stream(iter(sent))]
    assert ids == ["slow", *(str(n) for n in range(20))]


def test_messages_are_answered_while_others_are_still_said(calls: Client) -> None:
    talk = Talk(calls)
    for number in range(5):
        talk.say(request("echo", x(number)))
        assert first(talk.hear()) == number
    talk.close()
    assert list(talk.answers) == []
    assert talk.answers.code() is grpc.StatusCode.OK


def test_an_error_is_the_answer_of_its_message_and_of_no_other(calls: Client) -> None:
    wrong = request("echo", x(9), id="wrong shape")
    wrong.inputs[0].shape[0] = 3
    sent = [
        request("echo", x(0), id="0"),
        request("nobody", x(1), id="unknown"),
        wrong,
        request("echo", {"x": np.zeros((1, 2))}, id="wrong datatype"),
        request("echo", x(4), id="4", typed=True),
        request("patient", {"rounds": LONG}, id="late", parameters={"timeout": parameter(200_000)}),
        request("echo", x(6), id="6"),
    ]
    answers = list(calls.stream(iter(sent)))
    assert [answer.infer_response.id for answer in answers] == [message.id for message in sent]
    errors = [answer.error_message for answer in answers]
    assert [bool(error) for error in errors] == [False, True, True, True, False, True, False]
    assert "there is no model 'nobody'" in errors[1]
    assert "8 bytes" in errors[2]
    assert "FP64" in errors[3]
    assert "limit" in errors[5]
    assert [first(answers[n]) for n in (0, 4, 6)] == [0, 4, 6]


def test_large_messages_are_read_beside_small_ones(calls: Client) -> None:
    texts = np.empty(20_000, object)
    texts[:] = [b"split %d" % n for n in range(20_000)]
    large = np.arange(200_000, dtype=np.float32).reshape(1, -1)
    sent = [
        request("texts", {"x": texts}),
        request("echo", {"x": large}, typed=True),
        request("echo", x(2)),
    ]
    answers = [arrays(answer.infer_response)["y"] for answer in calls.stream(iter(sent))]
    assert answers[0].tolist() == texts.tolist()
    assert np.array_equal(answers[1], large)
    assert answers[2][0, 0] == 2


def test_the_last_answer_is_marked_for_whoever_asks(calls: Client) -> None:
    mark = {"triton_enable_empty_final_response": parameter(True)}
    sent = [request("echo", x(1), parameters=mark), request("echo", x(2))]
    marked, plain = calls.stream(iter(sent))
    assert marked.infer_response.parameters["triton_final_response"].bool_param
    assert first(marked) == 1
    assert not plain.infer_response.parameters


def test_an_empty_stream_ends_well(calls: Client) -> None:
    stream = calls.stream(iter(()))
    assert list(stream) == []
    assert stream.code() is grpc.StatusCode.OK


def test_who_says_more_than_is_answered_is_slowed_down(calls: Client) -> None:
    """A stream has few messages under way, however many are said."""
    said: list[int] = []

    def messages() -> Iterator[pb.ModelInferRequest]:
        yield request("patient", {"rounds": np.array([2_000_000])})
        for number in range(200):
            said.append(number)
            yield request("echo", {"x": np.full((1, 20_000), number, np.float32)})

    stream = calls.stream(messages())
    next(stream)
    early = len(said)
    assert [int(arrays(a.infer_response)["y"][0, 0]) for a in stream] == list(range(200))
    assert early < 120  # sixteen under way, the rest in the buffers of both sides


def test_many_streams_at_once_keep_to_themselves(server: Server) -> None:
    wrong: list[Any] = []

    def talk(base: int) -> None:
        with client(server) as calls:
            sent = [request("echo", x(base + n)) for n in range(60)]
            got = [first(answer) for answer in calls.stream(iter(sent))]
            if got != [base + n for n in range(60)]:
                wrong.append(got)

    threads = [threading.Thread(target=talk, args=(1000 * n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert not wrong


def test_a_stream_that_is_cancelled_frees_its_places(calls: Client) -> None:
    talk = Talk(calls)
    for _ in range(5):
        talk.say(request("patient", {"rounds": LONG}))
    time.sleep(0.3)
    talk.answers.cancel()
    talk.close()
    began = time.monotonic()
    while True:
        asked = time.monotonic()
        calls.ModelInfer(request("patient", {"rounds": np.array([1000])}))
        if time.monotonic() - asked < 0.5:
            break
        assert time.monotonic() - began < 5, "the runs go on"


@pytest.mark.parametrize("limit_s", [0.05, 0.1, 0.15, 0.2, 0.25, 0.5])
def test_the_deadline_of_a_stream_ends_its_runs(calls: Client, limit_s: float) -> None:
    """Whoever sees the deadline first, client or server, it is the stream's end."""
    sent = [request("patient", {"rounds": LONG})]
    began = time.monotonic()
    with failing(grpc.StatusCode.DEADLINE_EXCEEDED):
        list(calls.stream(iter(sent), timeout=limit_s))
    assert time.monotonic() - began < 2
    assert first(next(calls.stream(iter([request("echo", x(3))])))) == 3


def test_models_that_are_not_in_memory_are_loaded_when_they_are_asked(tmp_path: Path) -> None:
    crowd = [placed(f"m{n}", heavy(tmp_path, float(n), 6.0)) for n in range(30)]
    with running(tmp_path, crowd, memory_budget=300 << 20, grpc_port=0) as server:
        models = server.plane.status()["models"]
        asleep = [name for name, view in models.items() if not view["in_memory"]]
        assert len(asleep) > 4
        with client(server) as calls:
            for name in asleep[:2]:
                found = calls.infer(name, {"x": np.full((1, 1), 2, np.float32)})["y"]
                assert found.tolist() == [[2 * float(name[1:])]]
            sent = [request(name, {"x": np.ones((1, 1), np.float32)}) for name in asleep[2:5]]
            answers = [first(answer) for answer in calls.stream(iter(sent), timeout=60)]
            assert answers == [float(name[1:]) for name in asleep[2:5]]
