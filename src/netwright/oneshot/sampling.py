"""Shared weights trained by running one random member at each step, and members scored by them.

- `RandomSharing`: Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture
  Search", arXiv 1902.07638. The best of random members by their shared weights.
- `SinglePath`: Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform Sampling",
  arXiv 1904.00420. With `fair` the options of a choice take turns, as Chu, Zhang and Xu, FairNAS,
  arXiv 1907.01845, so that after as many steps each was trained equally often (where it is asked).
  The members are then found by evolution on shared accuracy.

Batch normalisation is recalibrated for every score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netwright.errors import SettingError, SpaceError
from netwright.oneshot.base import Batch, OneShot, Setting, Shared
from netwright.oneshot.scoring import shared_accuracy
from netwright.space import Answer, Architecture, Choice

_PARENTS = 10  # of the best, whose mutants and crosses are tried


@dataclass(frozen=True)
class Sampling(OneShot):
    """A supernet trained one member a step; `scored` members are compared by its weights.

    Raises:
        SettingError: `scored` below 2.
    """

    scored: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        if type(self.scored) is not int or self.scored < 2:
            raise SettingError(
                f"`{type(self).__name__}(scored=...)` must be a whole number, at least 2, "
                f"got {self.scored!r}."
            )


@dataclass(frozen=True)
class RandomSharing(Sampling):
    """The best of random members by shared weights."""

    def begin(self, setting: Setting) -> Shared:
        """A supernet with fresh weights."""
        return _Sampled(self, setting, evolve=False, fair=False)


@dataclass(frozen=True)
class SinglePath(Sampling):
    """Evolution over shared weights; `fair` lets options take turns while these are trained."""

    fair: bool = True

    def begin(self, setting: Setting) -> Shared:
        """A supernet with fresh weights."""
        return _Sampled(self, setting, evolve=True, fair=self.fair)


class _Sampled(Shared):
    def __init__(self, settings: Sampling, setting: Setting, *, evolve: bool, fair: bool) -> None:
        super().__init__(settings, setting)
        self._scored, self._evolve, self._fair = settings.scored, evolve, fair
        self._turns: dict[str, list[int]] = {}  # options that are still to come in this round

    def candidates(self, rng: np.random.Generator, count: int) -> list[Architecture]:
        """The best by shared accuracy of those that were scored."""
        space, scores = self.setting.space, dict[Architecture, float]()
        for number in range(20 * self._scored):
            if len(scores) >= self._scored:
                break
            member = space.sample(rng)
            if self._evolve and number >= self._scored // 4:
                best = sorted(scores, key=lambda m: -scores[m])[:_PARENTS]
                a, b = (best[int(i)] for i in rng.integers(len(best), size=2))
                member = space.cross(a, b, rng) if rng.random() < 0.5 else space.mutate(a, rng)
            if member not in scores:
                scores[member] = shared_accuracy(self, member)
        return sorted(scores, key=lambda m: -scores[m])[:count]

    def _step(self, place: int, batch: Batch, other: Batch) -> float:
        if place == 0:
            self._turns.clear()
        self.supernet.activate(self._next() if self._fair else self.setting.space.sample(self._rng))
        return self._learn(place, batch)

    def _next(self) -> Architecture:
        """The member of the options whose turn it is."""

        def pick(choice: Choice) -> Answer:
            if choice.late:
                return choice.options[0]
            left = (
                self._turns.get(choice.name) or self._rng.permutation(len(choice.options)).tolist()
            )
            self._turns[choice.name] = left[1:]
            return choice.options[left[0]]

        try:
            return self.setting.space.answered(pick)
        except SpaceError:  # what a rule between choices forbids
            return self.setting.space.sample(self._rng)
