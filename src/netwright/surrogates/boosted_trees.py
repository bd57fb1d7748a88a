"""Boosted regression trees that predict scores from the rows of `Features`.

Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 2001,
by scikit-learn. Of predictors of accuracy that are learnt such trees are among the best (White et
al., "How Powerful are Performance Predictors in Neural Architecture Search?", arXiv 2104.01177).
The deviation is that of members which learn from samples of their own (see `bagging`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from netwright.errors import SettingError
from netwright.settings.rules import check_counts
from netwright.space import Architecture, Space
from netwright.surrogates.bagging import bootstrap, widening
from netwright.surrogates.features import Array, Features
from netwright.surrogates.known import FittedRows, Known
from netwright.surrogates.predictor import Fitted, Predictor


@dataclass(frozen=True)
class BoostedTrees(Predictor):
    """Predicts by boosted trees, as many times over as there are `members`.

    Each member has `trees` of at most `depth` splits in a row, each of which is added with the
    weight `rate`; `seed` draws what it learns from. The scores are taken by their ranks (see
    `quantiles`).

    Raises:
        SettingError: `members` is no whole number, at least 2, `trees` or `depth` none, at least 1,
            `seed` none, at least 0, or `rate` is not above 0 and at most 1.
    """

    orderless: ClassVar = True

    members: int = 8
    trees: int = 100
    depth: int = 4
    rate: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        check_counts(self, members=2, trees=1, depth=1, seed=0)
        if type(self.rate) not in (int, float) or not 0 < self.rate <= 1:
            raise SettingError(
                f"`BoostedTrees(rate=...)` must be above 0 and at most 1, got {self.rate!r}."
            )

    def fit(
        self, space: Space, architectures: Sequence[Architecture], scores: Sequence[float] | Array
    ) -> Fitted:
        """Learn from n networks: minus infinity is the score of one that did not end well.

        Raises:
            SettingError: As of `Predictor.fit`.
        """
        known = Known.of(self, space, architectures, scores)
        trees = _Trees(self, known)
        return FittedRows(known, trees.predict, trees.widened)


class _Trees:
    """The members that were fitted, and by what their deviation is widened."""

    def __init__(self, settings: BoostedTrees, known: Known) -> None:
        self._features, self._columns = known.features, _varying(known.features, known.rows)
        x, y = self._read(known.rows), known.quantiles.normal
        rng = np.random.default_rng(settings.seed)
        drawn = bootstrap(rng, settings.members, len(y))
        # imported here: it takes long, and who searches without it needs not wait
        regressor = import_module("sklearn.ensemble").GradientBoostingRegressor
        self._members: list[Any] = [
            regressor(
                n_estimators=settings.trees,
                max_depth=settings.depth,
                learning_rate=settings.rate,
                max_features=0.5,
                random_state=settings.seed + member,
            ).fit(x[places], y[places])
            for member, places in enumerate(drawn)
        ]
        self.widened = widening(self._each(x), y, drawn)

    def predict(self, rows: NDArray[np.int64]) -> tuple[Array, Array]:
        """Mean and deviation of the normal scores at m rows."""
        each = self._each(self._read(rows))
        return each.mean(0), each.std(0)

    def _each(self, x: Array) -> Array:
        """What the members say, (members, m)."""
        return np.array([member.predict(x) for member in self._members])

    def _read(self, rows: NDArray[np.int64]) -> Array:
        blocks = [self._features.block(b, rows)[:, c] for b, c in enumerate(self._columns)]
        return np.hstack([np.zeros((len(rows), 1)), *blocks])  # one column at least


def _varying(features: Features, rows: NDArray[np.int64]) -> list[list[int]]:
    """The columns of each block in which these rows differ.

    Those of sequences are in the order of their names, so that nothing depends on the order in
    which networks were seen.
    """
    orders = [list(range(features.width(block))) for block in range(3)]
    orders[1] = [features.columns[name] for name in sorted(features.columns)]
    blocks = [features.block(block, rows) for block in range(3)]
    differ = [(values != values[:1]).any(0) for values in blocks]
    return [
        [column for column in order if column < len(varies) and varies[column]]
        for order, varies in zip(orders, differ, strict=True)
    ]
