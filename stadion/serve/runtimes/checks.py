"""The contract of a runtime, executable: each function takes one and raises if it is broken."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import numpy as np

from stadion.core.errors import Code, StadionError
from stadion.core.names import checked_name
from stadion.serve.runtimes.base import Halt, Runtime, Session
from stadion.serve.selftest import prove

__all__ = [
    "check_a_changed_file_is_refused",
    "check_a_halted_run_does_not_answer",
    "check_a_missing_file_is_unavailable",
    "check_it_says_what_it_is",
    "check_missing_values_pass",
    "check_the_named_outputs_come",
    "check_the_sample_passes_the_self_test",
    "check_threads_do_not_disturb_each_other",
]


def _session(runtime: Runtime) -> Session:
    with tempfile.TemporaryDirectory() as folder:
        return runtime.load(runtime.sample(Path(folder)))


def _rows(
    *rows: tuple[float, float],
) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return {"x": np.array(rows, np.float32)}


def check_it_says_what_it_is(runtime: Runtime) -> None:
    """Name and summary are there."""
    checked_name(runtime.name, "runtime name")
    assert runtime.summary, "the runtime has no summary"


def check_the_sample_passes_the_self_test(runtime: Runtime) -> None:
    """The sample loads without its folder, answers, and takes a measurable time."""
    assert set(prove(_session(runtime))) == {"x"}


def check_missing_values_pass(runtime: Runtime) -> None:
    """NaN in, NaN out; the other values are not touched by it."""
    answer = _session(runtime).run(_rows((1.0, float("nan")), (3.0, 4.0)))["y"]
    np.testing.assert_array_equal(answer, np.array([[-1, np.nan], [-3, -4]], np.float32))


def check_the_named_outputs_come(runtime: Runtime) -> None:
    """Naming an output gives that output."""
    assert list(_session(runtime).run(_rows((1.0, 2.0)), ("y",))) == ["y"]


def check_a_changed_file_is_refused(runtime: Runtime) -> None:
    """Every flipped byte of the model is noticed before a session is built."""
    with tempfile.TemporaryDirectory() as folder:
        package = runtime.sample(Path(folder))
        path = Path(next(iter(package.files.values())).path)
        content = path.read_bytes()
        for at in range(len(content)):
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            _expect(runtime, package, Code.INVALID)
        path.write_bytes(content + b"\0")
        _expect(runtime, package, Code.INVALID)


def check_a_missing_file_is_unavailable(runtime: Runtime) -> None:
    """A file that is not there is told as such, without its path."""
    with tempfile.TemporaryDirectory() as folder:
        package = runtime.sample(Path(folder))
    assert folder not in _expect(runtime, package, Code.UNAVAILABLE).message


def check_a_halted_run_does_not_answer(runtime: Runtime) -> None:
    """A run that is asked to end before it begins raises TIMEOUT."""
    halt = Halt()
    halt.ask()
    try:
        _session(runtime).run(_rows((1.0, 2.0)), (), halt)
    except StadionError as error:
        assert error.code is Code.TIMEOUT, error
    else:
        raise AssertionError("the halted run answered")


def check_threads_do_not_disturb_each_other(runtime: Runtime) -> None:
    """Runs at the same time give each thread its own answer."""
    session, wrong = _session(runtime), list[float]()

    def ask(number: float) -> None:
        for _ in range(200):
            answer = session.run(_rows((number, number)))["y"]
            if (answer != -number).any():
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(float(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong, f"wrong answers for {wrong}"


def _expect(runtime: Runtime, package: object, code: Code) -> StadionError:
    try:
        runtime.load(package)  # type: ignore[arg-type]
    except StadionError as error:
        assert error.code is code, error
        return error
    raise AssertionError(f"the package was loaded; expected {code}")
