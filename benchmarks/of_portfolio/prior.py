"""What usually matters in a space: scores as sums of weights of answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from of_portfolio.choice import Scores

Array = NDArray[np.float64]

RIDGE = 10.0  # of the squares of the weights, for squared errors of ranks
_PARTS = 4  # that pairs are divided in, to predict pairs that were not learned from


def columns_of(pairs: Sequence[dict[str, Any]]) -> list[tuple[str, Any]]:
    """Each answer that some pair has and some has not."""
    seen: dict[tuple[str, Any], int] = {}
    for pair in pairs:
        for name, answer in pair["answers"].items():
            seen[name, answer] = seen.get((name, answer), 0) + 1
    return [column for column, count in seen.items() if count < len(pairs)]


def rows_of(pairs: Sequence[dict[str, Any]], columns: Sequence[tuple[str, Any]]) -> Array:
    """(pairs, columns) of 0 and 1."""
    return np.array([[float(p["answers"].get(n) == a) for n, a in columns] for p in pairs])


def weights_of(rows: Array, ranks: Array, ridge: float = RIDGE) -> Array:
    """Weights of the columns, by ridge regression of the mean ranks of the rows."""
    target = ranks.mean(1)
    centred = rows - rows.mean(0)
    gram = centred.T @ centred + ridge / ranks.shape[1] * np.eye(rows.shape[1])
    found: Array = np.linalg.solve(gram, centred.T @ (target - target.mean()))
    return found


def correlations(scores: Scores, rng: np.random.Generator) -> tuple[list[float], list[float]]:
    """Spearman's with the scores of each data set, of what was learned on the others.

    First of pairs that were learned from on the others, then of pairs that were not.
    """
    columns = columns_of(scores.pairs)
    rows = rows_of(scores.pairs, columns)
    known, new = [], []
    part = rng.permutation(len(rows)) % _PARTS
    for held in range(len(scores.data)):
        others = np.delete(scores.ranks, held, axis=1)
        own = scores.ranks[:, held]
        known.append(float(spearmanr(rows @ weights_of(rows, others), own)[0]))
        told = np.zeros(len(rows))
        for out in range(_PARTS):
            kept = part != out
            weights = weights_of(rows[kept], others[kept])
            told[~kept] = (rows[~kept] - rows[kept].mean(0)) @ weights
        new.append(float(spearmanr(told, own)[0]))
    return known, new
