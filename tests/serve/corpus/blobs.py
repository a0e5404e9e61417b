"""Binary tensors behind the JSON part whose sizes, places and contents lie."""

from __future__ import annotations

import struct

from tests.serve.corpus.entry import CLOSE, PATH, Entry, post

__all__ = ["ENTRIES"]

_FOUR = struct.pack("<f", 1.5)
_NAME = "Inference-Header-Content-Length"


def _json(size: str, shape: str = "[1,1]", name: str = "x", kind: str = "FP32") -> bytes:
    parameters = f'{{"binary_data_size":{size}}}'
    text = f'{{"name":"{name}","shape":{shape},"datatype":"{kind}","parameters":{parameters}}}'
    return f'{{"inputs":[{text}]}}'.encode()


def _call(text: bytes, blob: bytes = _FOUR, length: str | None = None, path: str = PATH) -> bytes:
    line = f"{_NAME}: {len(text) if length is None else length}".encode("latin-1")
    return post(path, text + blob, line, CLOSE)


_GOOD = _json("4")
_BOTH = _GOOD.replace(b'"datatype"', b'"data":[1.5],"datatype"')
_TEXTS = "/v2/models/texts/infer"
_STRINGS = b"\x01\x00\x00\x00a\x00\x00\x00\x00"

_ROWS: dict[str, tuple[bytes, int]] = {
    "one number": (_call(_GOOD), 200),
    "NaN": (_call(_GOOD, struct.pack("<f", float("nan"))), 200),
    "infinity": (_call(_GOOD, struct.pack("<f", float("inf"))), 200),
    "the header says less": (_call(_GOOD, length=str(len(_GOOD) - 1)), 400),
    "the header says more": (_call(_GOOD, length=str(len(_GOOD) + 1)), 400),
    "the header says all": (_call(_GOOD, length=str(len(_GOOD) + 4)), 400),
    "the header says more than all": (_call(_GOOD, length=str(len(_GOOD) + 5)), 400),
    "the header says a terabyte": (_call(_GOOD, length=str(1 << 40)), 400),
    "the header says 10,000 digits": (_call(_GOOD, length="1" * 10_000), 400),
    "the header is negative": (_call(_GOOD, length="-1"), 400),
    "the header is a word": (_call(_GOOD, length="all"), 400),
    "the header is empty": (_call(_GOOD, length=""), 400),
    "the header is a fraction": (_call(_GOOD, length="1.5"), 400),
    "the header is a superscript": (_call(_GOOD, length="\xb2"), 400),
    "the header has a plus": (_call(_GOOD, length=f"+{len(_GOOD)}"), 400),
    "the header twice": (
        post(PATH, _GOOD + _FOUR, *[f"{_NAME}: {len(_GOOD)}".encode()] * 2, CLOSE),
        400,
    ),
    "the size says less": (_call(_json("3")), 400),
    "the size says more": (_call(_json("5")), 400),
    "the size says nothing": (_call(_json("0")), 400),
    "the size says terabytes": (_call(_json(str(1 << 40))), 400),
    "the size is beyond 64 bits": (_call(_json(str(1 << 64))), 400),
    "the size is negative": (_call(_json("-4")), 400),
    "the size is text": (_call(_json('"4"')), 400),
    "the size is a fraction": (_call(_json("4.5")), 400),
    "the size is true": (_call(_json("true")), 400),
    "the size is null": (_call(_json("null")), 400),
    "no blob": (_call(_GOOD, b""), 400),
    "more blob than told": (_call(_GOOD, _FOUR * 2), 400),
    "a megabyte that belongs to nobody": (_call(_GOOD, bytes(1 << 20)), 400),
    "data as well": (_call(_BOTH), 400),
    "a shape of terabytes": (_call(_json("4", f"[{1 << 40},{1 << 40}]")), 400),
    "a shape that wraps to four bytes": (_call(_json("4", f"[{(1 << 62) + 1},4]")), 400),
    "a negative shape": (_call(_json("4", "[-1,-1]")), 400),
    "an empty shape": (_call(_json("0", "[0,1]"), b""), 400),
    "a shape of empty terabytes": (_call(_json("0", f"[0,{1 << 60}]"), b""), 400),
    "another datatype": (_call(_json("8", kind="FP64"), _FOUR * 2), 400),
    "an unknown name": (_call(_json("4", name="y")), 400),
    "no header": (post(PATH, _GOOD + _FOUR, CLOSE), 400),
    "no JSON": (_call(b"", length="7", blob=b"\x00" * 7), 400),
    "raw": (_call(b"", _FOUR, "0", "/v2/models/strict/infer"), 200),
    "raw, a byte too many": (_call(b"", _FOUR + b"x", "0", "/v2/models/strict/infer"), 400),
    "raw, nothing": (_call(b"", b"", "0", "/v2/models/strict/infer"), 400),
    "raw for two inputs": (_call(b"", _FOUR, "0", "/v2/models/two/infer"), 400),
    "texts": (_call(_json("9", "[2]", kind="BYTES"), _STRINGS, path=_TEXTS), 200),
    "texts, one claimed too long": (
        _call(_json("9", "[2]", kind="BYTES"), b"\x06" + _STRINGS[1:], path=_TEXTS),
        400,
    ),
    "texts, one of 4 GiB": (
        _call(_json("9", "[2]", kind="BYTES"), b"\xff\xff\xff\xff" + _STRINGS[4:], path=_TEXTS),
        400,
    ),
    "texts, too few": (_call(_json("9", "[3]", kind="BYTES"), _STRINGS, path=_TEXTS), 400),
    "texts, too many": (_call(_json("9", "[1]", kind="BYTES"), _STRINGS, path=_TEXTS), 400),
    "texts, a trillion": (
        _call(_json("9", f"[{1 << 40}]", kind="BYTES"), _STRINGS, path=_TEXTS),
        400,
    ),
    "texts, any bytes in binary only": (
        _call(_json("5", "[1]", kind="BYTES"), b"\x01\x00\x00\x00\xff", path=_TEXTS),
        400,
    ),
}

ENTRIES: list[Entry] = [
    Entry(f"binary: {name}", (sent,), (status,)) for name, (sent, status) in _ROWS.items()
]
