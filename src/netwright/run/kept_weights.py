"""Which weights of trials are kept in the store."""

from __future__ import annotations

import math
from collections.abc import Sequence

from netwright.objective import Limit, Objective, dominates
from netwright.record.artifacts import spread_key, weights_key
from netwright.store import Store
from netwright.trial import Trial, size_of

_MOST = 4  # networks of one objective whose weights are kept where they can be compared


class Weights:
    """The weights of a run's trials: those of finals stay, and of the search the front's.

    Where it is known how sure the scores of a search with one objective are, as it is if no final
    follows, the best four stay: one may be taken that cannot be told from the best.
    """

    def __init__(
        self,
        store: Store,
        run: str,
        objectives: Sequence[Objective],
        limits: Sequence[Limit],
    ) -> None:
        self._store, self._run = store, run
        self._objectives, self._limits = objectives, limits
        self._gains: dict[int, list[float]] = {}  # of the trials of the search that are kept
        self._most: dict[int, int] = {}  # of them, with how many at least as good ones each stays
        self._size = size_of(None)  # of the budget that these had

    def take(self, trial: Trial) -> None:
        """Keep the weights of a trial that has ended if they may be wanted; drop what it beats.

        One of a larger budget beats all of a smaller.
        """
        stage = trial.proposal.stage
        if not stage.explores:
            return
        gains = [o.gain(trial.metrics) for o in self._objectives]
        broken = any(limit.excess(trial.metrics) for limit in self._limits)
        useless = not trial.done or broken or not stage.is_search or -math.inf in gains
        size = size_of(trial.proposal.budget)
        if not useless and size > self._size:
            for number in self._gains:
                self._drop(number)
            self._gains, self._size = {}, size
        compared = self._store.has(self._run, spread_key(trial.number))
        most = _MOST if compared and len(self._objectives) == 1 else 1
        kept = self._gains.values()
        useless = useless or size < self._size
        if useless or sum(dominates(x, gains) or x == gains for x in kept) >= most:
            self._drop(trial.number, spread=trial.proposal.design is None)
            return
        self._gains[trial.number], self._most[trial.number] = gains, most
        beaten = [n for n in self._gains if self._before(n) >= self._most[n]]
        for number in beaten:
            self._drop(number)
            del self._gains[number]

    def _before(self, number: int) -> int:
        """How many that are kept are better than one of them, or as good and earlier."""
        own = self._gains[number]
        return sum(dominates(x, own) or (x == own and n < number) for n, x in self._gains.items())

    def has(self, number: int) -> bool:
        """Say whether the weights of a trial are kept."""
        return self._store.has(self._run, weights_key(number))

    def _drop(self, number: int, *, spread: bool = False) -> None:
        self._store.delete(self._run, weights_key(number))
        if spread:
            self._store.delete(self._run, spread_key(number))
