"""Who may be trained: the costs of a network before training, its identity, and the limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from netwright.errors import EvaluationError, SettingError, SpaceError
from netwright.network.normalised import Deployment
from netwright.objective import Limit
from netwright.space import Architecture, Space
from netwright.space.limits import COSTS, check_least
from netwright.targets.latency import LatencyTarget

LATENCY = "latency_ms"
_REPEATED = 5  # networks looked at beside the smallest to see that their outputs repeat


@dataclass(frozen=True)
class Admitted:
    """Costs of a network, its fingerprint, and why it may not be trained (None: it may).

    `key` is equal for architectures that build the same network under the same recipe.
    """

    metrics: Mapping[str, float]
    fingerprint: str
    key: str
    reason: str | None


@dataclass
class Admission:
    """Surveys architectures of a space on the meta device, where nothing is computed."""

    space: Space
    limits: Sequence[Limit]
    _seen: dict[str, Admitted] = field(default_factory=dict)

    def admit(self, architecture: Architecture) -> Admitted:
        """The costs of an architecture and whether it keeps the limits on them."""
        if architecture.id not in self._seen:
            self._seen[architecture.id] = self._survey(architecture)
        return self._seen[architecture.id]

    def _survey(self, architecture: Architecture) -> Admitted:
        recipe = json.dumps(self.space.recipe(architecture), sort_keys=True, default=str)
        try:
            found = self.space.survey(architecture)
        except EvaluationError as error:
            # Without a limit on what a survey finds it may be tried: its trial says what is wrong.
            blind = any(limit.metric in COSTS for limit in self.limits)
            return Admitted({}, "", architecture.id + recipe, str(error) if blind else None)
        metrics = {
            "params": float(found.params),
            "macs": float(found.macs),
            "memory_mib": found.memory_mib,
        }
        broken = [text for limit in self.limits if (text := limit.excess(metrics))]
        key = found.fingerprint + recipe
        return Admitted(metrics, found.fingerprint, key, "; ".join(broken) or None)

    def check_limits_can_be_met(
        self,
        target: LatencyTarget | None,
        deployment: Deployment | None,
    ) -> None:
        """Find a network that keeps each limit, going down from neighbour to neighbour.

        Raises:
            LimitError: None was found; the message says the least that was.
            SettingError: The limit is on a metric that is only known after training.
        """
        for limit in self.limits:
            if limit.metric in COSTS:
                measure = self._cost(limit.metric)
            elif limit.metric == LATENCY and target is not None and deployment is not None:
                measure = self._latency(target, deployment)
            else:
                raise SettingError(
                    f"`limits={{{limit.metric!r}: ...}}` must be one of {', '.join(COSTS)} or "
                    f"{LATENCY}, which are known before a network is trained."
                )
            check_least(self.space, limit.metric, limit.bound, measure)

    def _cost(self, metric: str) -> Callable[[Architecture], float]:
        return lambda architecture: self.admit(architecture).metrics.get(metric, float("inf"))

    def _latency(
        self, target: LatencyTarget, deployment: Deployment
    ) -> Callable[[Architecture], float]:
        def measure(architecture: Architecture) -> float:
            model = deployment.raw(self.space.build(architecture, seed=0))
            return target.measure(model, deployment.signature).median_ms

        return measure


def check_repeatable(space: Space) -> None:
    """Refuse a space whose networks give other outputs each time in eval mode.

    What such a network has learned cannot be measured, and no exported form can be compared with
    it.

    Raises:
        SpaceError: Two passes over the same inputs differ.
    """
    rng = np.random.default_rng(0)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2, *space.signature.input.sizes, generator=generator)
    members = [space.smallest(), *(space.sample(rng) for _ in range(_REPEATED))]
    for architecture in dict.fromkeys(members):
        try:
            model = space.build(architecture, seed=0).eval()
            with torch.no_grad():
                first, second = model(x), model(x)
            equal = torch.allclose(first, second, rtol=1e-3, atol=1e-5, equal_nan=True)
        except Exception:
            continue  # its trial says what is wrong
        if not equal:
            raise SpaceError(
                f"The network {dict(architecture.answers)!r} of `{space.name}` gives other outputs "
                "for the same inputs in eval mode: something in it is random, such as "
                "`functional.dropout(x)` without `training=self.training`. Make it depend on "
                "`self.training`."
            )
