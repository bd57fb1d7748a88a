"""What is wanted of a network: objectives to improve and limits that no returned network breaks.

Both are on a metric, and a metric may be measured somewhere: `latency_ms@onnxruntime` is the
latency in milliseconds on the target of that name, and `latency_ms@onnxruntime(threads=2)` that on
the one with these settings.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from netwright.errors import SettingError

COSTS = ("params", "macs", "memory_mib")
"""Metrics that follow from the layers of a network."""


class Somewhere(Protocol):
    """Where a metric is measured: any target, known here by its name alone."""

    @property
    def name(self) -> str:
        """The name after the `@`."""


class MetricName(str):
    """The name of a metric, with `@` and its target's name if it is measured on one.

    It is the string that mappings of metrics have as their key: `MetricName("latency_ms@pytorch")`.

    Raises:
        SettingError: The text is no `metric` or `metric@target`.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> MetricName:
        """The metric of a text."""
        name, at, target = str(text).partition("@")
        target, bracket, settings = target.partition("(")
        parts = (name, target) if at else (name,)
        plain = all(part and not {*"@="} & {*part} for part in parts)
        if not plain or (bracket and not settings.endswith(")")):
            raise SettingError(
                "A metric must be a name such as 'params', or metric@target such as "
                "'latency_ms@onnxruntime' or 'latency_ms@onnxruntime(threads=2)', "
                f"got {text!r}."
            )
        return super().__new__(cls, text)

    @classmethod
    def on(cls, name: str, target: str | None) -> MetricName:
        """The metric `name` on the target of a name."""
        return cls(f"{name}@{target}" if target else name)

    def __getnewargs__(self) -> tuple[str]:
        return (str(self),)

    @property
    def name(self) -> str:
        """What is measured: `latency_ms`."""
        return self.partition("@")[0]

    @property
    def target(self) -> str | None:
        """The name of where it is measured, with its settings; None for what has no target."""
        return self.partition("@")[2] or None


def figures(metrics: Mapping[str, float], name: str) -> dict[MetricName, float]:
    """What `metrics` have of one name, on any target and on none."""
    named = {
        MetricName(key): value for key, value in metrics.items() if key.partition("@")[0] == name
    }
    return dict(sorted(named.items()))


@dataclass(frozen=True)
class Objective:
    """A metric and the direction that is better; `on` is the target it is measured on, if given."""

    metric: MetricName
    direction: Literal["maximize", "minimize"]
    on: Somewhere | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "metric", _located("Objective", self.metric, self.on))

    def gain(self, metrics: Mapping[str, float]) -> float:
        """The metric as a number that is better when larger; minus infinity when missing or NaN."""
        value = metrics.get(self.metric, math.nan)
        if math.isnan(value):
            return -math.inf
        return value if self.direction == "maximize" else -value


def maximize(metric: str, *, on: Somewhere | None = None) -> Objective:
    """The objective that `metric` be large, for example `maximize("accuracy")`."""
    return Objective(_located("maximize", metric, on), "maximize", on)


def minimize(metric: str, *, on: Somewhere | None = None) -> Objective:
    """The objective that `metric` be small: `minimize("latency_ms@pytorch")`.

    `on` is the target to measure it on, instead of its name.
    """
    return Objective(_located("minimize", metric, on), "minimize", on)


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
class Limit:
    """A metric and the bound that no returned network breaks; `on` is its target, if given.

    The metric may be at most the bound, or with `least` at least.

    Raises:
        SettingError: The bound is not a finite number, or not a positive one of what is at most it.
    """

    metric: MetricName
    bound: float
    on: Somewhere | None = field(default=None, compare=False, repr=False)
    least: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "metric", _located("Limit", self.metric, self.on))
        number = isinstance(self.bound, int | float) and not isinstance(self.bound, bool)
        low = -sys.float_info.max if self.least else math.ulp(0.0)
        if not (number and low <= self.bound <= sys.float_info.max):
            rule = "a finite number" if self.least else "a finite number above 0"
            raise SettingError(f"The limit on {self.metric!r} must be {rule}, got {self.bound!r}.")

    def __str__(self) -> str:
        return f"{self.metric} {'>=' if self.least else '<='} {self.bound:g}"

    def excess(self, metrics: Mapping[str, float]) -> str | None:
        """How `metrics` break this limit, in one phrase; None when they keep it or lack it."""
        value = metrics.get(self.metric)
        if value is None or (value >= self.bound if self.least else value <= self.bound):
            return None
        which = "below" if self.least else "over"
        return f"{self.metric} {value:.6g} is {which} the limit {self.bound:.6g}"


Limits = Mapping[str, float] | Sequence[Limit]
"""Limits as a user writes them: `{"params": 200_000}`, or a list of `at_most(...)`."""


def at_most(metric: str, bound: float, *, on: Somewhere | None = None) -> Limit:
    """The limit that `metric` be at most `bound`, measured `on` a target if one is given.

    Raises:
        SettingError: The bound is not a positive finite number, or the metric names another target.
    """
    return Limit(_located("at_most", metric, on), bound, on)


def at_least(metric: str, bound: float) -> Limit:
    """The limit that `metric`, the score of a proxy, be at least `bound`: any finite number.

    Raises:
        SettingError: The bound is not a finite number.
    """
    return Limit(_located("at_least", metric, None), bound, least=True)


def limits_from(limits: Limits | None) -> tuple[Limit, ...]:
    """Limits as a user writes them: a mapping from metrics to bounds, or a list of `at_most(...)`.

    Raises:
        SettingError: It is neither, a bound is not a positive finite number, or a metric has two.
    """
    given: object = limits
    if isinstance(given, Mapping):
        given = [Limit(metric, bound) for metric, bound in given.items()]
    if isinstance(given, str):
        given = [given]  # which is no limit, also where it is empty
    if not isinstance(given, Sequence | None) or not all(isinstance(o, Limit) for o in given or ()):
        raise SettingError(
            '`limits=...` must be a mapping from metrics to bounds such as {"params": 200_000}, or '
            f'a list of limits such as [at_most("latency_ms", 1.0, on=...)], got {limits!r}.'
        )
    found = list(given or ())
    twice = {limit.metric for limit in found if [o.metric for o in found].count(limit.metric) > 1}
    if twice:
        told = " and ".join(str(limit) for limit in found if limit.metric == min(twice))
        raise SettingError(f"`limits=...` must have one bound for {min(twice)!r}, got {told}.")
    return tuple(found)


def _located(call: str, metric: str, on: Somewhere | None) -> MetricName:
    """A metric with the target that it is to be measured on.

    Raises:
        SettingError: It names another target.
    """
    if not isinstance(metric, str):
        raise SettingError(f"`{call}(metric)` must be the name of a metric, got {metric!r}.")
    named = MetricName(metric)
    if on is None:
        return named
    if not isinstance(name := getattr(on, "name", None), str):
        raise SettingError(
            f"`{call}(..., on=...)` must be a target such as `OnnxRuntime()`, got {on!r}; the name "
            f"of one is written with its metric, {named.name}@name."
        )
    if named.target not in (None, name):
        raise SettingError(f"`{call}({metric!r}, on=...)` names another target than {name!r}.")
    return MetricName.on(named.name, name)
