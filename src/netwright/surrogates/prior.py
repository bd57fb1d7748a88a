"""What usually matters in a space, as the mean of scores before there are trials.

A space has it as what each option adds to the score, measured on other data. How far it holds here
is a correlation that is fitted to the trials, from what it was on data that it was not measured on:
with few trials it is near that, and where they contradict it near 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from netwright.objective import COSTS, Objective
from netwright.space import Answer, Space
from netwright.surrogates.features import Array, Features

Rows = NDArray[np.int64]

_DRAWN = 200  # members by which it is put on the scale of normal scores
_ANSWERS = 2  # the block of features that has them


class Prior:
    """What a space says of the scores of networks, in deviations of random members."""

    correlation: ClassVar = 0.3  # with scores on other data,
    doubt: ClassVar = 8.0  # which counts as that of so many trials
    spread: ClassVar = 1.0

    def __init__(self, space: Space, features: Features) -> None:
        columns = space.columns()
        self._features = features
        self._adds = np.array([_added(space.prior.get(name, {}), o) for name, o in columns])
        rng = np.random.default_rng(0)
        members = [space.members.freely(rng) for _ in range(_DRAWN)]  # rows of whom would be traced
        drawn = space.encode(members) @ self._adds
        self._middle, self._deviation = float(drawn.mean()), float(drawn.std()) or 1.0

    def of(self, rows: Rows) -> Array:
        """What it says of the networks in n rows."""
        answers = self._features.block(_ANSWERS, rows)[:, : len(self._adds)]
        found: Array = (answers @ self._adds - self._middle) / self._deviation
        return found

    def predict(self, rows: Rows) -> tuple[Array, Array]:
        """The same, and a deviation of 0."""
        return self.of(rows), np.zeros(len(rows))

    def everywhere(self, every: Rows) -> tuple[Array, Array] | None:
        """The same of the rows of all members."""
        return self.predict(every)


def prior_of(space: Space, features: Features, objectives: Sequence[Objective]) -> Prior | None:
    """What a space says of scores on one metric; of costs, and of several metrics, nothing."""
    is_one = len(objectives) == 1 and _is_score(objectives[0])
    return Prior(space, features) if is_one and space.prior else None


def _added(adds: Mapping[Answer, float], option: object) -> float:
    """What an option adds: of a number that is not known as much as the nearest."""
    for known, added in adds.items():
        if known == option:
            return added
    numbers = [o for o in adds if isinstance(o, int | float) and not isinstance(o, bool)]
    if not isinstance(option, int | float) or not numbers:
        return 0.0
    near = option  # which a lambda would not know to be a number
    return adds[min(numbers, key=lambda o: abs(o - near))]


def _is_score(objective: Objective) -> bool:
    """Whether it is a score of trained networks."""
    return "@" not in objective.metric and objective.metric not in COSTS
