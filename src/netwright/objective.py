"""What is wanted of a network: objectives to improve and limits that no returned network breaks."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from netwright.errors import SettingError


class Target(Protocol):
    """Where a metric is measured, for example `OnnxRuntime()`; see `netwright.evaluate.latency`."""

    @property
    def name(self) -> str:
        """The name used on the command line and in the report."""


@dataclass(frozen=True)
class Objective:
    """A metric and the direction that is better."""

    metric: str
    direction: Literal["maximize", "minimize"]

    def gain(self, metrics: Mapping[str, float]) -> float:
        """The metric as a number that is better when larger; minus infinity when missing or NaN."""
        value = metrics.get(self.metric, math.nan)
        if math.isnan(value):
            return -math.inf
        return value if self.direction == "maximize" else -value


def maximize(metric: str) -> Objective:
    """The objective that `metric` be large, for example `maximize("accuracy")`."""
    return Objective(metric, "maximize")


def minimize(metric: str) -> Objective:
    """The objective that `metric` be small, for example `minimize("latency_ms")`."""
    return Objective(metric, "minimize")


def dominates(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether gains `a` are nowhere worse and somewhere better than gains `b`; both of length m."""
    return all(x >= y for x, y in zip(a, b, strict=True)) and any(
        x > y for x, y in zip(a, b, strict=True)
    )


def undominated(gains: NDArray[np.float64]) -> NDArray[np.intp]:
    """The rows of `gains` (n, m) that no other dominates, in their order."""
    front = np.empty((0, gains.shape[1]))
    found: list[int] = []
    for i in np.lexsort(gains.T[::-1])[::-1]:  # one that dominates comes before
        if not ((front >= gains[i]).all(1) & (front > gains[i]).any(1)).any():
            front = np.vstack([front, gains[i]])
            found.append(int(i))
    return np.sort(np.array(found, dtype=np.intp))


def crowding(gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each of n members of a front, gains (n, m), is from its neighbours.

    The crowding distance of NSGA-II (Deb et al., 2002), infinite at the ends of each objective.
    """
    distance = np.zeros(len(gains))
    for column in gains.T:
        order = np.argsort(column, kind="stable")
        width = column[order[-1]] - column[order[0]] or 1.0
        distance[order[[0, -1]]] = np.inf
        distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / width
    return distance


@dataclass(frozen=True)
class AtMost:
    """An upper bound on a metric; `on` names where it is measured (None: the default target)."""

    bound: float
    on: Target | None = None

    def __post_init__(self) -> None:
        if not 0 < self.bound <= sys.float_info.max:
            raise SettingError(
                f"`AtMost(bound=...)` must be a finite number above 0, got {self.bound!r}."
            )


@dataclass(frozen=True)
class Limit:
    """A metric and the bound that no returned network breaks."""

    metric: str
    bound: float
    on: Target | None = None

    def excess(self, metrics: Mapping[str, float]) -> str | None:
        """How `metrics` break this limit, in one phrase; None when they keep it or lack it."""
        value = metrics.get(self.metric)
        if value is None or value <= self.bound:
            return None
        return f"{self.metric} {value:.6g} is over the limit {self.bound:.6g}"


def limits_from(limits: Mapping[str, float | AtMost] | None) -> tuple[Limit, ...]:
    """Limits from the mapping a user writes: `{"params": 200_000, "latency_ms": AtMost(1.0)}`.

    Raises:
        SettingError: It is no mapping, or a bound is not a positive finite number.
    """
    if limits is not None and not isinstance(limits, Mapping):
        raise SettingError(
            '`limits=...` must be a mapping from metrics to bounds such as {"params": 200_000}, '
            f"got {limits!r}."
        )
    made = []
    for metric, bound in (limits or {}).items():
        if isinstance(bound, bool) or not isinstance(bound, (int, float, AtMost)):
            raise SettingError(
                f"`limits={{{metric!r}: ...}}` must be a number or `AtMost(...)`, got {bound!r}."
            )
        most = bound if isinstance(bound, AtMost) else AtMost(bound)
        made.append(Limit(metric, most.bound, most.on))
    return tuple(made)
