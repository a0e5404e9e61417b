"""What the training of the trajectory learner can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["TrajectorySettings"]


@dataclass(frozen=True, slots=True)
class TrajectorySettings:
    """Settings of the network and of its training.

    Parameters
    ----------
    reader
        What reads the player's own steps: `mlp` (all at once), `cnn`, `gru`, `lstm` or
        `transformer`.
    futures
        How many futures are told apart.
    features, hidden, layers
        Width of what is known of one player, width of the trunk, and its layers.
    dropout
        Share of the values left out by a training step in every layer of the trunk.
    epochs, most_steps
        Passes over the data, and the most updates all of them may make: whichever ends first;
        at least one epoch is made.
    batch_size
        Rows per update. `none` = a fiftieth of the rows, but 32 to 1,024.
    learning_rate, matrix_rate
        The highest rate, which falls to 0 as a cosine does: of AdamW for heads, convolutions and
        vectors, and of Muon for all other matrices.
    weight_decay, clip
        The pull of the weights to 0; the largest norm of a gradient.
    precision
        Of the products in training. `bfloat16` takes about 60% of the time where the processor
        has such instructions, and much more where it has none; the model is float32 always.
    spread
        Share of the futures' loss that all of them have, whichever came true, in the beginning;
        it falls to 0 at four fifths of the training.
    end
        Weight of a future's last step beside that of its whole path.
    tie
        Weight of the agreement of speed, acceleration and turn rate with the positions.
    missing_rate
        Share of the rows of which a part is blanked in training: of their values up to 60%.
    checkpoint_s
        Seconds between checkpoints; 0 = after every update. Does not change the result.
    """

    reader: Literal["mlp", "cnn", "gru", "lstm", "transformer"] = "mlp"
    futures: int = field(default=20, metadata={"low": 1, "high": 1_000})
    features: int = field(default=64, metadata={"low": 4, "high": 1_024})
    hidden: int = field(default=192, metadata={"low": 4, "high": 4_096})
    layers: int = field(default=2, metadata={"low": 1, "high": 32})
    dropout: float = field(default=0.1, metadata={"low": 0.0, "high": 0.95})
    epochs: int = field(default=10, metadata={"low": 1, "high": 100_000})
    most_steps: int = field(default=20_000, metadata={"low": 1, "high": 100_000_000})
    batch_size: int | None = field(default=None, metadata={"low": 2, "high": 65_536})
    learning_rate: float = field(default=5e-3, metadata={"low": 1e-7, "high": 1.0})
    matrix_rate: float = field(default=0.02, metadata={"low": 1e-7, "high": 1.0})
    weight_decay: float = field(default=1e-2, metadata={"low": 0.0, "high": 10.0})
    clip: float = field(default=1.0, metadata={"low": 1e-6, "high": 1e6})
    spread: float = field(default=0.1, metadata={"low": 0.0, "high": 1.0})
    end: float = field(default=0.3, metadata={"low": 0.0, "high": 100.0})
    tie: float = field(default=0.3, metadata={"low": 0.0, "high": 100.0})
    missing_rate: float = field(default=0.15, metadata={"low": 0.0, "high": 1.0})
    precision: Literal["float32", "bfloat16"] = "float32"
    checkpoint_s: float = field(default=10.0, metadata={"low": 0.0, "high": 86_400.0})
