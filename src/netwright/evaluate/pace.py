"""What a training will take, from what others took: so that minutes can be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

_MOST = 200  # the latest examples that it is fitted to
_TRAINED = 3.0  # the weight of a whole training beside that of a few timed steps


class Steps(NamedTuple):
    """A training: how many steps it has, and how many rows are in each."""

    number: int
    batch: int


@dataclass(frozen=True)
class _Example:
    features: tuple[float, float, float]
    seconds: float
    weight: float


class Pace:
    """Seconds of a training, learned from examples in the order they come.

    A step takes what its calls cost, what its multiplications cost, and what the optimiser costs:
    seconds = a + b * macs * rows + c * params, each at least 0, fitted to relative errors.
    """

    def __init__(self) -> None:
        self._examples: list[_Example] = []
        self._fitted: NDArray[np.float64] | None = None

    def learn(
        self, costs: Mapping[str, float], steps: Steps, seconds: float, *, whole: bool = True
    ) -> None:
        """Take in that a training of so many steps took so many seconds.

        `whole` says that it was one, and not a few timed steps.
        """
        if seconds > 0 and steps.number > 0:
            weight = _TRAINED if whole else 1.0
            self._examples.append(_Example(_features(costs, steps), seconds / steps.number, weight))
            self._fitted = None

    @property
    def is_known(self) -> bool:
        """Whether there is any example."""
        return bool(self._examples)

    def learn_json(self, example: Mapping[str, float]) -> None:
        """Take in timed steps as a log has them: params, macs, steps, batch and seconds."""
        steps = Steps(int(example["steps"]), int(example["batch"]))
        self.learn(example, steps, example["seconds"], whole=False)

    def macs(self, seconds: float, steps: Steps) -> float | None:
        """The multiplications with which a training takes so many seconds; None: any number."""
        if self.seconds({}, steps) is None:
            return None
        assert self._fitted is not None
        call, million, _ = self._fitted
        if million <= 0:
            return None
        return float(max(1.0, (seconds / steps.number - call) / million / steps.batch * 1e6))

    def seconds(self, costs: Mapping[str, float], steps: Steps) -> float | None:
        """What a training will probably take; None while nothing is known."""
        if not self._examples:
            return None
        if self._fitted is None:
            self._fitted = _fit(self._examples[-_MOST:])
        return float(np.dot(self._fitted, _features(costs, steps))) * steps.number


def _features(costs: Mapping[str, float], steps: Steps) -> tuple[float, float, float]:
    """Per step: one, millions of multiplications, millions of parameters."""
    macs, params = costs.get("macs", 0.0), costs.get("params", 0.0)
    return 1.0, macs * steps.batch / 1e6, params / 1e6


def _fit(examples: list[_Example]) -> NDArray[np.float64]:
    """The three coefficients."""
    rows = np.array([e.features for e in examples])
    seconds = np.array([e.seconds for e in examples])
    scale = np.sqrt([e.weight for e in examples]) / seconds
    coefficients: NDArray[np.float64] = nnls(
        rows * scale[:, None], np.ones(len(rows)) * seconds * scale
    )[0]
    return coefficients
