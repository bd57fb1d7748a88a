"""What a network will probably cost, from what others did: so that few are measured in vain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.objective import Limit
from netwright.space import Architecture, Space

Array = NDArray[np.float64]

_LEAST = 16  # examples before anything is said
_GROWTH = 1.15  # it is fitted again when there are so many times the examples
_MOST = 800  # the latest examples that it is fitted to
_MARGIN = 0.25  # of the logarithm: what seems to be a little over a limit is worth a try
_RIDGE = 0.01


class Forecast:
    """Learns the limited metrics of a space's members from examples, in the order they come.

    Kernel ridge regression on the logarithm of a metric over the one-hot answers. It is fitted at
    set numbers of examples, so that what it says follows from the examples alone.
    """

    def __init__(self, space: Space, limits: Sequence[Limit]) -> None:
        self._space = space
        self._models = [_Model(limit, len(space.choices)) for limit in limits]
        self._added: Limit | None = None

    @property
    def limits(self) -> list[Limit]:
        """The limits whose metrics are learned."""
        return [model.limit for model in self._models]

    def add(self, limit: Limit) -> None:
        """Learn the metric of one more limit from now on, in the place of the last one added."""
        self._models = [model for model in self._models if model.limit is not self._added]
        self._models.append(_Model(limit, len(self._space.choices)))
        self._added = limit

    def learn(self, architecture: Architecture, metrics: Mapping[str, float]) -> None:
        """Take in what an architecture was found to cost; the first finding counts."""
        for model in self._models:
            value = metrics.get(model.limit.metric)
            if value is not None and value > 0 and math.isfinite(value):
                model.learn(architecture, math.log(value))

    def excess(self, architectures: Sequence[Architecture]) -> Array:
        """How far architectures seem to be over the limits, n values; 0 is within all of them.

        In logarithms, the limit that is broken most; all 0 while there are too few examples.
        """
        found = np.zeros(len(architectures))
        ready = [model for model in self._models if model.fit(self._space)]
        if ready:
            rows = self._space.encode(architectures)
            for model in ready:
                over = model.predict(rows) - math.log(model.limit.bound) - _MARGIN
                found = np.maximum(found, over)
        return found


class _Model:
    """The forecast of one limited metric."""

    def __init__(self, limit: Limit, choices: int) -> None:
        self.limit = limit
        self._gamma = 1.0 / max(1, choices)
        self._examples: dict[Architecture, float] = {}
        self._next = _LEAST
        self._fitted: tuple[Array, Array, float] | None = None  # examples, weights, mean

    def learn(self, architecture: Architecture, value: float) -> None:
        self._examples.setdefault(architecture, value)

    def fit(self, space: Space) -> bool:
        """Fit to the examples if there are enough new ones; whether there is a forecast."""
        due = 0
        while self._next <= len(self._examples):
            due, self._next = self._next, math.ceil(self._next * _GROWTH)
        if due:
            examples = list(self._examples.items())[max(0, due - _MOST) : due]
            values = np.array([value for _, value in examples])
            rows = space.encode([a for a, _ in examples]).astype(np.float64)
            mean = float(values.mean())
            kernel = self._kernel(rows, rows) + _RIDGE * np.eye(len(rows))
            self._fitted = rows, np.asarray(np.linalg.solve(kernel, values - mean)), mean
        return self._fitted is not None

    def predict(self, rows: NDArray[np.float32]) -> Array:
        assert self._fitted is not None
        examples, weights, mean = self._fitted
        return self._kernel(rows.astype(np.float64), examples) @ weights + mean

    def _kernel(self, a: Array, b: Array) -> Array:
        """How near encodings are, by a Gaussian of their distance, n x m."""
        squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2.0 * (a @ b.T)
        return np.asarray(np.exp(-self._gamma * squares))
