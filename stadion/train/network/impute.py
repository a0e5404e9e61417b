"""Prepared rows with 0 where a value is missing in; the same with what stands for it out."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from stadion.core.arrays import Array, Arrays
from stadion.core.signature import Signature
from stadion.train.network.front import FARTHEST, Front, Prepared

__all__ = ["Impute", "Kind", "bridged", "last_known"]

Kind = Literal["median", "mean", "zero", "last", "learned"]

_CHUNK = 2_048  # rows whose mean is taken at once


class Impute(nn.Module):
    """Second layer of every network, in the graph as in training; the masks stay beside it.

    It works on scaled values, behind the augmentation, so that what training blanks is filled as
    what a sensor lost is.

    Parameters
    ----------
    kind
        `median` and `mean` of the channel's training values; `zero` in physical units; `last`
        value of the channel before the gap, and the median before its first value and for inputs
        without time; `learned`, one trainable number per channel, which starts at the median.
    sequence, static
        (C,) and (d,) what stands for a missing value, scaled; 0 is the median.
    """

    sequence: Tensor
    static: Tensor

    def __init__(self, kind: Kind, sequence: Tensor, static: Tensor) -> None:
        super().__init__()
        self._kind = kind
        for name, values in (("sequence", sequence), ("static", static)):
            if kind == "learned":
                setattr(self, name, nn.Parameter(values))
            else:
                self.register_buffer(name, values)

    @classmethod
    def fitted(cls, kind: Kind, front: Front, signature: Signature, inputs: Arrays) -> Impute:
        """The fillings of these (training) rows."""
        if kind == "zero":
            pairs = (
                (front.sequence_center, front.sequence_scale),
                (front.static_center, front.static_scale),
            )
            fillings = [(-center / scale).clamp(-FARTHEST, FARTHEST) for center, scale in pairs]
        elif kind == "mean":
            fillings = _means(front, [inputs[tensor.name] for tensor in signature.inputs])
        else:
            fillings = [torch.zeros_like(c) for c in (front.sequence_center, front.static_center)]
        return cls(kind, *fillings)

    def forward(self, rows: Prepared) -> Prepared:
        """Fill where the masks are 1."""
        sequence, mask, static, static_mask = rows
        if sequence is not None and mask is not None:
            if self._kind == "last":
                sequence = last_known(sequence, mask)
            elif self._kind != "median":
                sequence = torch.where(mask > 0, self.sequence, sequence)
        if static is not None and static_mask is not None and self._kind not in ("median", "last"):
            static = torch.where(static_mask > 0, self.static, static)
        return Prepared(sequence, mask, static, static_mask)


def last_known(sequence: Tensor, mask: Tensor) -> Tensor:
    """(n, T, C) in which a missing value is the one before it; 0 before a channel's first value.

    The k-th known step stands at place k - 1 once the known steps are sorted to the front: this
    needs a sum, a sort and two look-ups, which ONNX has, and no running maximum, which it lacks.
    """
    known = 1.0 - mask
    count = known.cumsum(dim=1)
    clock = torch.ones_like(known).cumsum(dim=1)
    _, order = torch.sort(clock + mask * clock[:, -1:], dim=1)
    place = order.gather(1, (count - 1.0).clamp(min=0.0).to(torch.int64))
    return torch.where(count > 0, sequence.gather(1, place), torch.zeros_like(sequence))


def bridged(sequence: Tensor, mask: Tensor) -> Tensor:
    """(n, T, C) in which gaps are straight lines from the value before to the value after.

    Before the first and after the last value of a channel that value stands; 0 where none is.
    """
    clock = torch.ones_like(mask).cumsum(dim=1)
    earlier, then = last_known(sequence, mask), last_known(clock, mask)
    back = mask.flip(1)
    later, until = (last_known(v.flip(1), back).flip(1) for v in (sequence, clock))
    part = (clock - then) / (until - then).clamp(min=1.0)
    between = earlier + (later - earlier) * part
    at_edge = torch.where(then > 0, earlier, later)
    return torch.where((then > 0) & (until > 0), between, at_edge)


def _means(front: Front, inputs: list[Array]) -> list[Tensor]:
    """Mean scaled value of each channel and column, 0 where none is known."""
    sums = [torch.zeros(2, count, dtype=torch.float64) for count in (front.channels, front.columns)]
    rows = len(inputs[0])
    for start in range(0, rows, _CHUNK):
        some = front(*(torch.tensor(values[start : start + _CHUNK]) for values in inputs))
        pairs = ((some.sequence, some.sequence_mask), (some.static, some.static_mask))
        for total, (values, mask) in zip(sums, pairs, strict=True):
            if values is not None:
                known = (1.0 - mask).flatten(0, -2).to(torch.float64)
                total.add_(torch.stack([(values.flatten(0, -2) * known).sum(0), known.sum(0)]))
    return [(total[0] / total[1].clamp(min=1.0)).to(torch.float32) for total in sums]
