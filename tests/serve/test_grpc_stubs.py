"""The committed message classes are what the .proto files say; run as a program to write them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

FOLDER = Path("stadion/serve/grpc")
SHARED = "_descriptor_pool.Default()"
OWN = "_descriptor_pool.DescriptorPool()"


def generated(into: Path) -> dict[str, str]:
    """File name -> content, as the protobuf compiler makes them of the .proto files.

    The classes live in a pool of their own: client libraries bring the same package, and a
    process that imports one of them beside these must not fail over the second registration.
    """
    protos = sorted(str(path.relative_to(ROOT)) for path in (ROOT / FOLDER).glob("*.proto"))
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"--python_out={into}",
         f"--pyi_out={into}", *protos],
        cwd=ROOT,
        check=True,
        timeout=60,
    )  # fmt: skip
    return {path.name: path.read_text().replace(SHARED, OWN) for path in (into / FOLDER).iterdir()}


def test_the_message_classes_are_those_of_the_proto_files(tmp_path: Path) -> None:
    made = generated(tmp_path)
    assert {name: (ROOT / FOLDER / name).read_text() for name in made} == made


def test_they_live_beside_a_client_library_with_the_same_names() -> None:
    pytest.importorskip("tritonclient")
    program = (
        "from stadion.serve.grpc import inference_pb2 as ours;"
        "from tritonclient.grpc import service_pb2 as theirs;"
        "asked = theirs.ModelInferRequest(model_name='m', id='7').SerializeToString();"
        "assert ours.ModelInferRequest.FromString(asked).id == '7'"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name, content in generated(Path(folder)).items():
            (ROOT / FOLDER / name).write_text(content)
