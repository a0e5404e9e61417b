"""An ONNX file of unknown origin in; a package out, or the reason why it cannot be trusted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stadion.core.errors import Code, StadionError
from stadion.core.package import GRAPH, Lineage, ModelPackage
from stadion.core.signature import Signature
from stadion.core.version import code_version
from stadion.export.card import model_card
from stadion.export.package import file_of

__all__ = ["ForeignLimits", "import_foreign"]

_HEAD_BYTES = 16
_MOST_REPORT_BYTES = 4 << 20
_ZIP, _PICKLE = b"PK\x03\x04", tuple(bytes([0x80, version]) for version in range(2, 6))
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""All that the child gets to see: nothing of this process's environment, where secrets may be."""
_KINDS: tuple[tuple[tuple[bytes, ...], str], ...] = (
    (_PICKLE, "a pickle; opening one runs whatever code it holds"),
    ((b"x\x01", b"x\x5e", b"x\x9c", b"x\xda", b"ZF"), "a joblib file; opening one runs its code"),
    ((b"\x89HDF\r\n\x1a\n",), "an HDF5 file, as Keras writes it"),
    ((_ZIP,), "a zip archive, as PyTorch and Keras write it"),
    ((b"\x1f\x8b", b"\xfd7zXZ", b"BZh", b"7z\xbc\xaf"), "compressed"),
    ((b"\x93NUMPY",), "a numpy array"),
)


@dataclass(frozen=True, slots=True)
class ForeignLimits:
    """What looking at a foreign file may cost."""

    bytes: int = (1 << 31) - 1
    memory_bytes: int = 6 << 30
    cpu_s: int = 60
    test_s: float = 10.0
    wall_s: float = 90.0


class _Report(msgspec.Struct, forbid_unknown_fields=True):
    """What the child says; `code` is empty when the file is good."""

    code: str = ""
    message: str = ""
    hint: str = ""
    signature: Signature | None = None
    producer: str = ""


def import_foreign(file: Path, folder: Path, limits: ForeignLimits | None = None) -> ModelPackage:
    """Make a package of an outside ONNX file, unchanged, as `folder/model.onnx`.

    A child process opens the file, with limits on memory, processor time and duration: it
    checks the graph, loads it into ONNX Runtime, reads names, datatypes and shapes off it and
    runs it once on zeros. Whatever the file does to that process, this one only reads its report.

    Parameters
    ----------
    file
        One self-contained ONNX file, told by its content and not by its name.
    folder
        Made when it is not there; nothing is left in it when the file is refused.

    Raises
    ------
    StadionError
        NOT_FOUND when there is no file; UNSUPPORTED for other formats, custom operators,
        external data and tensors that no protocol carries; INVALID for a file that is no ONNX
        graph, crashes its process, does not come to an end or asks for too much memory.
    """
    limits = limits or ForeignLimits()
    _sniff(file, limits)
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / GRAPH
    try:
        shutil.copyfile(file, copy)
        signature, producer = _inspected(copy, limits)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    lineage = Lineage("", {}, "foreign", {"file": file.name, "producer": producer}, 0, "",
                      0, code_version())  # fmt: skip
    card = model_card(
        question=f"An outside model: {file.name}",
        reference="",
        signature=signature,
        groups=0,
        metrics=None,
        lineage=lineage,
    )
    return ModelPackage(signature, None, lineage, {GRAPH: file_of(copy)}, card)


def _sniff(file: Path, limits: ForeignLimits) -> None:
    """Refuse by content what is certainly another format, and what is too large."""
    if not file.is_file():
        raise StadionError(Code.NOT_FOUND, f"there is no file {str(file)!r}")
    size = file.stat().st_size
    if not 0 < size <= limits.bytes:
        raise StadionError(
            Code.INVALID, f"{file.name} has {size} bytes; expected 1 to {limits.bytes}"
        )
    with file.open("rb") as opened:
        head = opened.read(_HEAD_BYTES)
    for starts, kind in _KINDS:
        if head.startswith(starts):
            _refuse(file, kind)
    if head[4:8] == b"TFL3":
        _refuse(file, "a TensorFlow Lite model")
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < size:
        _refuse(file, "a safetensors file: weights without a graph")


def _refuse(file: Path, kind: str) -> None:
    raise StadionError(
        Code.UNSUPPORTED,
        f"{file.name} is {kind}; expected an ONNX graph",
        "export the model to ONNX where it was trained",
    )


def _inspected(graph: Path, limits: ForeignLimits) -> tuple[Signature, str]:
    """Signature and producer as the child found them; its refusal, crash or silence is raised."""
    with tempfile.TemporaryDirectory(prefix="stadion-foreign-") as room:
        status, output = _run_child(graph, limits, Path(room))
    if status != 0:
        raise StadionError(Code.INVALID, f"the file cannot be opened: {_how_it_ended(status)}")
    try:
        report = msgspec.json.decode(output, type=_Report)
    except msgspec.MsgspecError:
        raise StadionError(Code.INVALID, "the file garbled the report about itself") from None
    if report.code or report.signature is None:
        known = report.code if report.code in {c.value for c in Code} else Code.INVALID
        raise StadionError(Code(known), report.message[:1000], report.hint[:300])
    return report.signature, report.producer


def _run_child(graph: Path, limits: ForeignLimits, room: Path) -> tuple[int, bytes]:
    """Exit status (negative: the signal) and the report of a process of its own session."""
    order = msgspec.json.encode(
        {
            "graph": str(graph.absolute()),
            "memory_bytes": limits.memory_bytes,
            "cpu_s": limits.cpu_s,
            "test_s": limits.test_s,
        }
    )
    report = room / "report.json"
    with report.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-c", "from stadion.export.foreign_child import main; main()"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            cwd=room,
            env=_ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            start_new_session=True,
        )
        try:
            child.communicate(order, timeout=limits.wall_s)
        except subprocess.TimeoutExpired:
            raise StadionError(
                Code.INVALID, f"opening the file took longer than {limits.wall_s:g} s"
            ) from None
        finally:
            _end(child)
    if report.stat().st_size > _MOST_REPORT_BYTES:
        return 1, b""
    return child.returncode, report.read_bytes()


def _end(child: subprocess.Popen[bytes]) -> None:
    """The child and all it may have started."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(timeout=10)


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"its process ended with {status}, out of memory or by a fault of its own"
    if -status == signal.SIGXCPU:
        return "it used up its processor time"
    return f"its process was ended by {signal.Signals(-status).name}"
