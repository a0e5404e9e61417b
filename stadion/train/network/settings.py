"""What every network's training can be told: the settings of the loop, with their limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["LoopSettings"]


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Settings of the training loop; a learner's own settings inherit them.

    Parameters
    ----------
    optimizer
        `momentum` is `sgd` with the setting `momentum`.
    learning_rate
        The highest one of the schedule.
    weight_decay
        On weights of two and more axes only: biases and norms stay free.
    schedule
        `constant`; `cosine` falls to 0; `step` falls to a tenth after 1/2 and again after 3/4 of
        the updates; `onecycle` rises over the first 3/10 and falls to 0.
    epochs, most_steps
        Passes over the data, and the most updates all of them may make: whichever ends first.
        `most_steps` keeps the time of a large set bounded; at least one epoch is made.
    batch_size
        Rows per update; a batch may be half as large again, so that none is tiny. `none` = a
        twentieth of the rows, but 16 to 32.
    clip
        Largest norm of the gradient; 0 = off.
    patience
        Epochs without a better loss on the held-out rows before training stops; the best epoch's
        weights are the result. 0 = off: all rows train, and the last weights are the result.
    holdout
        Share of the rows held out when `patience` is on; groups never part.
    class_weights
        `balanced` lets every class weigh the same, however few its rows.
    loss
        Of quantities, in units of the target's spread; `huber` bends at one spread.
    impute
        What stands for a missing value, beside its mask: the channel's `median` or `mean` in the
        training rows, `zero` in its unit, the `last` value before the gap, or a `learned` one.
    jitter
        Noise on every value, as a share of its channel's spread.
    scale
        Spread of a random factor per row and channel of a sequence, around the channel's center.
    rotation
        Largest angle, in degrees, by which the columns x, y, z of a sequence turn together.
    time_warp
        Spread of the logarithm of the speed at which a sequence's clock runs.
    missing_rate
        Share of the values that are blanked in training, so that the masks come to mean
        something: whole channels, blocks of time and single values, little in most rows and much
        in some.
    checkpoint_s
        Seconds between checkpoints; 0 = after every update. Does not change the result.
    """

    optimizer: Literal["sgd", "momentum", "adam", "adamw"] = "adamw"
    learning_rate: float = field(
        default=1e-3, metadata={"low": 1e-7, "high": 10.0, "search": (2e-4, 2e-2, "log")}
    )
    weight_decay: float = field(
        default=1e-2, metadata={"low": 0.0, "high": 10.0, "search": (1e-4, 1e-1, "log")}
    )
    momentum: float = field(default=0.9, metadata={"low": 0.0, "high": 0.999})
    schedule: Literal["constant", "cosine", "step", "onecycle"] = "onecycle"
    epochs: int = field(default=100, metadata={"low": 1, "high": 100_000})
    most_steps: int = field(default=2_000, metadata={"low": 1, "high": 100_000_000})
    batch_size: int | None = field(default=None, metadata={"low": 2, "high": 65_536})
    clip: float = field(default=1.0, metadata={"low": 0.0, "high": 1e6})
    patience: int = field(default=0, metadata={"low": 0, "high": 100_000})
    holdout: float = field(default=0.2, metadata={"low": 0.01, "high": 0.9})
    class_weights: Literal["none", "balanced"] = "none"
    label_smoothing: float = field(default=0.05, metadata={"low": 0.0, "high": 0.5})
    loss: Literal["mae", "mse", "huber"] = "huber"
    impute: Literal["median", "mean", "zero", "last", "learned"] = "median"
    jitter: float = field(default=0.05, metadata={"low": 0.0, "high": 2.0})
    scale: float = field(default=0.1, metadata={"low": 0.0, "high": 1.0})
    rotation: float = field(default=0.0, metadata={"low": 0.0, "high": 180.0})
    time_warp: float = field(default=0.0, metadata={"low": 0.0, "high": 1.0})
    missing_rate: float = field(default=0.1, metadata={"low": 0.0, "high": 0.9})
    checkpoint_s: float = field(default=2.0, metadata={"low": 0.0, "high": 86_400.0})
