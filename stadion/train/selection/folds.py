"""The folds of `science.folds`, under the name that learners know them by."""

from __future__ import annotations

from stadion.science.folds import Fold, folds_of, grouped_folds, time_folds

__all__ = ["Fold", "folds_of", "grouped_folds", "time_folds"]
