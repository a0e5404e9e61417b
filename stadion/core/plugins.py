"""Finds plug-ins: one file each in a room, entry points of other packages, a folder of your own."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar, cast

from stadion.core.errors import Code, StadionError

__all__ = ["Cupboard", "checks_in"]

T = TypeVar("T")
_NOT_PLUGINS = {"base", "checks"}


@dataclass(frozen=True)  # slots and Generic[...](...) do not go together in Python 3.11
class Cupboard(Generic[T]):
    """A room whose files are plug-ins.

    Each plug-in module holds one object named `PLUGIN`; the file's name is the plug-in's name.
    Listing names imports nothing; `get` imports the one file asked for, so that a heavy library
    is loaded only by who needs it.

    Parameters
    ----------
    room
        The package, such as `stadion.tasks`; also the entry-point group that extends it.
    folder
        A folder with more plug-in files, `<folder>/<room's last word>/*.py`; None for none.
    """

    room: str
    folder: Path | None = None
    _loaded: dict[str, T] = field(default_factory=dict, compare=False)

    def names(self) -> list[str]:
        """Names of all plug-ins, sorted."""
        return sorted({*self._files(), *self._entry_points(), *self._own()})

    def get(self, name: str) -> T:
        """The plug-in of that name.

        Raises
        ------
        StadionError
            NOT_FOUND, listing the names there are; INVALID for a file without `PLUGIN`.
        """
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def __iter__(self) -> Iterator[T]:
        return (self.get(name) for name in self.names())

    def _load(self, name: str) -> T:
        if name in (files := self._files()):
            return cast(T, _plugin_of(importlib.import_module(files[name])))
        if name in (points := self._entry_points()):
            found = points[name].load()
            return cast(T, _plugin_of(found) if isinstance(found, ModuleType) else found)
        if name in (own := self._own()):
            return cast(T, _plugin_of(_module_from(own[name], f"{self.room}.{name}")))
        noun = self.room.rpartition(".")[2]
        raise StadionError(
            Code.NOT_FOUND, f"{noun} holds no {name[:80]!r}; it holds {', '.join(self.names())}"
        )

    def _files(self) -> dict[str, str]:
        spec = importlib.util.find_spec(self.room)
        places = spec.submodule_search_locations if spec else None
        return {
            info.name: f"{self.room}.{info.name}"
            for info in pkgutil.iter_modules(places)
            if info.name not in _NOT_PLUGINS and not info.name.startswith("_") and not info.ispkg
        }

    def _entry_points(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self.room)}

    def _own(self) -> dict[str, Path]:
        if self.folder is None:
            return {}
        room = self.room.rpartition(".")[2]
        return {path.stem: path for path in sorted((self.folder / room).glob("[a-z]*.py"))}


def checks_in(module: ModuleType) -> list[Callable[[Any], None]]:
    """The `check_*` functions of a room's checks module: the contract, one sentence each."""
    found = inspect.getmembers(module, inspect.isfunction)
    return [function for name, function in found if name.startswith("check_")]


def _module_from(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_from_folder", path)
    if spec is None or spec.loader is None:
        raise StadionError(Code.INVALID, f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _plugin_of(module: ModuleType) -> Any:
    try:
        return module.PLUGIN
    except AttributeError:
        raise StadionError(
            Code.INVALID,
            f"{module.__name__} has no PLUGIN",
            "a plug-in file ends with PLUGIN = ...",
        ) from None
