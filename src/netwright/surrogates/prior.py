"""What usually matters in a space, as the mean of scores before there are trials.

A space has it as what each option adds to the score, measured on other data. How far it holds here
is a weight that is fitted to the trials, by ridge regression towards what it was on data that it
was not measured on: with few trials it is near that, and where they contradict it near 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.objective import COSTS, Objective
from netwright.space import Answer, Architecture, Space

Array = NDArray[np.float64]
Mean = Callable[[Sequence[Architecture]], Array]
"""The mean of n architectures, in normal scores."""

_WEIGHT = 0.3  # of normal scores, before there are trials: the correlation on other data,
_DOUBT = 8.0  # which counts as so many trials
_DRAWN = 200  # members by which it is put on the scale of normal scores


class Prior:
    """What a space says of scores on one metric; of costs, and of several metrics, nothing."""

    def __init__(self, space: Space, objectives: Sequence[Objective]) -> None:
        prior = space.prior if len(objectives) == 1 and _is_score(objectives[0]) else {}
        self._adds = {
            name: {option: _added(prior[name], option) for option in choice.options}
            for name, choice in space.choices.items()
            if name in prior
        }
        self._known: dict[Architecture, float] = {}
        self._middle, self._spread = 0.0, 1.0
        if self._adds:
            rng = np.random.default_rng(0)
            sums = self._sums([space.members.freely(rng) for _ in range(_DRAWN)])
            self._middle, self._spread = float(sums.mean()), float(sums.std()) or 1.0

    def __bool__(self) -> bool:
        return bool(self._adds)

    def fitted(self, architectures: Sequence[Architecture], scores: Array) -> Mean:
        """The mean that holds after n trials with these normal scores."""
        if not self:
            return lambda others: np.zeros(len(others))
        told = self.of(architectures)
        weight = max(0.0, float(told @ scores + _DOUBT * _WEIGHT) / float(told @ told + _DOUBT))
        return lambda others: weight * self.of(others)

    def of(self, architectures: Sequence[Architecture]) -> Array:
        """What it says of n architectures: random members have mean 0 and deviation 1."""
        found: Array = (self._sums(architectures) - self._middle) / self._spread
        return found

    def _sums(self, architectures: Sequence[Architecture]) -> Array:
        for each in architectures:
            if each not in self._known:
                self._known[each] = sum(
                    self._adds[name][answer]
                    for name, answer in each.answers.items()
                    if name in self._adds
                )
        return np.array([self._known[each] for each in architectures])


def _added(adds: Mapping[Answer, float], option: Answer) -> float:
    """What an option adds: of a number that is not known as much as the nearest."""
    numbers = [o for o in adds if isinstance(o, int | float) and not isinstance(o, bool)]
    if option in adds or not isinstance(option, int | float) or not numbers:
        return adds.get(option, 0.0)
    near = option  # which a lambda would not know to be a number
    return adds[min(numbers, key=lambda o: abs(o - near))]


def _is_score(objective: Objective) -> bool:
    """Whether it is a score of trained networks."""
    return "@" not in objective.metric and objective.metric not in COSTS
