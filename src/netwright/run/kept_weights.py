"""Which weights of trials are kept in the store."""

from __future__ import annotations

import math
from collections.abc import Sequence

from netwright.objective import Limit, Objective, dominates
from netwright.record.artifacts import weights_key
from netwright.store import Store
from netwright.trial import Trial, size_of


class Weights:
    """The weights of a run's trials: those of finals stay, and of the search the front's."""

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
        kept = self._gains.values()
        useless = useless or size < self._size
        if useless or any(dominates(other, gains) or other == gains for other in kept):
            self._drop(trial.number)
            return
        for number in [n for n, other in self._gains.items() if dominates(gains, other)]:
            self._drop(number)
            del self._gains[number]
        self._gains[trial.number] = gains

    def has(self, number: int) -> bool:
        """Say whether the weights of a trial are kept."""
        return self._store.has(self._run, weights_key(number))

    def _drop(self, number: int) -> None:
        self._store.delete(self._run, weights_key(number))
