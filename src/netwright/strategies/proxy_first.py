"""The first trials by proxies, the others by any strategy: a start that is better than random.

Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", arXiv 2101.08134, section 4.2.1: random
networks are ranked by proxies before the search, and the best of them are its first trials.

Departures: a pool is drawn for each of the first trials, of its own generator, and the best of it
is proposed; all pools together are as many networks. So what is proposed follows from the trial
alone, several workers need not wait, and the first trials differ more than the best of one pool. A
strategy sees no data: networks are scored on random inputs, and proxies that need targets refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from netwright.errors import NetwrightError, SettingError
from netwright.network.threads import one_thread
from netwright.objective import Objective
from netwright.proxies import NASWOT, Examples, Proxy, Synflow, Vote, scores_of
from netwright.proxies.names import proxies_from
from netwright.settings.rules import check_counts
from netwright.space import Architecture, Space
from netwright.strategies.auto import Auto
from netwright.strategies.base import Search, Strategy
from netwright.trial import Proposal, Trial

_EXAMPLES = 32  # that networks are scored on
_SEED = 0  # of what is drawn to score a network, so that a network has one score


@dataclass(frozen=True)
class ProxyFirst(Strategy):
    """Proposes the best of random networks by proxies first, then what `strategy` does.

    Each of the `first` trials is the best, by the mean of the ranks, of its share of a `pool` of
    random networks that were not tried. `strategy` observes these trials as its own, and under a
    stopper it chooses who goes on if it does so alone. Proxies are
    given as such or by their names, `("synflow", "zen(repeats=4)")`.

    Raises:
        SettingError: `first` is below 1, `pool` below twice `first`, or a proxy needs targets.
    """

    cli_name: ClassVar = "proxy-first"

    strategy: Strategy = field(default_factory=Auto)
    proxies: Sequence[Proxy | str] = (Synflow(), NASWOT())
    pool: int = 100
    first: int = 10

    def __post_init__(self) -> None:
        check_counts(self, first=1)
        check_counts(self, pool=2 * self.first)
        if not isinstance(self.strategy, Strategy):
            raise SettingError(
                "`ProxyFirst(strategy=...)` must be a Strategy such as `RandomSearch()`, got "
                f"{self.strategy!r}."
            )
        found = proxies_from("ProxyFirst(proxies=...)", self.proxies)
        if not found or any(proxy.needs_targets for proxy in found):
            raise SettingError(
                "`ProxyFirst(proxies=...)` must be proxies that need no targets, at least one, "
                f"since a strategy sees no data, got {self.proxies!r}."
            )
        object.__setattr__(self, "proxies", found)
        object.__setattr__(self, "learns_budgets", self.strategy.learns_budgets)

    def start(self, space: Space, objectives: Sequence[Objective]) -> Search:
        """The state of a search: that of the strategy, and what was tried."""
        return _ProxyFirst(self, space, objectives)


class _ProxyFirst(Search):
    def __init__(self, settings: ProxyFirst, space: Space, objectives: Sequence[Objective]) -> None:
        self._settings, self._space = settings, space
        self._then = settings.strategy.start(space, objectives)
        self._vote = Vote(tuple(p for p in settings.proxies if isinstance(p, Proxy)))
        self._tried: set[Architecture] = set()
        self._examples: Examples | None = None
        self._scores: dict[Architecture, tuple[float, ...]] = {}  # follows from the architecture

    def propose(self, rng: np.random.Generator, pending: Sequence[Proposal]) -> Proposal | None:
        known = self._tried | {proposal.architecture for proposal in pending}
        if len(known) < self._settings.first:
            share = self._settings.pool // self._settings.first
            drawn = dict.fromkeys(self._space.sample(rng) for _ in range(share))
            unknown = [architecture for architecture in drawn if architecture not in known]
            if unknown:
                return Proposal(self._best(unknown))
        return self._then.propose(rng, pending)

    def observe(self, trial: Trial) -> None:
        self._tried.add(trial.architecture)
        self._then.observe(trial)

    def preferred(self, candidates: Sequence[Proposal], pending: Sequence[Proposal]) -> Proposal:
        return self._then.preferred(candidates, pending)

    def _best(self, architectures: Sequence[Architecture]) -> Architecture:
        """The one that the proxies together rank first."""
        if len(architectures) == 1:
            return architectures[0]
        scores = np.array([self._scored(architecture) for architecture in architectures])
        return architectures[int(self._vote.combine(scores).argmax())]

    def _scored(self, architecture: Architecture) -> tuple[float, ...]:
        """Its score by each proxy, NaN where one cannot score it."""
        if architecture not in self._scores:
            if self._examples is None:
                rng = np.random.default_rng(_SEED)
                self._examples = Examples.random(self._space.signature, rng, _EXAMPLES)
            proxies = self._vote.proxies
            try:
                network = self._space.build(architecture, seed=_SEED)
                with one_thread():
                    found = scores_of(proxies, network, self._examples, _SEED)
            except NetwrightError:
                found = np.full(len(proxies), np.nan)
            self._scores[architecture] = tuple(found.tolist())
        return self._scores[architecture]
