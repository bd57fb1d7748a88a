"""What well-known networks of a space take to train, by some steps of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netwright.evaluate.base import Candidate
from netwright.evaluate.costs import Costs
from netwright.evaluate.pace import Pace, Steps
from netwright.network.threads import one_thread
from netwright.run.plan import Plan
from netwright.run.timed import seconds_of, some_steps
from netwright.space import Architecture
from netwright.trial import Budget

Designs = Sequence[tuple[str, Sequence[Architecture]]]
"""Well-known networks by name, each in its sizes, the largest first."""

UNLIKE = 8.0
"""Times its share that a well-known network may seem to take, by others, to be timed itself."""


@dataclass(frozen=True)
class KnownNetwork:
    """A well-known network in one of its sizes: what it costs, and what steps of it take."""

    costs: Mapping[str, float]
    pace: Pace

    def seconds(self, steps: Steps) -> float:
        """What so many steps of it take."""
        return self.pace.seconds(self.costs, steps) or 0.0


@dataclass
class KnownNetworks:
    """What some steps say of the well-known networks of a space.

    `fitting` are the largest of them that train well in time, `most` by the name of each what these
    multiply, or the smallest size where none fits, and `examples` the steps.
    """

    fitting: list[KnownNetwork] = field(default_factory=list)
    most: dict[str, float] = field(default_factory=dict)
    examples: list[dict[str, float]] = field(default_factory=list)


def timed_designs(
    plan: Plan, costs: Costs, designs: Designs, pace: Pace, good: Budget, bound: float, most: float
) -> KnownNetworks:
    """Of each well-known network the largest size that trains for `good` epochs in `bound` seconds.

    Each is known by some steps of one size, the others by what they multiply. By random networks,
    which `pace` knows, it could not be told: at 16 x 16 pixels plain convolutions took a third of
    the seconds of others with as many multiplications. No more are timed after `most` seconds.
    """
    found, spent = KnownNetworks(), 0.0
    for name, sizes in designs:
        own: Pace | None = None
        for architecture in sizes:
            admitted = costs.admit(architecture)
            if admitted.reason is not None:
                continue
            steps = plan.evaluator.steps(good, plan.space.recipe(architecture))
            figures = {k: admitted.metrics.get(k, 0.0) for k in ("params", "macs")}
            if own is None:
                guess = pace.seconds(figures, steps)
                if guess is not None and guess > UNLIKE * bound:
                    continue
                if spent > most:
                    return found
                with one_thread():
                    timed = some_steps(plan, Candidate(plan.space, architecture, plan.seed))
                if not timed:
                    break
                spent += seconds_of(timed)
                own = Pace()
                for each in timed:
                    found.examples.append({**figures, **each})
                    own.learn_json(found.examples[-1])
            found.most[name] = figures["macs"]
            network = KnownNetwork(figures, own)
            if network.seconds(steps) <= bound:
                found.fitting.append(network)
                break
    return found


def largest_known(costs: Costs, designs: Designs) -> float:
    """The multiplications of the largest well-known network within the limits; 0 without."""
    most = 0.0
    for _, sizes in designs:
        kept = next(filter(costs.keeps, sizes), None)
        if kept is not None:
            most = max(most, costs.admit(kept).metrics.get("macs", 0.0))
    return most
