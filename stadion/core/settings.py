"""Settings: where a home keeps its things, and how typed settings are read from text."""

from __future__ import annotations

import dataclasses
import math
import os
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from stadion.core.errors import Code, StadionError

__all__ = ["Home", "api_key", "read_settings", "settings_to_dict"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Home:
    """The folder a Stadion lives in, and the places inside it."""

    path: Path

    @classmethod
    def find(cls, given: str | Path | None = None) -> Home:
        """`given`, else `$STADION_HOME`, else `~/.stadion`."""
        chosen = given or os.environ.get("STADION_HOME") or Path.home() / ".stadion"
        return cls(Path(chosen).expanduser().absolute())

    @property
    def registry(self) -> Path:
        """Folder of versions, blobs and the deployment log."""
        return self.path / "registry"

    @property
    def archive(self) -> Path:
        """Folder of activities."""
        return self.path / "archive"

    @property
    def runs(self) -> Path:
        """Folder of training runs: checkpoints and job records."""
        return self.path / "runs"

    @property
    def plugins(self) -> Path:
        """Folder of the user's own plug-ins, one sub-folder per room."""
        return self.path / "plugins"

    @property
    def trust(self) -> Path:
        """Folder of who may do what: API keys."""
        return self.path / "trust"

    @property
    def sockets(self) -> Path:
        """Folder of what exists only while a server runs."""
        return self.path / "run"


def api_key() -> str:
    """The key that the command line sends to a server: `$STADION_API_KEY`, or none."""
    return os.environ.get("STADION_API_KEY", "").strip()


def read_settings(kind: type[T], given: Mapping[str, Any], where: str) -> T:
    """Build a settings dataclass from text or typed values, each checked by its field's type.

    Parameters
    ----------
    kind
        A frozen dataclass whose fields are str, int, float, bool or Literal[...], possibly
        `| None`. A field's metadata may hold `low` and `high`.
    given
        Setting -> value, as text (`--set k=v`) or typed (TOML, JSON).
    where
        Whose settings these are, for the error: 'learner lstm'.

    Raises
    ------
    StadionError
        INVALID, naming the setting, the value received and what would be right.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in fields:
            known = ", ".join(fields) or "none"
            raise StadionError(Code.INVALID, f"{where} has no setting {name!r}; it has: {known}")
        values[name] = _read(value, hints[name], fields[name].metadata, f"{where}: {name}")
    return kind(**values)


def settings_to_dict(settings: object) -> dict[str, Any]:
    """Field -> value of a settings dataclass."""
    return dataclasses.asdict(settings)  # type: ignore[call-overload,no-any-return]


def _read(value: Any, hint: Any, limits: Mapping[str, Any], where: str) -> Any:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if type(None) in options and value in (None, "", "none"):
        return None
    target = next(option for option in options if option is not type(None))
    if typing.get_origin(target) is Literal:
        return _choice(value, typing.get_args(target), where)
    number = _typed(value, target, where)
    low, high = limits.get("low"), limits.get("high")
    if (low is not None and number < low) or (high is not None and number > high):
        bounds = f"{'-inf' if low is None else low} to {'inf' if high is None else high}"
        raise StadionError(Code.INVALID, f"{where} is {value!r}; expected {bounds}")
    return number


def _choice(value: Any, choices: tuple[Any, ...], where: str) -> Any:
    for choice in choices:
        if value == choice or str(value) == str(choice):
            return choice
    listed = ", ".join(map(str, choices))
    raise StadionError(Code.INVALID, f"{where} is {value!r}; expected one of {listed}")


def _typed(value: Any, target: Any, where: str) -> Any:
    try:
        if target is bool:
            return _BOOLS[str(value).lower()]
        if target is int and (isinstance(value, bool) or float(value) != int(float(value))):
            raise ValueError
        typed = int(float(value)) if target is int else target(value)
        if target is float and not math.isfinite(typed):
            raise ValueError
    except (KeyError, ValueError, TypeError, OverflowError):
        word = {bool: "true or false", int: "a whole number", float: "a number"}
        raise StadionError(
            Code.INVALID, f"{where} is {value!r}; expected {word.get(target, 'text')}"
        ) from None
    return typed


_BOOLS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
