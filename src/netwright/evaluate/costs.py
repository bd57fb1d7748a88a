"""What networks cost before they are trained, and the limits on it: the one place of both.

Params, MACs and memory follow from a network's layers; what a target measures is measured once a
network. Who may be trained, whether the limits can be met, and what draws keep to follow from that.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from netwright.errors import EvaluationError, LimitError, SettingError
from netwright.evaluate.base import Evaluator
from netwright.evaluate.forecast import Forecast
from netwright.network.normalised import Deployment
from netwright.objective import COSTS, Limit, MetricName
from netwright.space import Architecture, Space
from netwright.space.limits import check_least
from netwright.targets.base import Target
from netwright.targets.measured import measured

_SURVEYED = 64  # networks whose costs the forecast starts from, where there is a limit on them

Figures = Mapping[str, float]


@dataclass(frozen=True)
class Admitted:
    """Costs of a network, its fingerprint, and why it may not be trained (None: it may).

    `key` is equal for architectures that build the same network under the same recipe.
    """

    metrics: Mapping[str, float]
    fingerprint: str
    key: str
    reason: str | None


class Costs:
    """What members of a space cost, and the limits on it.

    Of the limits those from above are its matter: what must be at least a bound is a score of a
    proxy, which is computed where a network is built.
    `targets` measure what does not follow from the layers, on networks that are deployed with the
    `evaluator`'s normalisation. `within` is the space whose draws keep the limits as far as what
    `learn` was told can say; with `paced` also a bound that `keep_macs` sets later.
    """

    def __init__(
        self,
        space: Space,
        limits: Sequence[Limit] = (),
        targets: Sequence[Target] = (),
        evaluator: Evaluator | None = None,
        *,
        paced: bool = False,
    ) -> None:
        self.space = space
        self.limits = tuple(limit for limit in limits if not limit.least)
        self._evaluator = evaluator
        self._targets = {target.name: target for target in targets}
        self._measured: dict[tuple[Architecture, str], Figures | EvaluationError] = {}
        self.forecast = Forecast(space, self.limits)
        bounded = self.limits or paced
        self.within = space.within(self.forecast.excess) if bounded else space

    def with_limits(
        self, limits: Sequence[Limit], targets: Sequence[Target] | None = None
    ) -> Costs:
        """The same costs under other limits: nothing is measured again, a forecast begins anew.

        A target of one name in both is the same.
        """
        known = self._targets.values() if targets is None else targets
        other = Costs(self.space, limits, tuple(known), self._evaluator)
        other._measured = self._measured
        return other

    # -- one network ------------------------------------------------------------------------------

    def admit(self, architecture: Architecture) -> Admitted:
        """What follows from the layers of a member, and whether that keeps the limits on it."""
        recipe = json.dumps(self.space.recipe(architecture), sort_keys=True, default=str)
        try:
            survey = self.space.survey(architecture)
        except EvaluationError as error:
            # Without a limit on what a survey finds it may be tried: its trial says what is wrong.
            blind = any(limit.metric in COSTS for limit in self.limits)
            return Admitted({}, "", architecture.id + recipe, str(error) if blind else None)
        metrics = {name: float(getattr(survey, name)) for name in COSTS}
        broken = [text for limit in self.limits if (text := limit.excess(metrics))]
        key = survey.fingerprint + recipe
        return Admitted(metrics, survey.fingerprint, key, "; ".join(broken) or None)

    def of(self, architecture: Architecture) -> dict[str, float]:
        """What a member costs, and what has a limit measured: until one is broken.

        Raises:
            EvaluationError: A limited metric cannot be measured.
        """
        found = dict(self.admit(architecture).metrics)
        for limit in self.limits:
            if limit.metric.target is None or limit.metric in found:
                continue
            if any(other.excess(found) for other in self.limits):
                break
            found |= self._on(limit.metric.target, architecture)
        self.forecast.learn(architecture, found)
        return found

    def metric(self, name: str, architecture: Architecture) -> float:
        """One metric of a member, also of one that breaks a limit; infinite if it has none.

        Raises:
            EvaluationError: It cannot be measured.
        """
        if name in COSTS:
            costs = self.admit(architecture).metrics
            self.forecast.learn(architecture, costs)
        return self._value(MetricName(name), architecture)

    def keeps(self, architecture: Architecture) -> bool:
        """Whether a member keeps every limit."""
        if not self.limits:
            return True
        found = self.of(architecture)
        return all(found.get(limit.metric, math.inf) <= limit.bound for limit in self.limits)

    def _value(self, metric: MetricName, architecture: Architecture) -> float:
        if metric.target is None:
            return self.admit(architecture).metrics.get(metric, math.inf)
        return self._on(metric.target, architecture).get(metric, math.inf)

    def _on(self, name: str, architecture: Architecture) -> Figures:
        """What a member costs on a target, measured when it is first asked."""
        key = architecture, name
        if key not in self._measured:
            network = self.space.build(architecture, seed=0)
            try:
                self._measured[key] = measured(self._targets[name], network, self._deployment())
            except EvaluationError as error:
                self._measured[key] = error
        found = self._measured[key]
        if isinstance(found, EvaluationError):
            raise found
        return found

    def _deployment(self) -> Deployment:
        """How networks are deployed where they are measured."""
        if self._evaluator is not None:
            return self._evaluator.deployment(self.space)
        return Deployment(self.space.signature)

    # -- all networks -----------------------------------------------------------------------------

    def learn(self, architecture: Architecture, metrics: Mapping[str, float]) -> None:
        """Let draws know what was measured of a member elsewhere."""
        self.forecast.learn(architecture, {k: v for k, v in metrics.items() if "@" in k})

    def keep_macs(self, most: float) -> None:
        """Let draws keep to so many multiplications, since more would take too long to train."""
        self.forecast.add(Limit(MetricName("macs"), most))

    def survey_some(self, seed: int) -> None:
        """Let draws know what follows from the layers of some members, the same for every call."""
        if any(limit.metric in COSTS for limit in self.forecast.limits):
            rng = np.random.default_rng([seed, _SURVEYED])
            for _ in range(_SURVEYED):
                architecture = self.space.sample(rng)
                self.forecast.learn(architecture, self.admit(architecture).metrics)

    def check_can_be_met(self) -> None:
        """Find a network that keeps each limit, going down from neighbour to neighbour.

        Draws learn nothing from it, so that a run that goes on later proposes what it would have.

        Raises:
            LimitError: None was found; the message says the least that was.
            SettingError: The limit is on a metric that is only known after training.
            EvaluationError: No network that was looked at can be measured.
        """
        for limit in self.limits:
            if limit.metric not in COSTS and limit.metric.target not in self._targets:
                measurable = [
                    MetricName.on(name, target.name)
                    for target in self._targets.values()
                    for name in target.metrics
                ]
                names = [*COSTS, *(metric.name for metric in measurable)]
                near = get_close_matches(limit.metric, names, 1)
                raise SettingError(
                    f"`limits={{{limit.metric!r}: ...}}` must be one of "
                    f"{', '.join([*COSTS, *measurable])}, which are known before a network is "
                    "trained" + (f"; did you mean {near[0]!r}?" if near else ".")
                )
            self._check(limit)

    def _check(self, limit: Limit) -> None:
        refused: list[EvaluationError] = []
        values: list[float] = []

        def value(architecture: Architecture) -> float:
            try:
                values.append(self._value(limit.metric, architecture))
            except EvaluationError as error:
                refused.append(error)
                return math.inf
            return values[-1]

        try:
            check_least(self.space, limit.metric, limit.bound, value)
        except LimitError:
            if refused and not values:
                raise refused[0] from None
            raise
