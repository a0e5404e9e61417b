"""A network and its training set in, the same network trained out; a kill in between is no harm."""

from __future__ import annotations

from pathlib import Path

import torch
from lightning.pytorch import Trainer

from stadion.core.dataset import Dataset
from stadion.train.base import Run
from stadion.train.network.checkpoints import Keeper, WholeFiles, is_whole
from stadion.train.network.course import JUDGED, Course, Rows
from stadion.train.network.epochs import BestEpoch, Reporter
from stadion.train.network.network import Network
from stadion.train.network.settings import LoopSettings

__all__ = ["train"]


def train(
    network: Network,
    data: Dataset,
    held: Dataset | None,
    settings: LoopSettings,
    run: Run,
    checkpoint: Path,
) -> None:
    """Train `network` in place on `data`; go on from `checkpoint` when it is there and whole.

    Parameters
    ----------
    held
        Rows that judge the epochs, so that the best one's weights are the result; None = the
        last weights are.
    """
    held_rows = Rows.of(network, held) if held is not None else None
    course = Course(network, data.signature, Rows.of(network, data), held_rows, settings, run.seed)
    best = BestEpoch(settings.patience) if held is not None else None
    trainer = Trainer(
        accelerator="gpu" if torch.cuda.is_available() else "cpu",
        devices=1,
        max_epochs=course.epochs,
        gradient_clip_val=settings.clip or None,
        callbacks=[
            *([best] if best is not None else []),
            Reporter(run.progress),
            Keeper(checkpoint, settings.checkpoint_s),
        ],
        plugins=[WholeFiles()],
        default_root_dir=run.folder,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    # the loaders only count: which rows a step sees follows from seed, epoch and step
    trainer.fit(
        course,
        train_dataloaders=range(course.batches),
        val_dataloaders=range(-(-len(held) // JUDGED)) if held is not None else None,
        ckpt_path=checkpoint if is_whole(checkpoint) else None,
        weights_only=True,
    )
    if best is not None:
        network.load_state_dict(best.weights)
