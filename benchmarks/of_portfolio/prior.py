"""What usually matters in a space: ranks as sums of weights of answers, by ridge regression.

A choice of several numbers has one column, from -1/2 for its first option to 1/2 for its last;
of names, and of two numbers, each option has a column. An answer that is not active is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from netwright.space import Answer, Choice
from of_portfolio.choice import Scores

Array = NDArray[np.float64]

RIDGE = 4.0  # of the squares of the weights, for squared errors of mean ranks
_PARTS = 4  # that pairs are divided in, to predict pairs that were not learned from


@dataclass(frozen=True)
class Columns:
    """The columns of answers: choices of numbers, and options."""

    numbers: dict[str, tuple[Answer, ...]]
    options: list[tuple[str, Answer]]

    @classmethod
    def of(cls, choices: Mapping[str, Choice]) -> Columns:
        numbers, options = {}, []
        for name, choice in choices.items():
            if len(choice.options) > 2 and all(_is_number(o) for o in choice.options):
                numbers[name] = choice.options
            elif len(choice.options) > 1 and not choice.late:
                options += [(name, option) for option in choice.options]
        return cls(numbers, options)

    def rows(self, pairs: Sequence[Mapping[str, Any]]) -> Array:
        """(pairs, columns)."""
        return np.array([self._row(pair["answers"]) for pair in pairs])

    def _row(self, answers: Mapping[str, Answer]) -> list[float]:
        ordered = [
            options.index(answers[name]) / (len(options) - 1) - 0.5 if name in answers else 0.0
            for name, options in self.numbers.items()
        ]
        return ordered + [float(answers.get(name) == option) for name, option in self.options]

    def told(self, weights: Array) -> list[tuple[str, Answer, float]]:
        """What each option adds."""
        found = []
        for place, (name, options) in enumerate(self.numbers.items()):
            for i, option in enumerate(options):
                found.append((name, option, weights[place] * (i / (len(options) - 1) - 0.5)))
        after = weights[len(self.numbers) :]
        return found + [(n, o, w) for (n, o), w in zip(self.options, after, strict=True)]


def _is_number(option: Answer) -> bool:
    return isinstance(option, int | float) and not isinstance(option, bool)


def weights_of(rows: Array, ranks: Array, ridge: float = RIDGE) -> Array:
    """Weights of the columns, by ridge regression of the mean ranks of the rows."""
    target = ranks.mean(1)
    centred = rows - rows.mean(0)
    gram = centred.T @ centred + ridge * np.eye(rows.shape[1])
    found: Array = np.linalg.solve(gram, centred.T @ (target - target.mean()))
    return found


def correlations(
    scores: Scores, columns: Columns, rng: np.random.Generator, ridge: float = RIDGE
) -> tuple[list[float], list[float]]:
    """Spearman's with the scores of each data set, of what was learned on the others.

    First of pairs that were learned from on the others, then of pairs that were not.
    """
    rows = columns.rows(scores.pairs)
    known, new = [], []
    part = rng.permutation(len(rows)) % _PARTS
    for held in range(len(scores.data)):
        others = np.delete(scores.ranks, held, axis=1)
        own = scores.ranks[:, held]
        known.append(_spearman(rows @ weights_of(rows, others, ridge), own))
        told = np.zeros(len(rows))
        for out in range(_PARTS):
            kept = part != out
            weights = weights_of(rows[kept], others[kept], ridge)
            told[~kept] = (rows[~kept] - rows[kept].mean(0)) @ weights
        new.append(_spearman(told, own))
    return known, new


def _spearman(told: Array, own: Array) -> float:
    """Spearman's correlation; 0 where either is constant."""
    if np.ptp(told) == 0 or np.ptp(own) == 0:
        return 0.0
    return float(spearmanr(told, own)[0])
