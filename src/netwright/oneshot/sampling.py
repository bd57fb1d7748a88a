"""Shared weights trained by running one random member at each step, and members scored by them.

- `RandomSharing`: Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture
  Search", arXiv 1902.07638. The best of random members by their shared weights.
- `SinglePath`: Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform Sampling",
  arXiv 1904.00420. With `fair` the options of a choice take turns, as Chu, Zhang and Xu, FairNAS,
  arXiv 1907.01845, so that after as many steps each was trained equally often (where it is asked).
  The members are then found by evolution on shared weights, or by any other strategy.

Batch normalisation is recalibrated for every score.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netwright.oneshot.base import Batch, OneShot, Setting, Shared, always
from netwright.oneshot.shared_search import promising
from netwright.space import Answer, Architecture, Choice
from netwright.strategies import RandomSearch, Strategy
from netwright.strategies.base import allowed


@dataclass(frozen=True)
class Sampling(OneShot):
    """A supernet trained one member a step; `scored` members are compared by its weights.

    Raises:
        SettingError: `scored` below 2.
    """

    scored: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_whole("scored", 2)


@dataclass(frozen=True)
class RandomSharing(Sampling):
    """A random network learns at each step; the best of random ones by shared weights are named."""

    cli_name: ClassVar = "random-sharing"

    def begin(self, setting: Setting) -> Shared:
        """A supernet with fresh weights."""
        return Sampled(self, setting, RandomSearch(), fair=False)


@dataclass(frozen=True)
class SinglePath(Sampling):
    """Options take turns, then a strategy searches over the shared weights.

    `finder` is that strategy, None for evolution or, for several objectives, NSGA-II; without
    `fair` members are drawn at random while the weights learn.
    """

    cli_name: ClassVar = "single-path"

    fair: bool = True
    finder: Strategy | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_finder()

    def begin(self, setting: Setting) -> Shared:
        """A supernet with fresh weights."""
        return Sampled(self, setting, self.finder, fair=self.fair)


class Sampled(Shared):
    """The state of a supernet whose members take turns, and are then scored."""

    def __init__(
        self, settings: Sampling, setting: Setting, finder: Strategy | None, *, fair: bool
    ) -> None:
        super().__init__(settings, setting)
        self._scored, self._finder, self._fair = settings.scored, finder, fair
        self._turns: dict[str, list[int]] = {}  # options that are still to come in this round

    def candidates(
        self, rng: np.random.Generator, count: int, goes_on: Callable[[], bool] = always
    ) -> list[Architecture]:
        """The best by the objectives, with shared accuracies, of those that were scored."""
        return promising(self, self._finder, rng, self._scored, count, goes_on)

    def _step(self, place: int, batch: Batch, other: Batch) -> float:
        if place == 0:
            self._turns.clear()
        self.activate(self._next() if self._fair else self.setting.space.sample(self._rng))
        return self._learn(place, batch)

    def _next(self) -> Architecture:
        """The member of the options whose turn it is."""

        def pick(choice: Choice) -> Answer:
            if choice.late:
                return choice.options[0]
            left = self._turns.get(choice.name)
            left = left or self._rng.permutation(len(choice.options)).tolist()
            self._turns[choice.name] = left[1:]
            return choice.options[left[0]]

        space = self.setting.space
        return allowed(lambda: space.answered(pick), space, self._rng)
