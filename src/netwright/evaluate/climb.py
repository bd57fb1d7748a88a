"""Whether a limit from below, on the score of a proxy, can be met: the way up to such a network."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np

from netwright.errors import EvaluationError, LimitError
from netwright.evaluate.base import Evaluator
from netwright.evaluate.costs import Costs
from netwright.evaluate.scored import scored
from netwright.objective import Limit
from netwright.proxies import Proxy
from netwright.space import Architecture

_DRAWN = 32  # networks that are drawn,
_STARTS = 3  # from the best of which the ways up begin
_MOST = 500  # networks that are scored in all,
_SECONDS = 30.0  # in so much time


def check_scores_can_be_met(
    costs: Costs,
    limits: Sequence[Limit],
    proxies: Sequence[Proxy],
    evaluator: Evaluator,
    *,
    seed: int,
    seconds: float = _SECONDS,
) -> None:
    """Find a network that keeps each limit from below, going up from neighbour to neighbour.

    The scores of proxies need not grow with each choice alone, so it begins at the best of some
    draws. Where 500 networks or so many `seconds` (30 at most) are over before, the run may try.

    Raises:
        LimitError: None was found on any way up; says the largest score.
        EvaluationError: No network that was looked at can be scored.
    """
    until = time.monotonic() + min(seconds, _SECONDS)
    for limit in (limit for limit in limits if limit.least):
        own = [proxy for proxy in proxies if proxy.cli_name == limit.metric]
        _Climb(costs, limit, own, evaluator, seed, until).check()


class _Over(Exception):
    """Enough networks were scored, or the time is over."""


class _Kept(Exception):
    """A network keeps the limit."""


class _Climb:
    """The ways up to a network that keeps a limit from below."""

    def __init__(
        self,
        costs: Costs,
        limit: Limit,
        proxies: Sequence[Proxy],
        evaluator: Evaluator,
        seed: int,
        until: float,
    ) -> None:
        self._costs, self._limit, self._proxies = costs, limit, proxies
        self._evaluator, self._seed, self._until = evaluator, seed, until
        self._scores: dict[Architecture, float] = {}
        self._refused: EvaluationError | None = None

    def check(self) -> None:
        """Raise where no network keeps the limit."""
        rng = np.random.default_rng([self._seed, _DRAWN])
        try:
            drawn = dict.fromkeys(self._costs.within.sample(rng) for _ in range(_DRAWN))
            for start in sorted(drawn, key=self._score, reverse=True)[:_STARTS]:
                self._go_up(start, rng)
        except (_Over, _Kept):
            return
        largest = max(self._scores.values())
        if largest > -math.inf:
            raise LimitError(
                f"The limit {self._limit} cannot be met: the largest found in the space "
                f"{self._costs.space.name!r} is {largest:.6g}, of {len(self._scores)} networks. "
                "Lower the limit or widen the space."
            )
        if self._refused is not None:
            raise self._refused

    def _go_up(self, here: Architecture, rng: np.random.Generator) -> None:
        """To the first neighbour that is better, until none is."""
        while True:
            others = self._costs.space.neighbours(here)
            order = rng.permutation(len(others)).tolist()
            least = self._score(here)
            better = next((i for i in order if self._score(others[i]) > least), None)
            if better is None:
                return
            here = others[better]

    def _score(self, architecture: Architecture) -> float:
        """The score of a network; minus infinity of one that breaks another limit or has none."""
        if architecture in self._scores:
            return self._scores[architecture]
        if len(self._scores) >= _MOST or time.monotonic() > self._until:
            raise _Over
        self._scores[architecture] = self._measured(architecture)
        if self._scores[architecture] >= self._limit.bound:
            raise _Kept
        return self._scores[architecture]

    def _measured(self, architecture: Architecture) -> float:
        if self._costs.admit(architecture).reason is not None:
            return -math.inf
        space, metric = self._costs.space, str(self._limit.metric)
        given = self._evaluator
        try:
            network = space.build(architecture, seed=self._seed)
            return scored(self._proxies, network, given, space, self._seed, [metric])[metric]
        except EvaluationError as error:
            self._refused = error
        except Exception:  # of the user's own, which a trial will tell of
            return -math.inf
        return -math.inf
