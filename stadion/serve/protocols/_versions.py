"""The version or label in a path in, the number of the version that is meant out."""

from __future__ import annotations

from stadion.core.deployment import Deployment
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.serve.plane import Plane
from stadion.serve.protocols.base import Call

__all__ = ["number_of", "package_of", "version_of"]


def version_of(plane: Plane, call: Call) -> int | None:
    """What the path names; None where it names a model only.

    Two labels are known: `stable` is the version that answers most requests, `canary` the one
    that answers fewest, where several share them.

    Raises
    ------
    StadionError
        NOT_FOUND when there is no such version or label; the table's errors for the model.
    """
    label = call.params.get("label")
    if label is None:
        return number_of(call)
    plane.table.check(call.params["model"])
    return _labelled(plane.table.placements[call.params["model"]].deployment, label)


def number_of(call: Call) -> int | None:
    """The version in the path; a text that is no number is the name of no version here."""
    text = call.params.get("version")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise StadionError(
            Code.NOT_FOUND,
            f"there is no version {text[:80]!r} of model {call.params['model'][:80]!r}",
        )
    return int(text)


def package_of(plane: Plane, model: str, version: int | None) -> tuple[int, ModelPackage]:
    """The version that is meant, the one that answers most where none is named, and its package.

    Nothing is loaded for it.

    Raises
    ------
    StadionError
        NOT_FOUND when there is no such model or version; the table's errors for the model.
    """
    plane.table.check(model, version)
    placement = plane.table.placements[model]
    number = placement.deployment.primary if version is None else version
    return number, placement.packages[number]


def _labelled(deployment: Deployment, label: str) -> int:
    known = {"stable": deployment.primary}
    sharing = [route for route in deployment.routes if not route.shadow and not route.segment]
    if len(sharing) > 1:
        known["canary"] = min(sharing, key=lambda route: route.weight).version
    if label not in known:
        raise StadionError(
            Code.NOT_FOUND,
            f"model {deployment.model!r} has no label {label[:80]!r}; it has {list(known)}",
        )
    return known[label]
