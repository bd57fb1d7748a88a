"""What members cost that is limited, and the space whose draws keep the limits."""

from __future__ import annotations

import math
from collections.abc import Sequence

from netwright.evaluate.admission import LATENCY, Admission
from netwright.evaluate.forecast import Forecast
from netwright.network.normalised import Deployment
from netwright.objective import Limit
from netwright.space import Architecture, Space
from netwright.targets.latency import LatencyTarget


class Costs:
    """The limited metrics of a space's members: found on the meta device, or latency measured.

    `within` is the space whose draws keep the limits as far as what was found before can say.
    """

    def __init__(
        self,
        space: Space,
        limits: Sequence[Limit] = (),
        target: LatencyTarget | None = None,
        deployment: Deployment | None = None,
    ) -> None:
        self.limits = tuple(limits)
        self._space, self._target = space, target
        self._deployment = deployment
        self._admission = Admission(space, self.limits)
        self._forecast = Forecast(space, self.limits)
        self._found: dict[Architecture, dict[str, float]] = {}
        self._measured: dict[Architecture, float] = {}  # latencies
        self.within = space.within(self._forecast.excess) if self.limits else space

    def of(self, architecture: Architecture) -> dict[str, float]:
        """The metrics of a member by name: params, macs, memory_mib, and latency_ms if limited."""
        if architecture not in self._found:
            found = dict(self._admission.admit(architecture).metrics)
            over = any(limit.excess(found) for limit in self.limits)
            if not over and any(limit.metric == LATENCY for limit in self.limits):
                found[LATENCY] = self.metric(LATENCY, architecture)
            self._found[architecture] = found
            self._forecast.learn(architecture, found)
        return dict(self._found[architecture])

    def metric(self, name: str, architecture: Architecture) -> float:
        """One limited metric of a member, also of one that breaks another limit."""
        if name != LATENCY:
            return self.of(architecture).get(name, math.inf)
        if architecture not in self._measured:
            self._measured[architecture] = self._latency(architecture)
        return self._measured[architecture]

    def keeps(self, architecture: Architecture) -> bool:
        """Whether a member keeps every limit."""
        if not self.limits:
            return True
        found = self.of(architecture)
        return all(found.get(limit.metric, math.inf) <= limit.bound for limit in self.limits)

    def remember(self, measured: dict[Architecture, float]) -> None:
        """Take latencies that were measured before, and add those that will be."""
        self._measured = measured

    def check_can_be_met(self) -> None:
        """Find a member that keeps each limit.

        Raises:
            LimitError: None was found; says the least that was.
            SettingError: A limit on what is only known after training.
        """
        self._admission.check_limits_can_be_met(self._target, self._deployment)

    def _latency(self, architecture: Architecture) -> float:
        if self._target is None or self._deployment is None:
            return math.inf
        model = self._deployment.raw(self._space.build(architecture, seed=0))
        return self._target.measure(model, self._deployment.signature).median_ms
