"""Scores of how far off answers were in; the margin that holds a given share of the truth out.

References
----------
V. Vovk, A. Gammerman, G. Shafer, Algorithmic learning in a random world, 2005 (conformal
prediction); V. Vovk, Cross-conformal predictors, Ann. Math. Artif. Intell. 74 (2015) 9.
"""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import FloatArray

__all__ = ["margin"]


def margin(scores: FloatArray, share: float) -> float:
    """The smallest score that at least `share` of a new row's scores will not exceed.

    With n exchangeable scores this is the ceil((n + 1) * share)-th smallest, the largest one
    where n is too small for the share.

    Parameters
    ----------
    scores
        (n,) how far off the answers were, n from 1; NaN does not count.

    Examples
    --------
    >>> margin(np.arange(1.0, 100.0), 0.9)
    90.0
    """
    known = np.sort(scores[np.isfinite(scores)])
    place = int(np.ceil((len(known) + 1) * share)) - 1
    return float(known[min(place, len(known) - 1)])
