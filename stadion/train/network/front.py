"""Raw tensors in physical units with NaN = missing in; scaled tensors and their masks out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from stadion.core.arrays import Array, Arrays, FloatArray
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature
from stadion.core.signature import Tensor as TensorSpec

__all__ = ["FARTHEST", "Front", "Prepared", "center_and_scale"]

FARTHEST = 50.0
"""Spreads from the center: no glitch of a sensor floods the network."""


_MOST_VALUES = 200_000  # enough for stable percentiles of one channel; keeps large sets quick
_WINSOR = (0.5, 99.5)  # percent: what lies outside does not set the scale


class Prepared(NamedTuple):
    """What a network works on; masks are 1 where the value was missing (and is now 0).

    `sequence` and `sequence_mask` are (n, T, C), or None when no input has a time axis;
    `static` and `static_mask` are (n, d), or None when every input has one. All float32.
    """

    sequence: Tensor | None
    sequence_mask: Tensor | None
    static: Tensor | None
    static_mask: Tensor | None


class Front(nn.Module):
    """First layer of every graph: joins, imputes and scales the inputs of a signature.

    Inputs with `step_s` are sequences, (n, T) or (n, T, C), and are joined along the channels;
    all others are static, (n,) or (n, d), and are joined along the columns. NaN and infinity
    become the channel's training median, that is 0 after scaling, with 1 in the mask. The scale
    is the standard deviation of the channel winsorised at 0.5 and 99.5 percent: one spike of a
    sensor does not flatten the channel, and a channel that mostly rests keeps a scale. A channel
    without any value in the training rows, or without spread, has scale 1. Values farther than 50
    spreads from the center are cut off there.

    Parameters
    ----------
    signature
        The inputs, in the order of `forward`'s arguments.
    sequence_stats, static_stats
        (2, C) and (2, d) float32: center and scale of every channel and column.

    Attributes
    ----------
    channels, columns
        C and d; 0 when there is no sequence or no static input.
    steps
        T where the signature fixes it, None where it is free or there is no sequence.
    """

    sequence_center: Tensor
    sequence_scale: Tensor
    static_center: Tensor
    static_scale: Tensor

    def __init__(
        self, signature: Signature, sequence_stats: FloatArray, static_stats: FloatArray
    ) -> None:
        super().__init__()
        self._is_sequence = [_is_sequence(tensor) for tensor in signature.inputs]
        self.channels = int(sequence_stats.shape[1])
        self.columns = int(static_stats.shape[1])
        self.steps = _shared_steps(signature)
        for name, values in (("sequence", sequence_stats), ("static", static_stats)):
            center, scale = torch.from_numpy(np.array(values, dtype=np.float32))
            self.register_buffer(f"{name}_center", center.contiguous())
            self.register_buffer(f"{name}_scale", scale.contiguous())

    @classmethod
    def fitted(cls, signature: Signature, inputs: Arrays) -> Front:
        """The front whose medians and scales come from these (training) rows.

        Raises
        ------
        StadionError
            INVALID for a tensor of text, of a free size other than rows and time, or sequences
            that do not share their time axis.
        """
        for tensor in signature.inputs:
            _check(tensor)
        _shared_steps(signature)
        sequences = (_flat(inputs[t.name], 2) for t in signature.inputs if _is_sequence(t))
        statics = (_flat(inputs[t.name], 1) for t in signature.inputs if not _is_sequence(t))
        return cls(signature, _stats(sequences), _stats(statics))

    def forward(self, *inputs: Tensor) -> Prepared:
        """Prepare the input tensors, given in the signature's order, rows first."""
        sequences, statics = [], []
        for value, is_sequence in zip(inputs, self._is_sequence, strict=True):
            number = value.to(torch.float32)
            if is_sequence:
                sequences.append(number.unsqueeze(2) if number.dim() == 2 else number.flatten(2))
            else:
                statics.append(number.unsqueeze(1) if number.dim() == 1 else number.flatten(1))
        sequence = _scaled(sequences, 2, self.sequence_center, self.sequence_scale)
        static = _scaled(statics, 1, self.static_center, self.static_scale)
        return Prepared(*sequence, *static)


def center_and_scale(values: FloatArray) -> tuple[float, float]:
    """Median and winsorised standard deviation of the finite values, as `Front` describes them."""
    known = values[np.isfinite(values)].astype(np.float64)
    if not len(known):
        return 0.0, 1.0
    if len(known) > _MOST_VALUES:  # at random: any fixed stride may beat with the time axis
        known = known[np.random.default_rng(0).integers(0, len(known), _MOST_VALUES)]
    spread = float(np.clip(known, *np.percentile(known, _WINSOR)).std()) or float(known.std())
    center = float(np.median(known))
    # float32 cannot tell values apart that differ by less than this, so it is no spread
    return center, spread if spread > 1e-6 * max(abs(center), 1e-30) else 1.0


def _scaled(
    parts: list[Tensor], axis: int, center: Tensor, scale: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    if not parts:
        return None, None
    joined = torch.cat(parts, dim=axis)
    missing = torch.logical_not(torch.isfinite(joined))
    filled = torch.where(missing, center, joined)
    scaled = ((filled - center) / scale).clamp(-FARTHEST, FARTHEST)
    return scaled, missing.to(torch.float32)


def _stats(parts: Iterable[FloatArray]) -> FloatArray:
    """Center and scale, (2, channels), of (rows, channels) parts side by side."""
    columns = [center_and_scale(column) for part in parts for column in part.T]
    return np.array(columns, dtype=np.float32).reshape(-1, 2).T


def _flat(values: Array, lead: int) -> FloatArray:
    """Rows (and steps) in one axis, all else in the other: (rows, channels)."""
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, so it is missing
        wide = values.reshape(*values.shape[:lead], -1).astype(np.float32)
    return wide.reshape(-1, wide.shape[-1])


def _is_sequence(tensor: TensorSpec) -> bool:
    return tensor.step_s is not None


def _check(tensor: TensorSpec) -> None:
    lead = 2 if _is_sequence(tensor) else 1
    if tensor.datatype == "BYTES":
        problem = "holds text; a network takes numbers"
    elif len(tensor.shape) < lead or tensor.shape[0] is not None:
        axes = "rows (free) and time" if lead == 2 else "rows (free)"
        problem = f"has shape {tensor.wire_shape}; expected {axes} first"
    elif None in tensor.shape[lead:]:
        problem = f"has shape {tensor.wire_shape}; its channels must be fixed"
    else:
        return
    raise StadionError(Code.INVALID, f"input tensor {tensor.name!r} {problem}")


def _shared_steps(signature: Signature) -> int | None:
    """T of all sequences; None when free or when there is none."""
    steps = {t.name: t.shape[1] for t in signature.inputs if _is_sequence(t)}
    if len(set(steps.values())) > 1:
        raise StadionError(
            Code.INVALID, f"sequence tensors have {steps} steps; expected one length for all"
        )
    return next(iter(steps.values()), None)
