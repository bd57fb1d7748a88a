"""Hard limits on what members cost: refused where they cannot be met, kept by every draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from netwright.errors import EvaluationError, LimitError, SettingError
from netwright.network.cost import Survey, survey
from netwright.network.signature import Signature
from netwright.objective import COSTS
from netwright.space.architecture import Architecture

"""Metrics that are known without running the network."""

Predict = Callable[[Sequence[Architecture]], Sequence[float] | NDArray[np.float64]]
"""What n architectures will probably cost: n values."""

_KEPT = 10_000  # surveys that are remembered


class Walkable(Protocol):
    """What a descent needs of a space: where to begin, and where to go from there."""

    @property
    def name(self) -> str:
        """What errors call it."""

    def smallest(self) -> Architecture:
        """The member that answers each choice with its first option."""

    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        """The members one answer away."""


class Surveys:
    """The survey of each member that was asked for, on the meta device.

    `build(architecture)` gives the network, `signature` says what it takes.
    """

    def __init__(self, build: Callable[[Architecture], nn.Module], signature: Signature) -> None:
        self._build, self._signature = build, signature
        self._known: dict[Architecture, Survey] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_known": {}}  # what others can find out again

    def of(self, architecture: Architecture) -> Survey:
        """Its costs and its fingerprint; raises as `survey`."""
        if architecture not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            with torch.device("meta"):
                model = self._build(architecture)
            self._known[architecture] = survey(model, self._signature)
        return self._known[architecture]

    def metric(self, name: str, architecture: Architecture) -> float:
        """One of `COSTS`; infinite for a network that cannot be run."""
        try:
            return float(getattr(self.of(architecture), name))
        except EvaluationError:
            return math.inf


def bounds_of(limits: object, predict: Mapping[str, Predict]) -> dict[str, float]:
    """The limits, checked.

    Raises:
        SettingError: A bound is no positive number, or nothing says what a metric is.
    """
    if not isinstance(limits, Mapping):
        raise SettingError(
            f'`limits` must be a mapping such as {{"params": 200_000}}, got {limits!r}.'
        )
    for metric, bound in limits.items():
        if (
            isinstance(bound, bool)
            or not isinstance(bound, int | float)
            or not 0 < bound < math.inf
        ):
            raise SettingError(
                f"`limits={{{metric!r}: ...}}` must be a finite number above 0, got {bound!r}; "
                "where a metric is measured is a matter of `nw.search(limits=...)`."
            )
        if metric not in COSTS and metric not in predict:
            raise SettingError(
                f"`limits={{{metric!r}: ...}}` must be one of {', '.join(COSTS)}, or have a "
                f"forecast: `space.limited(limits, predict={{{metric!r}: function}})`; what is "
                "measured on a device is limited by `nw.search(limits=...)`."
            )
    return dict(limits)


class OverLimits:
    """How far architectures are over limits: the logarithm of the ratio, of the one broken most."""

    def __init__(
        self, surveys: Surveys, bounds: Mapping[str, float], predict: Mapping[str, Predict]
    ) -> None:
        self._surveys, self._bounds, self._predict = surveys, bounds, predict

    def __call__(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """n values, 0 for those that keep all limits."""
        over = np.zeros(len(architectures))
        for metric, bound in self._bounds.items():
            values = np.array(self.values(metric, architectures), dtype=np.float64)
            with np.errstate(divide="ignore"):
                over = np.maximum(over, np.log(values) - math.log(bound))
        return over

    def values(self, metric: str, architectures: Sequence[Architecture]) -> Sequence[float]:
        """One metric of n architectures."""
        if metric in self._predict:
            found = np.asarray(self._predict[metric](architectures), dtype=np.float64)
            if found.shape != (len(architectures),):
                raise SettingError(
                    f"`limited(predict={{{metric!r}: function}})` must give one value for each "
                    f"of {len(architectures)} architectures, got shape {found.shape}."
                )
            return [math.inf if math.isnan(value) else float(value) for value in found]
        return [self._surveys.metric(metric, architecture) for architecture in architectures]

    def check(self, space: Walkable) -> None:
        """Find a member that keeps each limit.

        Raises:
            LimitError: None was found; says the least that was.
        """
        for metric, bound in self._bounds.items():
            check_least(space, metric, bound, partial(self._one, metric))

    def _one(self, metric: str, architecture: Architecture) -> float:
        return self.values(metric, [architecture])[0]


def check_least(
    space: Walkable, metric: str, bound: float, measure: Callable[[Architecture], float]
) -> None:
    """Find a member that keeps a limit, going down from neighbour to neighbour.

    Raises:
        LimitError: None was found; says the least that was.
    """
    least = least_of(space, measure, bound)
    if least > bound:
        raise LimitError(
            f"The limit {metric} <= {bound:g} cannot be met: the least found in the space "
            f"{space.name!r} is {least:.6g}. Raise the limit or widen the space."
        )


def least_of(space: Walkable, measure: Callable[[Architecture], float], enough: float) -> float:
    """The least value found going down from the smallest member, or the first within `enough`.

    Goes to the best neighbour until none is better: exact for costs that grow with each choice
    alone, an upper bound on the least otherwise.
    """
    here = space.smallest()
    value = measure(here)
    while value > enough:
        values = {other: measure(other) for other in space.neighbours(here)}
        better = min(values, key=lambda a: values[a], default=None)
        if better is None or values[better] >= value:
            return value
        here, value = better, values[better]
    return value
