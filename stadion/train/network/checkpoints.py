"""A training's state in; a checkpoint that is whole or not there at all, and found again, out."""

from __future__ import annotations

import hashlib
import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch import __version__ as lightning_version
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import nn

from stadion.core.dataset import Dataset
from stadion.core.settings import settings_to_dict
from stadion.core.version import __version__
from stadion.train.base import Run

__all__ = ["Keeper", "WholeFiles", "checkpoint_path", "is_whole"]

_FREE = {"checkpoint_s"}  # settings that do not change the result
_COST = 20.0  # saving takes at most one twentieth of the time


def checkpoint_path(
    run: Run, learner: str, data: Dataset, settings: Any, network: nn.Module
) -> Path:
    """The file of this training and no other.

    Its name holds a digest of all that decides the result, so that a checkpoint of other data,
    settings, seed, layers or versions is never even opened.
    """
    chosen = {k: v for k, v in settings_to_dict(settings).items() if k not in _FREE}
    layers = [(name, list(value.shape)) for name, value in network.state_dict().items()]
    versions = [__version__, torch.__version__, lightning_version]
    facts = [learner, data.digest, repr(data.signature), chosen, run.seed, layers, versions]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return run.folder / f"last-{digest[:16]}.ckpt"


def is_whole(path: Path) -> bool:
    """Whether the file is there and each of its parts has its checksum; unpickles nothing."""
    try:
        with zipfile.ZipFile(path) as parts:
            return parts.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False


class WholeFiles(TorchCheckpointIO):  # type: ignore[misc]  # lightning is not typed
    """Writes beside the file, syncs, and renames: a kill leaves the old checkpoint or the new.

    Lightning's own writer moves from the system's temporary folder, which is no single step when
    that is another file system. Reading takes tensors and plain values only (`weights_only`).
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write the checkpoint to `path` as one step."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        with partial.open("wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)


class Keeper(Checkpoint):  # type: ignore[misc]  # lightning is not typed
    """Saves to one file between updates and at the ends of epochs, every `seconds` at most.

    An epoch's last update has no checkpoint of its own: the one of the epoch's end, with the
    held-out loss in it, follows at once. The end of the training is always saved.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__()
        self._path = path
        self._seconds = seconds
        self._next = time.monotonic() + seconds

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save in mid-epoch when it is time."""
        if batch_idx + 1 < trainer.num_training_batches:
            self._save_in_time(trainer)

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Save between epochs when it is time, and after the last one."""
        if trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs:
            trainer.save_checkpoint(self._path)
        else:
            self._save_in_time(trainer)

    def _save_in_time(self, trainer: Trainer) -> None:
        start = time.monotonic()
        if start < self._next:
            return
        trainer.save_checkpoint(self._path)
        end = time.monotonic()
        pause = max(self._seconds, _COST * (end - start)) if self._seconds else 0.0
        self._next = end + pause
