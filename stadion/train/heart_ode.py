"""Moments of workouts in; heart rate by an equation of how hearts follow demand, learned, out."""

from __future__ import annotations

import numpy as np

from stadion.core.dataset import Dataset
from stadion.train.base import Run
from stadion.train.heart.example import made_up_workouts
from stadion.train.heart.ode_course import OdeSettings, trained_ode
from stadion.train.heart.reading import ANSWER, suits_heart_learners
from stadion.train.network.model import TorchModel
from stadion.train.network.quiet import undisturbed

__all__ = ["PLUGIN", "HeartOde"]


class HeartOde:
    """A physiological equation whose demand is learned, adapted to each heart by its opening."""

    name = "heart_ode"
    summary = "a differential equation of the heart: demand is learned, the opening adapts it"
    Settings: type[OdeSettings] = OdeSettings

    def fit(self, data: Dataset, settings: OdeSettings, run: Run) -> TorchModel:
        """Train demand, equation and the prior of hearts together, through the unrolled steps.

        Raises
        ------
        StadionError
            UNSUPPORTED for a data set of another question; INVALID for fewer than two workouts.
        """
        suits_heart_learners(data, self.name)
        data = data.take(np.isfinite(data.targets[ANSWER]))
        with undisturbed():
            network = trained_ode(data, settings, run)
        return TorchModel(network, data.signature)

    def example(self, seed: int) -> Dataset:
        """Moments of a few made-up workouts."""
        return made_up_workouts(seed)


PLUGIN = HeartOde()
