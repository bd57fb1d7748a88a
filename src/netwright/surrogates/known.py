"""The networks that a predictor learns from, as rows of `Features` and normal scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netwright.space import Architecture, Space
from netwright.surrogates.features import Features, features_of
from netwright.surrogates.predictor import Array, Fitted, Predictor, checked_scores
from netwright.surrogates.quantiles import Quantiles

Rows = NDArray[np.int64]
_LEAST = 1e-9  # a deviation
_AT_ONCE = 2048  # rows that are predicted, so that what is computed on the way stays small


@dataclass(frozen=True)
class Known:
    """Rows of n networks and the quantiles of their scores, in an order of their own.

    The order depends on the networks and scores alone, so that a fit does not depend on that of
    the caller.
    """

    features: Features
    rows: Rows
    quantiles: Quantiles

    @classmethod
    def of(
        cls,
        predictor: Predictor,
        space: Space,
        architectures: Sequence[Architecture],
        scores: Sequence[float] | Array,
    ) -> Known:
        """What `predictor.fit` was given.

        Raises:
            SettingError: As of `Predictor.fit`.
        """
        checked = checked_scores(predictor, architectures, scores)
        names = [architecture.id for architecture in architectures]
        order = sorted(range(len(names)), key=lambda place: (names[place], checked[place]))
        features = features_of(space)
        rows = features.rows([architectures[place] for place in order])
        return cls(features, rows, Quantiles(checked[order]))


class FittedRows(Fitted):
    """A prediction of normal scores by rows, as one of scores by architectures.

    `predict_rows` takes m rows and gives mean and deviation of their normal scores; the deviation
    is multiplied by `widened`.
    """

    def __init__(
        self,
        known: Known,
        predict_rows: Callable[[Rows], tuple[Array, Array]],
        widened: float = 1.0,
    ) -> None:
        self._known, self._predict_rows, self._widened = known, predict_rows, widened

    def predict(self, architectures: Sequence[Architecture]) -> tuple[Array, Array]:
        """Mean and deviation in the unit of the scores, m values each."""
        if not architectures:
            return np.zeros(0), np.zeros(0)
        rows = self._known.features.rows(architectures)
        parts = [rows[first : first + _AT_ONCE] for first in range(0, len(rows), _AT_ONCE)]
        means, deviations = zip(*map(self._predict_rows, parts), strict=True)
        mean, deviation = np.concatenate(means), self._widened * np.concatenate(deviations)
        mean, deviation = self._known.quantiles.back(mean, deviation)
        return mean, np.maximum(deviation, _LEAST)
